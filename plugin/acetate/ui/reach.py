"""Everything without a mouse: Tab goes through widgets as they are read, and a screen reader is told what each is."""

from __future__ import annotations

from collections.abc import Iterator

from acetate.qt import QtCore, QtGui, QtWidgets

_POLICIES = QtCore.Qt.FocusPolicy
_BY_TAB = (_POLICIES.TabFocus, _POLICIES.StrongFocus, _POLICIES.WheelFocus)
_KEYS = QtGui.QKeySequence.StandardKey
_EDITING = (
    *(_KEYS.DeleteStartOfWord, _KEYS.DeleteEndOfWord, _KEYS.DeleteEndOfLine, _KEYS.DeleteCompleteLine),
    *(_KEYS.Cut, _KEYS.Copy, _KEYS.Paste),
)
_TABS = (QtCore.Qt.Key.Key_Tab, QtCore.Qt.Key.Key_Backtab)


class Panel(QtWidgets.QWidget):
    """Tab leaves it behind its last widget."""

    def event(self, event: QtCore.QEvent) -> bool:
        return _claims(event) or super().event(event)

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        name_parts(self)
        super().showEvent(event)

    def focusNextPrevChild(self, forwards: bool) -> bool:
        """Children ask for it on their way up."""
        step = _step(self, forwards)
        if step is None:
            return super().focusNextPrevChild(forwards)
        _give(step, forwards)
        return True


class ToolWindow(QtWidgets.QDialog):
    """A window beside the canvas; Tab goes round in it."""

    def __init__(self, parent: QtWidgets.QWidget, name: str, title: str, size: QtCore.QSize) -> None:
        super().__init__(parent, QtCore.Qt.WindowType.Tool)
        self.setObjectName(name)
        self.setWindowTitle(title)
        self.resize(size)

    def event(self, event: QtCore.QEvent) -> bool:
        return _claims(event) or super().event(event)

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        name_parts(self)
        super().showEvent(event)

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        """What is in it may make it grow: its lower buttons stay within reach."""
        super().resizeEvent(event)
        screen = (self.screen() or QtWidgets.QApplication.primaryScreen()).availableGeometry()
        frame = self.frameGeometry()
        kept = QtCore.QPoint(
            max(screen.left(), min(frame.left(), screen.right() + 1 - frame.width())),
            max(screen.top(), min(frame.top(), screen.bottom() + 1 - frame.height())),
        )
        if kept != frame.topLeft():
            self.move(kept)

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        """Return in a field must not press a button, nor Escape close the window: a dialog's habits."""
        event.ignore()

    def focusNextPrevChild(self, forwards: bool) -> bool:
        found = list(reachable(self))
        if not found:
            return False
        _give(_step(self, forwards) or found[0 if forwards else -1], forwards)
        return True


def _claims(event: QtCore.QEvent) -> bool:
    """Krita has shortcuts on Tab, and on keys that edit a text: they go first where nobody claims the key."""
    if event.type() != event.Type.ShortcutOverride or not isinstance(event, QtGui.QKeyEvent):
        return False
    if event.key() not in _TABS and not (_is_written_in() and _edits(event)):
        return False
    event.accept()
    return True


def _is_written_in() -> bool:
    """Whether a field for text has the keyboard."""
    return isinstance(
        QtWidgets.QApplication.focusWidget(),
        QtWidgets.QPlainTextEdit | QtWidgets.QLineEdit | QtWidgets.QAbstractSpinBox,
    )


def _edits(event: QtGui.QKeyEvent) -> bool:
    """A key that such a field knows, and does not claim by itself."""
    return event.key() == QtCore.Qt.Key.Key_Insert or any(map(event.matches, _EDITING))


def reachable(root: QtWidgets.QWidget) -> Iterator[QtWidgets.QWidget]:
    """What Tab stops at, in the order in which the layouts show it."""
    for widget in _children(root):
        if widget.isVisibleTo(root) and widget.isEnabled():
            if _takes_tab(widget):
                yield widget
            if not _is_one(widget):
                yield from reachable(widget)


def name_parts(root: QtWidgets.QWidget) -> None:
    """For a screen reader: what has no words of its own is called as the label beside it, or as its explanation."""
    for widget in root.findChildren(QtWidgets.QWidget):
        if _takes_tab(widget) and not widget.accessibleName() and not _words(widget):
            hint = widget.placeholderText() if hasattr(widget, "placeholderText") else ""
            widget.setAccessibleName(widget.toolTip().split("\n")[0] or hint)


def name_first(widget: QtWidgets.QWidget, name: str) -> None:
    """The first of a row's widgets that takes the keyboard, which also gets it when the row's label is chosen."""
    parts = [widget, *widget.findChildren(QtWidgets.QWidget)]
    first = next((part for part in parts if _takes_tab(part)), None)
    if first is not None:
        first.setAccessibleName(name)
        if first is not widget:
            widget.setFocusProxy(first)


def _step(root: QtWidgets.QWidget, forwards: bool) -> QtWidgets.QWidget | None:
    """The one behind, or before, that which has the keyboard."""
    found = list(reachable(root))
    current = QtWidgets.QApplication.focusWidget()
    if current not in found:
        return None
    index = found.index(current) + (1 if forwards else -1)
    return found[index] if 0 <= index < len(found) else None


def _give(widget: QtWidgets.QWidget, forwards: bool) -> None:
    reason = QtCore.Qt.FocusReason
    widget.setFocus(reason.TabFocusReason if forwards else reason.BacktabFocusReason)


def _children(widget: QtWidgets.QWidget) -> list[QtWidgets.QWidget]:
    if isinstance(widget, QtWidgets.QScrollArea):
        return [widget.widget()]
    if isinstance(widget, QtWidgets.QListWidget):
        rows = (widget.itemWidget(widget.item(index)) for index in range(widget.count()))
        return [row for row in rows if row is not None]
    if isinstance(widget, QtWidgets.QTabWidget):
        return [widget.tabBar(), widget.currentWidget()]
    layout = widget.layout()
    return list(_laid_out(layout)) if layout is not None else []


def _laid_out(layout: QtWidgets.QLayout) -> Iterator[QtWidgets.QWidget]:
    for index in _order(layout):
        item = layout.itemAt(index)
        inner = item.layout()
        if inner is not None:
            yield from _laid_out(inner)
        elif item.widget() is not None:
            yield item.widget()


def _order(layout: QtWidgets.QLayout) -> list[int]:
    if not isinstance(layout, QtWidgets.QGridLayout):
        return list(range(layout.count()))
    return sorted(range(layout.count()), key=lambda index: tuple(layout.getItemPosition(index)[:2]))


def _takes_tab(widget: QtWidgets.QWidget) -> bool:
    return widget.focusPolicy() in _BY_TAB and widget.focusProxy() is None and not _is_inside(widget)


def _is_one(widget: QtWidgets.QWidget) -> bool:
    """Whose parts are its own affair."""
    return isinstance(widget, QtWidgets.QComboBox | QtWidgets.QAbstractSpinBox)


def _is_inside(widget: QtWidgets.QWidget) -> bool:
    parent = widget.parentWidget()
    return parent is not None and _is_one(parent)


def _words(widget: QtWidgets.QWidget) -> str:
    if isinstance(widget, QtWidgets.QAbstractButton):
        return "".join(filter(str.isalpha, widget.text()))
    return ""
