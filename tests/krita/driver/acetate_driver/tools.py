"""What the tests' code finds as plain names inside Krita: all that these modules have, what they import included. All
of it runs on the GUI thread.
"""

from __future__ import annotations

from typing import Any

from acetate_driver import dockers, documents, gui_thread, pixels, undo, widgets, windows
from acetate_driver.binding import QtCore, QtGui, QtWidgets

_MODULES = (gui_thread, dockers, documents, pixels, undo, widgets, windows)


def names() -> dict[str, Any]:
    """As they are now: tests put others in the place of some."""
    found = {name: value for module in _MODULES for name, value in vars(module).items()}
    return {**found, "QtCore": QtCore, "QtGui": QtGui, "QtWidgets": QtWidgets}
