"""The engine: installed, repaired, upgraded and removed with buttons; no terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from acetate.client.installation import State
from acetate.client.torch_builds import TorchBuild
from acetate.language import mark, tr, translated
from acetate.protocol.paths import as_file_name
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.session.installing import Installing
from acetate.session.messages import Notice, Offer
from acetate.ui.binding import named
from acetate.ui.fold import Fold
from acetate.ui.inputs import ComboBox, PushButton
from acetate.ui.message import MessageBar
from acetate.ui.once import once
from acetate.ui.plain import plain
from acetate.ui.reach import ToolWindow

_SIZE = QtCore.QSize(460, 520)  # screen pixels
UNINSTALL = mark("Uninstall")
_REFRESH = 400  # milliseconds
_INSTALL = {
    State.ABSENT: mark("Install engine"),
    State.OLDER: mark("Upgrade engine"),
    State.BROKEN: mark("Repair engine"),
    State.READY: mark("Repair engine"),
}


class EngineWindow(ToolWindow):
    def __init__(self, installing: Installing, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent, "acetate_engine_window", tr("Acetate: engine"), _SIZE)
        self._installing = installing
        self._wheels: Path | None = None
        column = QtWidgets.QVBoxLayout(self)
        column.addWidget(self._about())
        column.addLayout(self._choices())
        column.addLayout(self._buttons())
        column.addWidget(self._progress())
        column.addWidget(self._message())
        column.addWidget(self._log(), 1)
        column.addWidget(Fold(tr("Use another engine"), "acetate_engine_another", AnotherEngine(installing)))
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(_REFRESH)
        self._timer.timeout.connect(self._refresh)
        installing.state.bind(lambda _: self._show())
        installing.is_busy.bind(self._show_busy)
        installing.best.bind(lambda _: self._offer())

    def open(self) -> None:
        """With what is known now; the hardware is looked at meanwhile."""
        self._installing.look()
        self._installing.look_at_hardware()
        self.show()
        self.raise_()
        self.activateWindow()

    def _about(self) -> QtWidgets.QWidget:
        self._state = _label("acetate_engine_state")
        return self._state

    def _choices(self) -> QtWidgets.QLayout:
        self._build = ComboBox()
        named(
            self._build,
            "acetate_engine_build",
            tr("What PyTorch computes on. The first that this machine has is chosen."),
        )
        self._source = PushButton(tr("Packages: from the internet"))
        named(
            self._source, "acetate_engine_wheels", tr("Without a network: choose a folder that holds all the wheels.")
        )
        self._source.clicked.connect(lambda: self._choose_folder())
        form = QtWidgets.QFormLayout()
        form.addRow(tr("Compute on"), self._build)
        form.addRow("", self._source)
        return form

    def _buttons(self) -> QtWidgets.QLayout:
        self._install = _button("acetate_engine_install", "", self._begin)
        self._cancel = _button("acetate_engine_cancel", tr("Cancel"), self._installing.cancel)
        self._remove = _button("acetate_engine_remove", tr(UNINSTALL), self._ask_to_remove)
        self._remove.setToolTip(tr("Removes the engine from this machine; models, pictures and settings stay."))
        row = QtWidgets.QHBoxLayout()
        for button, stretch in ((self._install, 1), (self._cancel, 0), (self._remove, 0)):
            row.addWidget(button, stretch)
        return row

    def _progress(self) -> QtWidgets.QWidget:
        self._bar = QtWidgets.QProgressBar()
        named(self._bar, "acetate_engine_progress")
        self._bar.setRange(0, 1000)
        return self._bar

    def _message(self) -> QtWidgets.QWidget:
        return named(MessageBar(self._installing.message), "acetate_engine_message")

    def _log(self) -> QtWidgets.QWidget:
        self._text = QtWidgets.QPlainTextEdit()
        named(self._text, "acetate_engine_log")
        self._text.setReadOnly(True)
        self._text.setPlaceholderText(tr("What is being done is listed here."))
        return self._text

    def _offer(self) -> None:
        """The best for this machine on top; whatever was chosen by hand stays."""
        installing, chosen = self._installing, self._build.currentData()
        self._build.clear()
        best = installing.best.value
        for build in sorted(installing.builds, key=lambda build: build != best):
            size = f"{build.gigabytes:.0f}"
            self._build.addItem(tr("{device}, about {size} GB", device=tr(build.label), size=size), build)
        names = [build.name for build in (self._build.itemData(i) for i in range(self._build.count()))]
        if isinstance(chosen, TorchBuild) and best is None:
            self._build.setCurrentIndex(names.index(chosen.name))

    def _choose_folder(self) -> None:
        """Pressed again, and nothing chosen: from the internet again."""
        chosen = QtWidgets.QFileDialog.getExistingDirectory(self, tr("Folder with the wheels"), str(Path.home()))
        self._wheels = Path(as_file_name(chosen)) if chosen else None
        self._source.setText(
            plain(tr("Packages: from {folder}", folder=chosen)) if chosen else tr("Packages: from the internet")
        )

    def _ask_to_remove(self) -> None:
        """To have it again is a download of gigabytes."""
        ask = mark("Remove the engine from this machine?")
        kept = mark("Models, pictures and settings stay; to have it again, it has to be downloaded again.")
        self._installing.message.value = Notice(ask, kept, Offer(UNINSTALL, self._installing.remove))

    def _begin(self) -> None:
        build = self._build.currentData()
        if isinstance(build, TorchBuild):
            self._installing.install(build, self._wheels)

    def _show(self) -> None:
        installing, is_busy = self._installing, self._installing.is_busy.value
        state = installing.state.value
        can_install = installing.is_carried and bool(installing.builds)
        is_possible = can_install or state is State.READY
        self._state.setText(tr(state.value) if is_possible else f"{tr(state.value)} {_why(installing)}")
        self._install.setText(tr(_INSTALL[state]))
        self._install.setEnabled(can_install and not is_busy)
        self._cancel.setEnabled(is_busy)
        self._remove.setEnabled(installing.can_be_removed and not is_busy)

    def _show_busy(self, is_busy: bool) -> None:
        self._bar.setVisible(is_busy)
        if is_busy:
            self._timer.start()
        else:
            self._timer.stop()
        self._refresh()
        self._show()

    def _refresh(self) -> None:
        shown = self._installing.shown()
        self._bar.setValue(round(shown.fraction * 1000))
        self._bar.setFormat(f"{translated(shown.step)} · {shown.megabytes:,} MB")
        if shown.log != self._text.toPlainText():
            self._text.setPlainText(shown.log)
            self._text.moveCursor(QtGui.QTextCursor.MoveOperation.End)


class AnotherEngine(QtWidgets.QWidget):
    """Address and token of one that runs already."""

    def __init__(self, installing: Installing) -> None:
        super().__init__()
        self._address, self._token = QtWidgets.QLineEdit(), QtWidgets.QLineEdit()
        for field, name, hint in (
            (self._address, "acetate_engine_address", "http://127.0.0.1:PORT"),
            (self._token, "acetate_engine_token", tr("its token")),
        ):
            named(field, name)
            field.setPlaceholderText(hint)
        self._token.setEchoMode(QtWidgets.QLineEdit.EchoMode.Password)
        use = _button(
            "acetate_engine_use",
            tr("Use this engine"),
            lambda: installing.use_another(self._address.text(), self._token.text()),
        )
        form = QtWidgets.QFormLayout(self)
        form.addRow(tr("Address"), self._address)
        form.addRow(tr("Token"), self._token)
        form.addRow("", use)


def _why(installing: Installing) -> str:
    if not installing.builds:
        return tr("PyTorch does not exist for this kind of machine; an engine of another machine can be used.")
    return tr("This plugin came without one: import the release zip, or run `acetate install-plugin`.")


def _button(name: str, text: str, action: Callable[[], None]) -> PushButton:
    button = PushButton(text)
    named(button, name)
    button.clicked.connect(once(action))
    return button


def _label(name: str) -> QtWidgets.QLabel:
    label = QtWidgets.QLabel()
    named(label, name)
    label.setWordWrap(True)
    return label


class EngineRow(QtWidgets.QWidget):
    """On top of the docker where there is no engine that works: the one thing to do then."""

    def __init__(self, installing: Installing, window: EngineWindow) -> None:
        super().__init__()
        self._installing, self._window = installing, window
        self._text = _label("acetate_engine_needed")
        self._button = _button("acetate_engine_setup", "", self._act)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._text)
        column.addWidget(self._button)
        installing.state.bind(self._show)
        installing.is_busy.bind(lambda _: self._show(installing.state.value))

    def _show(self, state: State) -> None:
        self.setVisible(state is not State.READY or self._installing.is_busy.value)
        self._text.setText(tr("Installing the engine…") if self._installing.is_busy.value else tr(state.value))
        self._button.setText(tr("Show") if self._installing.is_busy.value else f"{tr(_INSTALL[state])}…")

    def _act(self) -> None:
        self._window.open()
