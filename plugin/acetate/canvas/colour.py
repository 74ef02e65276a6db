"""From the wire's straight sRGB to the document's own colour space, by Krita's own colour management."""

from __future__ import annotations

from krita import Node

from acetate.canvas.document import SRGB, OpenDocument
from acetate.picture import Picture, swap_red_blue
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat
from acetate.qt import sip

_DEPTHS = {PixelFormat.RGBA8: "U8", PixelFormat.RGBA16: "U16"}


class Converter:
    """Writes pictures into nodes of a document. Make and close it on the GUI thread; write in any thread.

    `setColorSpace` adds undo steps to the document that a node comes from: conversion happens on a node of a clone.
    """

    def __init__(self, document: OpenDocument) -> None:
        self._space = document.colour_space
        self._clone = None if self._space.is_srgb8 else document.handle.clone()
        if self._clone:
            self._clone.setBatchmode(True)

    def write(self, node: Node, picture: Picture, bounds: Bounds) -> None:
        """Any thread; `node` is in no document."""
        if self._clone is None and picture.format is PixelFormat.RGBA8:
            _write_strips(node, picture, bounds)
        else:
            self._convert(node, picture, bounds)

    def _convert(self, node: Node, picture: Picture, bounds: Bounds) -> None:
        if self._clone is None:
            raise DocumentError("16-bit pixels came for an 8-bit document", "Generate again.")
        scratch = self._clone.createNode("", "paintlayer")
        scratch.setColorSpace("RGBA", _DEPTHS[picture.format], SRGB)
        _write_strips(scratch, picture, bounds)
        scratch.setColorSpace(self._space.model, self._space.depth, self._space.profile)
        for strip, _ in picture.rows(bounds):
            area = (strip.x, strip.y, strip.width, strip.height)
            node.setPixelData(scratch.pixelData(*area), *area)
        sip.delete(scratch)
        self._clone.waitForDone()  # closing a document whose image still works makes Krita crash, later

    def close(self) -> None:
        if self._clone and not sip.isdeleted(self._clone):
            self._clone.close()
            sip.delete(self._clone)


def _write_strips(node: Node, picture: Picture, bounds: Bounds) -> None:
    channel = picture.format.bytes_per_pixel // 4
    for strip, data in picture.rows(bounds):
        if data == bytes(len(data)):
            continue  # a new node is empty; tiles never touched cost Krita nothing
        node.setPixelData(swap_red_blue(data, channel), strip.x, strip.y, strip.width, strip.height)
