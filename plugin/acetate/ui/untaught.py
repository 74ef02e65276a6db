"""What of the prompt a small model was not taught, or does badly, and what it knows that is near: a click takes it."""

from __future__ import annotations

from html import escape

from acetate.language import tr
from acetate.protocol.words import Untaught
from acetate.qt import QtCore, QtWidgets
from acetate.session.session import Session
from acetate.ui.binding import named


class UntaughtRow(QtWidgets.QLabel):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        named(self, "acetate_untaught", tr("A click puts it into the prompt."))
        self.setWordWrap(True)
        self.setTextFormat(QtCore.Qt.TextFormat.RichText)
        self.setTextInteractionFlags(
            QtCore.Qt.TextInteractionFlag.LinksAccessibleByMouse
            | QtCore.Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Preferred)
        self.linkActivated.connect(lambda prompt: setattr(session.settings.prompt, "value", prompt))
        session.words.untaught.bind(self._show)
        session.settings.used.changed.connect(lambda _: self._show(session.words.untaught.value))

    def _show(self, untaught: Untaught) -> None:
        model, is_used = self._session.model.value, "prompt" in self._session.settings.used.value
        self.setVisible(bool(untaught.word) and is_used)
        if not untaught.word or model is None:
            return
        names = {"model": model.title, "word": untaught.word}
        if untaught.is_done_badly:
            said = tr("{model} does “{word}” badly.", **names)
        else:
            said = tr("{model} was not taught “{word}”.", **names)
        near = ", ".join(f'<a href="{escape(thing)}">{escape(thing.split(",")[0])}</a>' for thing in untaught.near)
        self.setText(escape(said) + (f" {escape(tr('Near to it:'))} {near}" if near else ""))
