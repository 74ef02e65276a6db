"""Where everything in a document lies, and what was done to its canvas as a whole: read from Krita's own undo stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from krita import Document, Krita, Node

from acetate.krita.nodes import find_node
from acetate.krita.windows import part
from acetate.krita.wrappers import Hold, beside_the_gui_thread, wrappers
from acetate.protocol.geometry import Bounds
from acetate.qt import QtCore, QtWidgets
from acetate.session.following import ImageStep

_MOST = 64  # layers that are looked at: each takes Krita up to some milliseconds
_NAMES = {
    "Mirror Image Horizontally": ImageStep.MIRROR_X,
    "Mirror Image Vertically": ImageStep.MIRROR_Y,
    "Rotate Image": ImageStep.ROTATE,
    "Crop Image": ImageStep.CROP,
    "Resize Image": ImageStep.CROP,
    "Scale Image": ImageStep.SCALE,
    "Offset Image": ImageStep.OTHER,
    "Shear Image": ImageStep.OTHER,
}
_ROTATIONS = {
    "rotateImageCW90": ImageStep.RIGHT,
    "rotateImageCCW90": ImageStep.LEFT,
    "rotateImage180": ImageStep.HALF,
}


def boxes_of(document: Document) -> dict[str, Bounds]:
    """Of layers with pixels, by id; none of a document that is closed. Any thread."""
    return _looked_at(document, lambda root, hold: dict(_boxes(root, hold)[:_MOST]))


def layer_boxes_of(document: Document, layers: Sequence[str]) -> dict[str, Bounds]:
    """Of these, by id, without those that are gone, and none of a closed document; empty ones have empty bounds.

    Any thread.
    """

    def boxes(root: Node, hold: Hold) -> dict[str, Bounds]:
        nodes = {layer: find_node(root, layer, hold) for layer in layers}
        return {layer: box_of(node) for layer, node in nodes.items() if node is not None}

    return _looked_at(document, boxes)


def _looked_at(document: Document, boxes: Callable[[Node, Hold], dict[str, Bounds]]) -> dict[str, Bounds]:
    """By id. Any thread, for it takes a while: Krita looks at each pixel of a layer that was painted on."""

    def look() -> dict[str, Bounds]:
        root = document.rootNode()
        if root is None:  # it is closed: its wrapper has no nodes any more
            return {}
        with wrappers() as hold:
            return boxes(hold(root), hold)

    return beside_the_gui_thread(look)


def box_of(node: Node) -> Bounds:
    """Of what is visible, off the canvas too."""
    return bounds_of(node.bounds())


def bounds_of(box: QtCore.QRect) -> Bounds:
    return Bounds(box.x(), box.y(), max(0, box.width()), max(0, box.height()))


def _boxes(parent: Node, hold: Hold) -> list[tuple[str, Bounds]]:
    found = []
    for node in [hold(child) for child in parent.childNodes()]:
        if node.type() == "grouplayer":
            found += _boxes(node, hold)
        elif node.type() in ("paintlayer", "vectorlayer") and not (box := box_of(node)).is_empty:
            found.append((node.uniqueId().toString(), box))
    return found


def steps_of(document: Document) -> tuple[ImageStep, ...] | None:
    """Those of the whole canvas; None where another document is in front, whose steps Krita shows."""
    window = Krita.instance().activeWindow()
    if window is None or Krita.instance().activeDocument() != document:
        return None
    view = undo_view(window.qwindow())
    if view is None or (model := view.model()) is None:
        return None
    done = range(1, view.currentIndex().row() + 1)  # row 0 is the document without any step
    names = [str(model.index(row, 0).data()) for row in done]
    return _told_apart(document, [found for name in names if (found := _translated().get(name))])


def undo_view(window: QtWidgets.QMainWindow) -> QtWidgets.QListView | None:
    """Krita's list of the steps that can be undone, of the document in front."""
    return part(window, "undo", _undo_view)


def _undo_view(window: QtWidgets.QMainWindow) -> QtWidgets.QListView | None:
    docker = window.findChild(QtWidgets.QDockWidget, "History")
    views = docker.findChildren(QtWidgets.QListView) if docker else []
    return next((view for view in views if view.inherits("KisUndoView")), None)


@cache
def _translated() -> dict[str, ImageStep]:
    """As this Krita calls them: its language changes with its next start only."""
    app = Krita.instance()
    return {
        **_NAMES,
        **{app.krita_i18n(name): step for name, step in _NAMES.items()},
        **{app.krita_i18nc("(qtundo-format)", name): step for name, step in _NAMES.items()},
    }


class _Rotations(QtCore.QObject):
    """Krita's steps do not say how far an image was rotated; the menu entries that were chosen do."""

    def __init__(self) -> None:
        super().__init__()
        self._chosen: list[tuple[Document, ImageStep]] = []
        self._heard: list[QtWidgets.QAction] = []

    def listen(self) -> None:
        """To the window in front."""
        for name, step in _ROTATIONS.items():
            action = Krita.instance().action(name)
            if action is not None and action not in self._heard:
                self._heard.append(action)
                action.triggered.connect(lambda _=False, step=step: self._note(step))

    def of(self, document: Document) -> list[ImageStep]:
        return [step for chosen, step in self._chosen if chosen == document]

    def _note(self, step: ImageStep) -> None:
        """A copy of a document has the same ids in it: only the documents themselves are told apart."""
        document, still_open = Krita.instance().activeDocument(), Krita.instance().documents()
        self._chosen = [chosen for chosen in self._chosen if chosen[0] in still_open]
        if document is not None:
            self._chosen.append((document, step))


_rotations = _Rotations()


def listen_to_rotations() -> None:
    _rotations.listen()


def _told_apart(document: Document, steps: list[ImageStep]) -> tuple[ImageStep, ...]:
    """Where each rotation was chosen in the menu, how far it went."""
    chosen = _rotations.of(document)
    if steps.count(ImageStep.ROTATE) != len(chosen):
        return tuple(steps)
    angles = iter(chosen)
    return tuple(next(angles) if step is ImageStep.ROTATE else step for step in steps)
