"""All windows that are open, and Krita's end."""

from __future__ import annotations

from typing import Any

from acetate_driver.binding import QtCore, QtWidgets
from acetate_driver.dockers import app
from acetate_driver.documents import close_documents

QTimer, QApplication, QWidget = QtCore.QTimer, QtWidgets.QApplication, QtWidgets.QWidget


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
