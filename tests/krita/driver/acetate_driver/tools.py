"""What the tests' code finds as plain names inside Krita. All of it runs on the GUI thread."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from krita import InfoObject, Krita, Selection

from acetate_driver.binding import QtCore, QtGui, QtWidgets, sip

Qt, QPoint, QTimer = QtCore.Qt, QtCore.QPoint, QtCore.QTimer
QApplication, QWidget = QtWidgets.QApplication, QtWidgets.QWidget
app = Krita.instance()
SRGB = "sRGB-elle-V2-srgbtrc.icc"
LAYERS_DOCKER = 200  # ms, see close_documents


def turn_the_event_loop(milliseconds: int) -> None:
    loop = QtCore.QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


# documents


def new_document(width: int, height: int, depth: str = "U8", model: str = "RGBA", profile: str = SRGB) -> str:
    """An opaque white document in a view of its own, active; its name."""
    document = app.createDocument(width, height, "test", model, depth, profile, 72.0)
    document.setBatchmode(True)
    app.activeWindow().addView(document)
    app.setActiveDocument(document)
    document.waitForDone()
    show_dockers_again()
    return document.name()


def open_file(path: str) -> None:
    opened = app.openDocument(path)
    if opened is None:
        raise FileNotFoundError(path)
    opened.setBatchmode(True)
    app.activeWindow().addView(opened)
    app.setActiveDocument(opened)
    opened.waitForDone()
    show_dockers_again()


def export(path: str) -> None:
    """In the format of the file's suffix, with that format's defaults."""
    document().waitForDone()
    if not document().exportImage(path, InfoObject()):
        raise OSError(f"Krita could not write {path}")


def close_documents() -> int:
    for document in app.documents():
        document.waitForDone()
    # The Layers docker repaints changed layers up to a second later, and Krita 5.1 crashes where those are gone by then
    # (KisNodeModel::processUpdateQueue).
    turn_the_event_loop(LAYERS_DOCKER)
    for document in app.documents():
        document.setBatchmode(True)
        document.setModified(False)
        document.close()
    return len(app.documents())


def document() -> Any:
    return app.activeDocument()


def node(name: str) -> Any:
    found = document().nodeByName(name)
    if found is None:
        raise LookupError("no node is named {!r}; there are {}".format(name, [item["name"] for item in layers()]))
    return found


def activate(name: str) -> None:
    document().setActiveNode(node(name))


def active_name() -> str | None:
    active = document().activeNode()
    return active.name() if active else None


def select(x: int, y: int, width: int, height: int) -> None:
    selection = Selection()
    selection.select(x, y, width, height, 255)
    document().setSelection(selection)


def add_paint_layer(
    name: str,
    x: int = 0,
    y: int = 0,
    width: int = 0,
    height: int = 0,
    pixel: bytes = b"",
    parent: str | None = None,
    above: str | None = None,
) -> None:
    """A paint layer, filled in the rectangle with one pixel's bytes before it is attached."""
    layer = document().createNode(name, "paintlayer")
    if pixel:
        layer.setPixelData(bytes(pixel) * (width * height), x, y, width, height)
    group = node(parent) if parent else document().rootNode()
    group.addChildNode(layer, node(above) if above else None)
    document().waitForDone()


def add_group(name: str, above: str | None = None) -> None:
    document().rootNode().addChildNode(document().createGroupLayer(name), node(above) if above else None)
    document().waitForDone()


def walk(parent: str | None = None) -> Iterator[Any]:
    """All nodes, parents before children, bottom to top."""
    for child in (parent or document().rootNode()).childNodes():
        yield child
        yield from walk(child)


def layers() -> list[dict[str, Any]]:
    """Every node below the root: id, name, type, parent's name, index, pixel bounds."""
    return [describe(item) for item in walk()]


def describe(item: Any) -> dict[str, Any]:
    box = item.bounds()
    return {
        "id": item.uniqueId().toString(),
        "name": item.name(),
        "type": item.type(),
        "parent": item.parentNode().name(),
        "index": item.parentNode().childNodes().index(item),
        "bounds": [box.x(), box.y(), box.width(), box.height()],
        "space": [item.colorModel(), item.colorDepth(), item.colorProfile()],
        "blending": item.blendingMode(),
        "opacity": item.opacity(),
        "locked": item.locked(),
        "visible": item.visible(),
    }


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


# undo


@cache
def _docker(name: str) -> Any:
    """Looked up once: listing all of Krita's widgets holds the GUI thread for 0.3 s, and these tests measure it."""
    return next(item for item in app.dockers() if item.objectName() == name)


def _undo_view() -> Any:
    (view,) = [view for view in _docker("History").findChildren(QtWidgets.QListView) if view.inherits("KisUndoView")]
    return view


def undo_steps() -> list[str]:
    """Names of the steps on the stack, oldest first."""
    model = _undo_view().model()
    return [model.index(row, 0).data() for row in range(1, model.rowCount())]  # row 0 is the empty document


def undo_position() -> int:
    """How many of the steps are done."""
    return _undo_view().currentIndex().row()


def trigger(action: str) -> None:
    """While Krita works on the image, be it for a thumbnail, it ignores undo and redo (KisDocument's UndoStack)."""
    document().waitForDone()
    app.action(action).trigger()
    document().waitForDone()


# widgets


def widget(name: str) -> Any:
    """The visible widget of this object name in Acetate's docker."""
    found = _docker("acetate_dock").findChild(QWidget, name)
    if found is None or not found.isVisible():
        raise LookupError(f"no visible widget is named {name!r}")
    return found


def has_widget(name: str) -> bool:
    found = _docker("acetate_dock").findChild(QWidget, name)
    return found is not None and found.isVisible()


def place(name: str) -> list[int]:
    """Middle of a widget on the screen, and whether a click there reaches it: [x, y, usable]."""
    item = widget(name)
    scroll_to(item)
    middle = item.mapToGlobal(item.rect().center())
    hit = QApplication.widgetAt(middle)
    return [middle.x(), middle.y(), item.isEnabled() and hit is not None and (hit is item or item.isAncestorOf(hit))]


def scroll_to(item: Any) -> None:
    """A docker may be too low for all it holds."""
    parent = item.parentWidget()
    while parent is not None:
        if isinstance(parent, QtWidgets.QScrollArea):
            parent.ensureWidgetVisible(item)
        parent = parent.parentWidget()


def menu_entry(text: str) -> list[int] | None:
    """Middle of an entry on the screen: of the menu that is open, else of the menu bar."""
    menu = QApplication.activePopupWidget() or app.activeWindow().qwindow().menuBar()
    found = [item for item in menu.actions() if item.text().replace("&", "").split("\t")[0] == text]
    return _middle(menu, menu.actionGeometry(found[0])) if found else None


def in_dialog(text: str) -> list[int] | None:
    """Middle of the widget of this text, or object name, in the dialog that is in the way."""
    dialog = QApplication.activeModalWidget()
    for item in dialog.findChildren(QWidget) if dialog else []:
        shown = item.text().replace("&", "") if hasattr(item, "text") else ""
        if item.isVisible() and text in (item.objectName(), shown):
            return _middle(item, item.rect())
    return None


def _middle(item: Any, area: Any) -> list[int]:
    point = item.mapToGlobal(area.center())
    return [point.x(), point.y()]


def canvas_centre() -> list[int]:
    """Screen coordinates of the middle of the picture's view."""
    area = app.activeWindow().qwindow().centralWidget()
    corner = area.mapToGlobal(QPoint(0, 0))
    return [corner.x() + area.width() // 2, corner.y() + area.height() // 2]


def tap(x: int, y: int) -> list[bool]:
    """A pen that touches the screen there and leaves it (Qt 5): whether somebody takes the touch, and the leaving.

    What nobody takes, Qt makes clicks of.
    """
    window = QApplication.widgetAt(x, y).window()
    place, screen = QtCore.QPointF(window.mapFromGlobal(QPoint(x, y))), QtCore.QPointF(x, y)
    taken, kinds, left = [], QtCore.QEvent.Type, Qt.MouseButton.LeftButton
    for kind, pressure, buttons in (
        (kinds.TabletPress, 0.5, left),
        (kinds.TabletRelease, 0.0, Qt.MouseButton.NoButton),
    ):
        device, pen = QtGui.QTabletEvent.TabletDevice.Stylus, QtGui.QTabletEvent.PointerType.Pen
        touch = (place, screen, device, pen, pressure, 0, 0, 0.0, 0.0, 0)
        event = QtGui.QTabletEvent(kind, *touch, Qt.KeyboardModifier.NoModifier, 1, left, buttons)
        event.ignore()
        QApplication.sendEvent(window.windowHandle(), event)
        taken.append(event.isAccepted())
    return taken


def text(name: str) -> str:
    """What a painter reads in a label, a line or a text field."""
    item = widget(name)
    return item.toPlainText() if hasattr(item, "toPlainText") else item.text()


def choose(name: str, value: object) -> None:
    """The entry of a combo box whose data is `value`."""
    box = widget(name)
    entries = [box.itemData(index) for index in range(box.count())]
    if value not in entries:
        raise LookupError(f"{name} has {entries}, not {value!r}")
    box.setCurrentIndex(entries.index(value))


def set_seed(seed: int) -> None:
    """This seed for every job that follows."""
    widget("acetate_seed_random").setChecked(False)
    field = widget("acetate_seed")
    field.setText(str(seed)) if isinstance(field, QtWidgets.QLineEdit) else field.setValue(seed)


def has_focus(name: str) -> bool:
    focused = QApplication.focusWidget()
    return bool(focused) and (focused is widget(name) or widget(name).isAncestorOf(focused))


_last_shown = None


def show_dockers_again() -> None:
    """Krita 6 shows all dockers again with the first document."""
    if _last_shown:
        turn_the_event_loop(LAYERS_DOCKER)
        show_dockers(*_last_shown)


def show_dockers(sizes: dict[str, int], width: int = 420) -> None:
    """These dockers (name: height) on the right, and no others, so that each has room."""
    global _last_shown
    _last_shown = sizes, width
    window = app.activeWindow().qwindow()
    shown = {}
    for docker in app.dockers():
        if window.dockWidgetArea(docker) == Qt.DockWidgetArea.RightDockWidgetArea:
            docker.setVisible(docker.objectName() in sizes)
        if docker.objectName() in sizes:
            shown[docker] = sizes[docker.objectName()]
    window.resizeDocks(list(shown), list(shown.values()), Qt.Orientation.Vertical)
    window.resizeDocks(list(shown), [width] * len(shown), Qt.Orientation.Horizontal)


def fill_screen() -> list[int]:
    """There is no window manager under Xvfb to maximise the window."""
    window = app.activeWindow().qwindow()
    screen = QApplication.primaryScreen().geometry()
    window.showNormal()
    window.setGeometry(screen)
    window.raise_()
    window.activateWindow()
    return [screen.width(), screen.height()]


def bring_to_front(number: int) -> None:
    """One of several main windows, in the order in which they were opened."""
    window = app.windows()[number].qwindow()
    window.show()
    window.raise_()
    window.activateWindow()
    for _ in range(50):
        turn_the_event_loop(20)
        if QApplication.activeWindow() is window:
            return
    raise TimeoutError(f"window {number} does not come to the front")


def docks() -> list[QtWidgets.QDockWidget]:
    """Acetate's docker of every main window."""
    return [window.qwindow().findChild(QtWidgets.QDockWidget, "acetate_dock") for window in app.windows()]


def front_dock() -> QtWidgets.QDockWidget:
    return app.activeWindow().qwindow().findChild(QtWidgets.QDockWidget, "acetate_dock")


def grab_window(path: str) -> None:
    """Krita's main window as a picture: on a painter's own screen nothing else is shown."""
    if not app.activeWindow().qwindow().grab().save(path):
        raise OSError(f"cannot write {path}")


def open_windows() -> dict[str, Any]:
    """For a test that timed out: every window, and which of them keeps the others from being used."""
    modal, popup = QApplication.activeModalWidget(), QApplication.activePopupWidget()
    shown = [_window_name(item) for item in QApplication.topLevelWidgets() if item.isVisible()]
    return {"modal": _window_name(modal), "popup": _window_name(popup), "windows": shown, "texts": _texts(modal)}


def _window_name(item: Any) -> str | None:
    return f"{item.metaObject().className()} {item.objectName()!r} {item.windowTitle()!r}" if item else None


def _texts(item: Any) -> list[str]:
    labels = item.findChildren(QWidget) if item else []
    return [label.text() for label in labels if hasattr(label, "text") and label.isVisible()]


# the GUI thread


class GapMeter:
    """The longest time between two ticks of a 5 ms timer: how long the GUI thread answered nobody."""

    def __init__(self) -> None:
        self.timer = QTimer()
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.setInterval(5)
        self.timer.timeout.connect(self.tick)
        self.gaps = []

    def start(self) -> None:
        self.last = time.perf_counter()
        self.gaps = []
        self.timer.start()

    def tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append((now - self.last) * 1000.0)
        self.last = now

    def stop(self) -> list[float]:
        """The ten longest gaps, milliseconds, longest first."""
        self.timer.stop()
        self.tick()
        return sorted(self.gaps, reverse=True)[:10]


gap_meter = GapMeter()


def quit_krita() -> None:
    close_documents()
    leave_unfinished()
    QTimer.singleShot(0, lambda: app.action("file_quit").trigger())


def leave_unfinished() -> None:
    """From now on, answers the docker's question so that Krita, or the window, is closed."""
    _leaver.start(50)


def _leave() -> None:
    dialog = QApplication.activeModalWidget()
    if dialog is not None and dialog.objectName() == "acetate_leaving":
        _leaver.stop()
        dialog.findChild(QWidget, "acetate_leaving_go").click()


_leaver = QTimer()
_leaver.timeout.connect(_leave)


def environment(name: str) -> str | None:
    return os.environ.get(name)


def loaded(module: str) -> bool:
    return module in sys.modules
