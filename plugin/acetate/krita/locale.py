"""Which language Krita speaks."""

from __future__ import annotations

from pathlib import Path

from acetate.qt import QtCore


def languages() -> list[str]:
    """The one chosen in Krita (Settings → Switch Application Language), else those of the system, the dearest first."""
    place = QtCore.QStandardPaths.StandardLocation.GenericConfigLocation
    file = Path(QtCore.QStandardPaths.writableLocation(place)) / "klanguageoverridesrc"
    chosen = QtCore.QSettings(str(file), QtCore.QSettings.Format.IniFormat).value("Language/krita", "")
    return str(chosen).split(":") if chosen else list(QtCore.QLocale.system().uiLanguages())
