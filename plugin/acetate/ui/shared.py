"""What all dockers of this Krita share: Krita makes one for each of its windows."""

from __future__ import annotations

from functools import cache

from krita import Krita

from acetate.client.launcher import Launcher
from acetate.coroutines import Loop
from acetate.krita.host import KritaHost
from acetate.qt import GuiThread, QtGui, QtWidgets
from acetate.session.installing import Installing
from acetate.session.preferences import Preferences
from acetate.session.session import Session
from acetate.ui.leaving import Leaving


class Shared:
    """One session and one launcher: they live as long as Krita does, whichever of its windows are closed."""

    def __init__(self) -> None:
        self._gui = GuiThread()
        self.post = self._gui.post  # into a later turn of Krita's event loop
        preferences = Preferences()
        launcher = Launcher(lambda: preferences.cores.value)
        self.session = Session(self.post, KritaHost(), launcher, preferences)
        self.leaving = Leaving(self.session)
        self.installing = Installing(Loop(self.post), self.session.engine.end_own)
        Krita.instance().notifier().applicationClosing.connect(self.session.engine.stop)
        application().focusWindowChanged.connect(self._follow)

    def _follow(self, window: QtGui.QWindow | None) -> None:
        """Krita tells a docker of other documents in its own window; not that another window has come to the front."""
        if window is not None:  # else another program is in front
            self.session.follow()


def application() -> QtGui.QGuiApplication:
    found = QtWidgets.QApplication.instance()
    assert isinstance(found, QtGui.QGuiApplication)
    return found


@cache
def shared() -> Shared:
    return Shared()
