"""Layers of the document as a painter sees them, flattened, in straight sRGB; the document stays untouched.

A clone is made, all that is not wanted is hidden in it, and Krita itself merges the rest: so opacity, blending
modes, masks, clipping and styles count exactly as on the canvas. Cloning shares the tiles and takes about 10 ms;
merging and reading, the long part, may happen in any thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from krita import Document, Node

from acetate.canvas.document import SRGB, OpenDocument, is_mask, node_id
from acetate.canvas.wrappers import Hold, wrappers
from acetate.picture import Picture, row_strips, swap_red_blue
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat
from acetate.qt import QtGui, sip


class Show(str, Enum):
    """Which layers a snapshot keeps."""

    EVERYTHING = "everything"
    BELOW = "below"  # what lies under a layer
    ONLY = "only"  # a layer or group alone, shown even if it is hidden


@dataclass(frozen=True)
class View:
    """Some layers of a document: all, those below `layer`, or `layer` only."""

    show: Show
    layer: str = ""  # id


class Snapshot:
    """What a view shows at the moment of making it. Make and close it on the GUI thread; read it in any thread."""

    def __init__(self, document: OpenDocument, view: View) -> None:
        """Raises DocumentError where the layer of `view` is gone."""
        self._clone = document.handle.clone()
        self._clone.setBatchmode(True)
        with wrappers() as hold:
            is_there = _arrange(hold(self._clone.rootNode()), view, hold)
        if not is_there:
            self.close()
            raise DocumentError("the chosen layer is gone", "Choose another layer.")

    def read(self, bounds: Bounds) -> Picture:
        """RGBA8, or RGBA16 of a document that is deeper than 8 bits. Any thread. `bounds` lies on the canvas."""
        self._clone.refreshProjection()  # without it the clone shows what the original showed
        self._clone.waitForDone()  # closing a document whose image still works makes Krita crash, later
        if self._clone.colorDepth() == "U8":
            return Picture(bounds.extent, PixelFormat.RGBA8, tuple(_shallow_strips(self._clone, bounds)))
        return Picture(bounds.extent, PixelFormat.RGBA16, tuple(_deep_strips(self._clone, bounds)))

    def close(self) -> None:
        self._clone.close()
        sip.delete(self._clone)


def _shallow_strips(clone: Document, bounds: Bounds) -> Iterator[bytes]:
    for strip in row_strips(bounds, PixelFormat.RGBA8.bytes_per_pixel):
        image = clone.projection(strip.x, strip.y, strip.width, strip.height)
        yield swap_red_blue(_bytes_of(image, strip))


def _deep_strips(clone: Document, bounds: Bounds) -> Iterator[bytes]:
    """`projection` has 8 bits only: Krita converts a node that holds the merged pixels."""
    node = clone.createNode("", "paintlayer")
    strips = [(strip.x, strip.y, strip.width, strip.height) for strip in row_strips(bounds, 8)]
    for area in strips:
        node.setPixelData(clone.pixelData(*area), *area)
    node.setColorSpace("RGBA", "U16", SRGB)
    for area in strips:
        yield swap_red_blue(bytes(node.pixelData(*area)), 2)
    sip.delete(node)
    clone.waitForDone()


def _bytes_of(image: QtGui.QImage, strip: Bounds) -> bytes:
    """ARGB32 is BGRA in memory, and four bytes a pixel leave no padding behind a row."""
    if (image.width(), image.height()) != (strip.width, strip.height):
        raise RuntimeError(f"Krita gave {image.width()}×{image.height()} for {strip}")
    return image.constBits().asstring(image.sizeInBytes())


def _arrange(root: Node, view: View, hold: Hold) -> bool:
    """Hides what `view` does not show; False where its layer is not there."""
    if view.show is Show.BELOW:
        return _hide_from(root, view.layer, hold)
    if view.show is Show.ONLY:
        return _show_only(root, view.layer, hold)
    return True


def _hide_from(parent: Node, layer: str, hold: Hold) -> bool:
    """Hides `layer` and all above it; True where it was found below `parent`."""
    children = [hold(child) for child in parent.childNodes()]  # bottom to top
    for index, child in enumerate(children):
        is_it = node_id(child) == layer
        if is_it or _hide_from(child, layer, hold):
            _hide(children[index if is_it else index + 1 :])
            return True
    return False


def _hide(nodes: list[Node]) -> None:
    for node in nodes:
        if not is_mask(node):  # a mask of the group goes on shaping what lies below
            node.setVisible(False)


def _show_only(parent: Node, layer: str, hold: Hold) -> bool:
    """Hides all but `layer` and the groups around it; True where it was found below `parent`."""
    found = False
    for child in [hold(child) for child in parent.childNodes()]:
        if node_id(child) == layer or _show_only(child, layer, hold):
            found = True
            child.setVisible(True)
            child.setInheritAlpha(False)  # nothing is left below that could clip it
        elif not is_mask(child):
            child.setVisible(False)
    return found
