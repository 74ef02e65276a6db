"""Bytes of layers and of the canvas."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from acetate_driver.binding import sip
from acetate_driver.documents import SRGB, describe, document, walk


def pixels(id: str, x: int, y: int, width: int, height: int) -> str:
    """Base64 of the own bytes of the node with this unique id."""
    (found,) = [item for item in walk() if item.uniqueId().toString() == id]
    return base64.b64encode(bytes(found.pixelData(x, y, width, height))).decode()


def in_srgb(id: str, x: int, y: int, width: int, height: int) -> str:
    """Base64 of what Krita shows of the node's own bytes: BGRA, uint16, straight sRGB."""
    (found,) = [item for item in walk() if item.uniqueId().toString() == id]
    space = [found.colorModel(), found.colorDepth(), found.colorProfile()]
    data = bytes(found.pixelData(x, y, width, height))
    return base64.b64encode(convert(data, width, height, *way_to_srgb(space))).decode()


def way_to_srgb(space: Sequence[str]) -> list[tuple[str, ...]]:
    """By way of floats, which are exact where integers are not; but CMYK as Krita's canvas shows it, which floats do
    not.
    """
    model, depth, profile = space
    fine = [] if model == "CMYKA" else [(model, "F32", profile), ("RGBA", "F32", SRGB)]
    return [(model, depth, profile), *fine, ("RGBA", "U16", SRGB)]


def convert(data: bytes, width: int, height: int, *spaces: Sequence[str]) -> bytes:
    """Pixels of the first colour space, by way of the others. On a clone: conversions are undo steps."""
    clone = document().clone()
    scratch = clone.createNode("", "paintlayer")
    scratch.setColorSpace(*spaces[0])
    scratch.setPixelData(data, 0, 0, width, height)
    for space in spaces[1:]:
        scratch.setColorSpace(*space)
    found = bytes(scratch.pixelData(0, 0, width, height))
    sip.delete(scratch)
    clone.waitForDone()
    clone.close()
    return found


def fingerprint(margin: int = 32) -> dict[str, Any]:
    """What must not change: SHA-256 of every node's bytes (the canvas and a margin around it), its place
    and properties, and of the projection."""
    current = document()
    current.waitForDone()
    x, y = -margin, -margin
    width, height = current.width() + 2 * margin, current.height() + 2 * margin
    nodes = {
        item.uniqueId().toString(): [describe(item), digest(item.pixelData(x, y, width, height))] for item in walk()
    }
    return {"nodes": nodes, "projection": digest(current.pixelData(0, 0, current.width(), current.height()))}


def projection_around(x: int, y: int, width: int, height: int) -> str:
    """SHA-256 of what the canvas shows outside the rectangle (which lies within it)."""
    current = document()
    current.waitForDone()
    right, bottom = x + width, y + height
    strips = [
        (0, 0, current.width(), y),
        (0, bottom, current.width(), current.height() - bottom),
        (0, y, x, height),
        (right, y, current.width() - right, height),
    ]
    return digest(b"".join(bytes(current.pixelData(*strip)) for strip in strips if strip[2] > 0 and strip[3] > 0))


def digest(data: bytes) -> str:
    return hashlib.sha256(bytes(data)).hexdigest()
