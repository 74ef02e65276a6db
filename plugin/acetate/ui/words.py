"""The prompts: what should appear, and what the other pictures of a task show."""

from __future__ import annotations

from acetate.krita.windows import is_in_front
from acetate.language import tr
from acetate.qt import QtCore, QtWidgets
from acetate.session.session import Session
from acetate.ui.binding import named
from acetate.ui.completing import helped
from acetate.ui.prompt import PromptEdit


def prompt(session: Session) -> QtWidgets.QWidget:
    tip = tr("Describe what should appear on the layer. Ctrl+Return generates.")
    prompt = _words(session, "prompt", 2, tr("What should appear?"), tip)
    prompt.entered.connect(session.warm_up)
    prompt.entered.connect(session.words.learn)
    session.prompt_wanted.connect(lambda _: _give_keyboard(prompt))
    return prompt


def negative(session: Session) -> QtWidgets.QWidget:
    tip = tr("What to keep away from the layer.")
    return _words(session, "negative_prompt", 1, tr("What should not appear? (optional)"), tip)


def behind(session: Session) -> QtWidgets.QWidget:
    tip = tr("Describe the background. Left empty, it gets the same words as what stands in front.")
    return _words(session, "background_prompt", 1, tr("What lies behind it? (optional)"), tip)


def in_front(session: Session) -> QtWidgets.QWidget:
    tip = tr("Name what stands in front, so that the background belongs to it.")
    return _words(session, "foreground_prompt", 1, tr("What stands in front? (optional)"), tip)


def together(session: Session) -> QtWidgets.QWidget:
    tip = tr("Describe both in one sentence. Left empty, the words for each are put together.")
    edit = _words(session, "blended_prompt", 1, tr("Both together (optional)"), tip)
    settings = session.settings

    def show(_: object) -> None:
        default = settings.blended
        edit.setPlaceholderText(
            tr("Both together: {words}", words=default) if default else tr("Both together (optional)")
        )

    for setting in (settings.task, settings.prompt, settings.background_prompt, settings.foreground_prompt):
        setting.bind(show)
    return edit


def _words(session: Session, name: str, lines: int, question: str, tip: str) -> PromptEdit:
    """`name`: of the setting. Hidden where the task does not use it."""
    edit = PromptEdit(session.settings.values[name], lines=lines)
    named(edit, f"acetate_{name}", tip)
    session.settings.used.bind(lambda used: edit.setVisible(name in used))
    edit.setPlaceholderText(question)
    edit.setAccessibleName(question)
    edit.submitted.connect(session.generate)
    session.entered.connect(lambda is_other: edit.begin_anew() if is_other else None)
    helped(edit, session)
    return edit


def _give_keyboard(prompt: QtWidgets.QWidget) -> None:
    if is_in_front(prompt):
        prompt.setFocus(QtCore.Qt.FocusReason.ShortcutFocusReason)
