"""The selection: where it is, and how much of each pixel it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krita import Selection, SelectionMask

from acetate.krita.nodes import active_layer
from acetate.krita.wrappers import wrappers
from acetate.picture import Picture, row_strips
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat

if TYPE_CHECKING:
    from acetate.krita.document import KritaDocument


def selected(document: KritaDocument) -> Bounds | None:
    """The bounds of the selection as far as the canvas goes; None where nothing is selected.

    Raises DocumentError where the selection is empty, or lies beside the canvas.
    """
    selection = selection_in_force(document)
    if selection is None:
        return None
    clipped = _bounds(selection).intersection(document.bounds)
    if clipped.is_empty:
        raise DocumentError(
            "the selection is empty, or lies beside the canvas", "Select a part of the canvas, or choose Select → None."
        )
    return clipped


def set_selection(document: KritaDocument, coverage: Picture, bounds: Bounds) -> None:
    """The global selection becomes `coverage` (A8), which covers `bounds`; nothing else is selected."""
    selection = Selection()
    selection.setPixelData(b"".join(coverage.strips), bounds.x, bounds.y, bounds.width, bounds.height)
    document.handle.setSelection(selection)


def selection_in_force(document: KritaDocument) -> Selection | None:
    """What Krita's own tools work in: the selection mask of the active layer, where one is shown; else the global one.

    A copy, or live.
    """
    with wrappers() as hold:
        try:
            layer = active_layer(document.handle, hold)
        except DocumentError:
            return document.handle.selection()  # no layer is active: the canvas's own selection is all there is
        for child in [hold(child) for child in layer.childNodes()]:
            if isinstance(child, SelectionMask) and child.visible():
                return child.selection().duplicate()
    return document.handle.selection()


class SelectionCoverage:
    """A copy of the selection as it is now, grown and feathered. Make it on the GUI thread; read it in any thread.

    Growing by n pixels reaches n pixels further, and feathering by n pixels another n (measured, Krita 5.1).
    """

    def __init__(self, document: KritaDocument, grow: int = 0, feather: int = 0) -> None:
        """Raises DocumentError where nothing is selected."""
        selection = selection_in_force(document)
        if selection is None:
            raise DocumentError("nothing is selected", "Select what to repaint.")
        self._selection = selection.duplicate()  # the document's own one is live
        self._grow = grow  # pixels
        self._feather = feather  # pixels

    def read(self, bounds: Bounds) -> Picture:
        """Coverage (A8) of `bounds`. Any thread, once."""
        if self._grow:
            self._selection.grow(self._grow, self._grow)
        if self._feather:
            self._selection.feather(self._feather)
        strips = (
            bytes(self._selection.pixelData(strip.x, strip.y, strip.width, strip.height))
            for strip in row_strips(bounds, PixelFormat.A8.bytes_per_pixel)
        )
        return Picture(bounds.extent, PixelFormat.A8, tuple(strips))


def _bounds(selection: Selection) -> Bounds:
    return Bounds(selection.x(), selection.y(), max(0, selection.width()), max(0, selection.height()))
