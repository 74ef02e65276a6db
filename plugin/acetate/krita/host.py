"""Krita as a host of sessions (acetate.host)."""

from __future__ import annotations

from krita import Krita

from acetate.host import Document
from acetate.krita.document import KritaDocument
from acetate.krita.geometry import listen_to_rotations
from acetate.qt import QtWidgets


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
