"""PyQt5 in Krita 5, PyQt6 in Krita 6: the one that Krita has imported. Enums are written scoped, which both know."""

from __future__ import annotations

import sys

if "PyQt6.QtCore" in sys.modules:
    from PyQt6 import QtCore, QtGui, QtNetwork, QtWidgets, sip
else:
    from PyQt5 import QtCore, QtGui, QtNetwork, QtWidgets, sip

__all__ = ["QtCore", "QtGui", "QtNetwork", "QtWidgets", "sip"]
