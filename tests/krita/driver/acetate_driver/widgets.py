"""Widgets of Acetate's docker, menus and dialogs: where they are, and what they show."""

from __future__ import annotations

from typing import Any

from acetate_driver.binding import QtCore, QtGui, QtWidgets
from acetate_driver.dockers import _docker, app

Qt, QPoint = QtCore.Qt, QtCore.QPoint
QApplication, QWidget = QtWidgets.QApplication, QtWidgets.QWidget


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
