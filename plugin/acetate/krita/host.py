"""Krita as a host of sessions (acetate.host)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from krita import Krita

from acetate.host import Document, GroupPart, Member, NewLayer
from acetate.krita.changes import changes_of
from acetate.krita.document import OpenDocument
from acetate.krita.geometry import boxes_of, listen_to_rotations, steps_of
from acetate.krita.insertion import KritaInsertion
from acetate.krita.reading import KritaSnapshot, isolated_node
from acetate.krita.replacing import KritaReplacement
from acetate.krita.scaling import scaled
from acetate.krita.selection import SelectionCoverage, selected, set_selection
from acetate.krita.stack_insertion import StackInsertion, around_active, members_of
from acetate.krita.view import view_centre
from acetate.krita.wrappers import wrappers
from acetate.language import mark
from acetate.picture import Picture
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelFormat
from acetate.qt import QtWidgets
from acetate.session.following import ImageStep
from acetate.session.views import Show, View

ISOLATED = mark("The canvas shows an isolated layer only; the layers were sent as they look without that.")


class KritaDocument(OpenDocument):
    """All that a session asks of a document."""

    @property
    def wire_format(self) -> PixelFormat:
        return self.colour_space.wire_format

    @property
    def name(self) -> str:
        return Path(self.handle.fileName()).name or self.handle.name() or "unsaved"

    def view_centre(self) -> tuple[int, int]:
        return view_centre(self.handle)

    def is_same(self, other: Document) -> bool:
        return isinstance(other, KritaDocument) and self.handle == other.handle

    def members(self, group: str) -> dict[str, Member]:
        return members_of(self, group)

    def around_active(self) -> set[str]:
        return around_active(self)

    def selected(self) -> Bounds | None:
        return selected(self)

    def set_selection(self, coverage: Picture, bounds: Bounds) -> None:
        set_selection(self, coverage, bounds)

    def coverage(self, grow: int = 0, feather: int = 0) -> SelectionCoverage:
        return SelectionCoverage(self, grow, feather)

    def image_steps(self) -> tuple[ImageStep, ...] | None:
        return steps_of(self.handle)

    def changes(self) -> object:
        return changes_of(self.handle)

    def boxes(self) -> dict[str, Bounds]:
        return boxes_of(self.handle)

    def scaled(self, picture: Picture, extent: Extent) -> Picture:
        return scaled(picture, extent)

    def remarks(self, views: Sequence[View]) -> tuple[str, ...]:
        is_other = any(view.show is not Show.EVERYTHING for view in views)
        with wrappers() as hold:
            return (ISOLATED,) if is_other and isolated_node(self.handle, hold) else ()

    def snapshot(self, view: View) -> KritaSnapshot:
        return KritaSnapshot(self, view)

    def insertion(self, layers: Sequence[NewLayer]) -> KritaInsertion:
        return KritaInsertion(self, layers)

    def stack_insertion(self, parts: Sequence[GroupPart], replaces: str) -> StackInsertion:
        return StackInsertion(self, parts, replaces)

    def replacement(self, layer: str, new: NewLayer, mask: Picture | None) -> KritaReplacement:
        return KritaReplacement(self, layer, new, mask)


class KritaHost:
    def active_document(self) -> KritaDocument | None:
        """None where nothing is open: Krita then still gives a document, but a dead one."""
        handle = Krita.instance().activeDocument()
        if handle is None or handle not in Krita.instance().documents():
            return None
        listen_to_rotations()
        return KritaDocument(handle)


def closing_with(window: QtWidgets.QMainWindow) -> list[Document] | None:
    """Documents that no other window shows; None where it is the last window, and Krita ends with it."""
    windows = [(known, known.qwindow()) for known in Krita.instance().windows()]
    others = [known for known, widget in windows if widget is not window and widget.isVisible()]
    if not others:
        return None
    kept = [view.document() for other in others for view in other.views()]
    own = [view.document() for known, widget in windows if widget is window for view in known.views()]
    return [KritaDocument(document) for document in own if document is not None and document not in kept]
