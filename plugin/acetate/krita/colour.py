"""Between the wire's straight sRGB and the document's own colour space, by Krita's own colour management.

Between integers Krita converts by small tables: a round trip through 16 bits is up to 3.7 ΔE00 off. By way of F32 it is
0.1. CMYK is the exception: there F32 is worse, and what is asked for has to be corrected (correction.py); so has grey
of integers, which is read as the canvas draws it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from krita import Document, Node

from acetate.krita.colour_space import SRGB, KritaColourSpace
from acetate.krita.correction import corrected
from acetate.krita.wrappers import beside_the_gui_thread
from acetate.picture import Picture, swap_red_blue
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat
from acetate.qt import sip

if TYPE_CHECKING:
    from acetate.krita.document import KritaDocument

_SRGB16 = KritaColourSpace("RGBA", "U16", SRGB)
_WIRE = {PixelFormat.RGBA8: KritaColourSpace("RGBA", "U8", SRGB), PixelFormat.RGBA16: _SRGB16}


class Converter:
    """Writes pictures into nodes of a document. Make and close it on the GUI thread; write in any thread.

    `setColorSpace` adds undo steps to the document that a node comes from: conversion happens on a node of a clone.
    """

    def __init__(self, document: KritaDocument) -> None:
        self._space = document.colour_space
        self._clone = None if self._space.is_srgb8 else document.handle.clone()
        if self._clone:
            self._clone.setBatchmode(True)

    def write(self, node: Node, picture: Picture, bounds: Bounds) -> None:
        """Any thread; `node` is in no document."""
        if self._clone is None and picture.format is PixelFormat.RGBA8:
            _write_strips(node, picture, bounds)
        elif self._clone is None:
            raise DocumentError("16-bit pixels came for an 8-bit document", "Generate again.")
        else:
            clone = self._clone
            beside_the_gui_thread(lambda: self._convert(clone, node, picture, bounds))

    def _convert(self, clone: Document, node: Node, picture: Picture, bounds: Bounds) -> None:
        scratch = _new_node(clone, _WIRE[picture.format])
        _write_strips(scratch, picture, bounds)
        if self._space.model == "CMYKA" or _is_stepped(self._space):
            wanted = _WIRE[picture.format]
            if _is_stepped(self._space):  # of colours the luminance, which is all that asking can reach
                wanted = replace(self._space, depth="F32")
                convert(scratch, _WIRE[picture.format], wanted)
            convert(scratch, wanted, _SRGB16)
            _ask_for_more(clone, scratch, picture, bounds, self._space)
            convert(scratch, _SRGB16, self._space)
        else:
            convert(scratch, _WIRE[picture.format], self._space)
        for strip, _ in picture.rows(bounds):
            area = (strip.x, strip.y, strip.width, strip.height)
            node.setPixelData(scratch.pixelData(*area), *area)
        sip.delete(scratch)
        clone.waitForDone()  # closing a document whose image still works makes Krita crash, later

    def close(self) -> None:
        if self._clone and not sip.isdeleted(self._clone):
            self._clone.close()
            sip.delete(self._clone)


def to_srgb16(node: Node, space: KritaColourSpace) -> None:
    """Converts a node of a clone. Any thread.

    Grey of integers goes the way that the canvas goes: where its curve is linear or Rec. 709's, the small table by
    which Krita draws it is 10/255 off in the shadows, and what the painter sees is what counts.
    """
    if _is_stepped(space):
        node.setColorSpace(_SRGB16.model, _SRGB16.depth, _SRGB16.profile)
    else:
        convert(node, space, _SRGB16)


def _is_stepped(space: KritaColourSpace) -> bool:
    return space.model == "GRAYA" and space.depth.startswith("U")


def convert(node: Node, source: KritaColourSpace, target: KritaColourSpace) -> None:
    for before, after in pairwise((source, *_way(source, target))):
        if before != after:
            node.setColorSpace(after.model, after.depth, after.profile)


def _way(source: KritaColourSpace, target: KritaColourSpace) -> Iterator[KritaColourSpace]:
    is_same = (source.model, source.profile) == (target.model, target.profile)
    if not is_same and "CMYKA" not in (source.model, target.model):
        yield replace(source, depth="F32")
        yield replace(target, depth="F32")
    yield target


def _ask_for_more(clone: Document, node: Node, picture: Picture, bounds: Bounds, space: KritaColourSpace) -> None:
    """Changes the colours of `node`, sRGB of 16 bits, so that `space` shows what they are now."""
    deep = replace(space, depth="U16") if space.depth == "U8" else space
    scratch = _new_node(clone, _SRGB16)  # one for all rounds: each node made in a thread is one that Krita may lose
    for strip, data in picture.rows(bounds):
        area = (strip.x, strip.y, strip.width, strip.height)
        if data != bytes(len(data)):
            wanted = bytes(node.pixelData(*area))
            ask = corrected(_opaque(wanted), strip.extent, lambda pixels: _shown(scratch, pixels, strip, deep))  # noqa: B023  # called in this round
            node.setPixelData(_with_alpha(ask, wanted), *area)
    sip.delete(scratch)


def _shown(scratch: Node, pixels: bytes, strip: Bounds, space: KritaColourSpace) -> bytes:
    """What becomes of sRGB pixels of 16 bits in `space`; `scratch` is sRGB of 16 bits before and after."""
    area = (0, 0, strip.width, strip.height)
    scratch.setPixelData(pixels, *area)
    convert(scratch, _SRGB16, space)
    to_srgb16(scratch, space)
    return bytes(scratch.pixelData(*area))


def _opaque(pixels: bytes) -> bytes:
    """Four uint16 a pixel, alpha last."""
    return _with_alpha(pixels, b"\xff" * len(pixels))


def _with_alpha(pixels: bytes, alpha: bytes) -> bytes:
    """The colours of `pixels` with the alpha of the other."""
    mixed = bytearray(pixels)
    mixed[6::8], mixed[7::8] = alpha[6::8], alpha[7::8]
    return bytes(mixed)


def _new_node(clone: Document, space: KritaColourSpace) -> Node:
    node = clone.createNode("", "paintlayer")
    node.setColorSpace(space.model, space.depth, space.profile)
    return node


def _write_strips(node: Node, picture: Picture, bounds: Bounds) -> None:
    channel = picture.format.bytes_per_pixel // 4
    for strip, data in picture.rows(bounds):
        if data == bytes(len(data)):
            continue  # a new node is empty; tiles never touched cost Krita nothing
        node.setPixelData(swap_red_blue(data, channel), strip.x, strip.y, strip.width, strip.height)
