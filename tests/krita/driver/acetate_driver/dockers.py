"""Dockers, and the main windows that they are in."""

from __future__ import annotations

from functools import cache
from typing import Any

from krita import Krita

from acetate_driver.binding import QtCore, QtWidgets
from acetate_driver.gui_thread import turn_the_event_loop

Qt, QApplication = QtCore.Qt, QtWidgets.QApplication
app = Krita.instance()
LAYERS_DOCKER = 200  # ms, see close_documents


@cache
def _docker(name: str) -> Any:
    """Looked up once: listing all of Krita's widgets holds the GUI thread for 0.3 s, and these tests measure it."""
    return next(item for item in app.dockers() if item.objectName() == name)


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
