"""Settings of this machine: language, previews, the engine, what it keeps; and what a report of a fault needs."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable

from krita import Krita

from acetate import language
from acetate.language import tr
from acetate.protocol.connection import data_dir
from acetate.protocol.events import Storage
from acetate.qt import QtCore, QtGui, QtWidgets, sip
from acetate.session.diagnostics import Section
from acetate.session.observable import Observable
from acetate.session.session import Session
from acetate.ui.binding import bind_check, bind_choice, bind_number, named, silent
from acetate.ui.inputs import CheckBox, ComboBox, PushButton, SpinBox
from acetate.ui.message import MessageBar
from acetate.ui.models_page import ModelsPage
from acetate.ui.reach import ToolWindow
from acetate.ui.rows import Rows

_SIZE = QtCore.QSize(460, 480)  # screen pixels
_GIGABYTE = 1e9
_MOST_GIGABYTES, _MOST_DAYS = 100_000, 36_500


class SettingsWindow(ToolWindow):
    def __init__(self, session: Session, show_engine: Callable[[], None], parent: QtWidgets.QWidget) -> None:
        super().__init__(parent, "acetate_settings_window", tr("Acetate: settings"), _SIZE)
        self._session = session
        self._tabs = QtWidgets.QTabWidget()
        named(self._tabs, "acetate_settings_tabs")
        self._tabs.tabBar().setAccessibleName(tr("Pages of the settings"))
        self._tabs.addTab(_page(GeneralPage(session, show_engine)), tr("General"))
        self._tabs.addTab(_page(StoragePage(session)), tr("Storage and history"))
        self._tabs.addTab(ModelsPage(session), tr("Models"))
        column = QtWidgets.QVBoxLayout(self)
        column.addWidget(self._tabs, 1)
        column.addWidget(self._message())

    def open(self) -> None:
        """With what is known now; the rest comes as the engine tells it."""
        self.show()
        self.raise_()
        self.activateWindow()
        self._session.run(self._session.storing.look())

    def _message(self) -> QtWidgets.QWidget:
        """What comes of what is done here; what the docker had said before belongs there."""
        return named(MessageBar(self._session.message, self.isActiveWindow), "acetate_settings_message")


class GeneralPage(Rows):
    def __init__(self, session: Session, show_engine: Callable[[], None]) -> None:
        super().__init__()
        self._session = session
        preferences = session.preferences
        self.add(tr("&Language"), _language(preferences.language))
        self.add(tr("Previews"), _check(tr("Show a job on its way"), "acetate_previews", preferences.previews))
        tip = tr("Show a result on the canvas while the pointer rests on it")
        self.add("", _check(tip, "acetate_shown_on_canvas", preferences.shown_on_canvas))
        self.add(tr("&Processor cores"), _cores(preferences.cores))
        self.add(tr("Engine"), self._engine(show_engine))
        self.add(tr("Report a fault"), self._diagnostics())

    def _engine(self, show_engine: Callable[[], None]) -> QtWidgets.QWidget:
        button = _button("acetate_settings_engine", "", show_engine)
        button.setToolTip(tr("Install, repair, upgrade or remove the engine, or use another one."))
        self._session.engine.state.bind(lambda state: button.setText(f"{tr(state.value)}…"))
        return button

    def _diagnostics(self) -> QtWidgets.QWidget:
        copy = _button("acetate_diagnostics", tr("&Copy diagnostics"), lambda: None)
        copy.setToolTip(tr("Versions, what the engine finds, and the end of its log; neither your name nor the token."))

        def done(text: str) -> None:
            if text:
                QtWidgets.QApplication.clipboard().setText(text)
            if not sip.isdeleted(copy):  # its window may have been closed meanwhile
                copy.setText(tr("Copied: paste it into your report") if text else tr("&Copy diagnostics"))
                copy.setEnabled(True)

        def begin() -> None:
            copy.setEnabled(False)
            copy.setText(tr("Looking…"))
            self._session.diagnose(_program(), done)

        copy.clicked.connect(lambda: begin())
        return copy


class StoragePage(Rows):
    """What is kept on the disk. The engine holds these numbers, and tells them once it runs."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._used = QtWidgets.QLabel()
        named(self._used, "acetate_stored")
        self._limit = _number("acetate_storage_limit", 1, _MOST_GIGABYTES, " GB")
        self._days = _number("acetate_storage_days", 1, _MOST_DAYS, "")
        self.add(tr("Used"), self._used)
        self.add(tr("&At most"), self._limit)
        self.add(tr("&Days kept"), self._days)
        self.add("", _remark(tr("Beyond that, the oldest results go. What is a layer of a document stays there.")))
        self.add(tr("Data folder"), self._folder())
        for number in (self._limit, self._days):
            number.editingFinished.connect(self._keep)
        session.storing.storage.bind(self._show)

    def _folder(self) -> QtWidgets.QWidget:
        button = _button("acetate_open_folder", tr("&Open the folder"), _open_data)
        button.setToolTip(tr("Models, presets, pictures and jobs lie there."))
        return button

    def _show(self, storage: Storage | None) -> None:
        for number in (self._limit, self._days):
            number.setEnabled(storage is not None)
        if storage is None:
            self._used.setText(tr("known once the engine runs"))
            return
        self._used.setText(f"{storage.stored / _GIGABYTE:.1f} GB")
        with silent(self._limit, self._days):
            self._limit.setValue(max(1, round(storage.limit / _GIGABYTE)))
            self._days.setValue(round(storage.days))

    def _keep(self) -> None:
        storage = self._session.storing.storage.value
        wanted = (self._limit.value(), self._days.value())
        if storage and wanted != (max(1, round(storage.limit / _GIGABYTE)), round(storage.days)):
            self._session.run(self._session.storing.keep(int(wanted[0] * _GIGABYTE), float(wanted[1])))


def _language(chosen: Observable[str]) -> ComboBox:
    box = ComboBox()
    named(box, "acetate_language", tr("Krita has to be started again for it."))
    for code, name in {"": tr("As in Krita"), **language.known()}.items():
        box.addItem(name, code)
    bind_choice(box, chosen, str)
    return box


def _cores(cores: Observable[int]) -> QtWidgets.QSpinBox:
    number = _number("acetate_cores", 0, os.cpu_count() or 1, "")
    number.setSpecialValueText(tr("all"))
    number.setToolTip(tr("What the engine may use when it next starts; fewer leave more for painting."))
    bind_number(number, cores)
    return number


def _number(name: str, least: int, most: int, unit: str) -> QtWidgets.QSpinBox:
    number = SpinBox()
    named(number, name)
    number.setRange(least, most)
    number.setSuffix(unit)
    return number


def _check(text: str, name: str, value: Observable[bool]) -> CheckBox:
    box = CheckBox(text)
    named(box, name)
    bind_check(box, value)
    return box


def _button(name: str, text: str, work: Callable[[], None]) -> PushButton:
    button = PushButton(text)
    named(button, name)
    button.clicked.connect(lambda: work())
    return button


def _remark(text: str) -> QtWidgets.QLabel:
    label = QtWidgets.QLabel(text)
    label.setWordWrap(True)
    label.setEnabled(False)  # greyed: a remark
    return label


def _page(rows: QtWidgets.QWidget) -> QtWidgets.QWidget:
    """As high as it needs, at the top."""
    page = QtWidgets.QWidget()
    column = QtWidgets.QVBoxLayout(page)
    column.addWidget(rows)
    column.addStretch(1)
    return page


def _open_data() -> None:
    data_dir().mkdir(parents=True, exist_ok=True)
    QtGui.QDesktopServices.openUrl(QtCore.QUrl.fromLocalFile(str(data_dir())))


def _program() -> Section:
    return {"krita": Krita.instance().version(), "qt": QtCore.qVersion(), "python": platform.python_version()}
