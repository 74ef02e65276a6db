"""What starts a job, and what stops one."""

from __future__ import annotations

from acetate.language import tr
from acetate.qt import QtWidgets
from acetate.session.session import Session
from acetate.ui.binding import named
from acetate.ui.inputs import NarrowButton, PushButton
from acetate.ui.keyboard import give_to_canvas
from acetate.ui.once import once


class Buttons(QtWidgets.QWidget):
    """Generate, and Cancel while there is something to cancel."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        generate = PushButton(tr("&Generate"))
        named(
            generate,
            "acetate_generate",
            tr("Make a layer above the active one (Ctrl+Return in the prompt). Go on painting meanwhile."),
        )
        bold = generate.font()
        bold.setBold(True)
        generate.setFont(bold)
        generate.clicked.connect(once(self._generate))
        self._cancel = NarrowButton("✕")
        named(self._cancel, "acetate_cancel", tr("Stop the oldest job of this document; others go on."))
        self._cancel.clicked.connect(once(session.cancel))
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(generate, 1)
        row.addWidget(self._cancel)
        row.addWidget(_stack_button(session))
        session.jobs_changed.connect(lambda _: self._show())
        self._show()

    def _generate(self) -> None:
        self._session.generate()
        give_to_canvas()

    def _show(self) -> None:
        self._cancel.setEnabled(bool(self._session.jobs_here))


def _stack_button(session: Session) -> QtWidgets.QWidget:
    button = NarrowButton(tr("Stac&k…"))
    named(
        button,
        "acetate_build_stack",
        tr("Build a group of layers, one prompt each, every one fitting what lies below it."),
    )
    button.clicked.connect(lambda: session.stack.open())
    return button
