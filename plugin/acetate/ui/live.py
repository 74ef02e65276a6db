"""Live: a switch, what it does just now, and the button that keeps what the canvas shows."""

from __future__ import annotations

from krita import Krita

from acetate.krita.windows import is_in_front
from acetate.language import tr
from acetate.qt import QtCore, QtWidgets
from acetate.session.live import Sketch
from acetate.session.session import Session
from acetate.ui.binding import bind_check, named
from acetate.ui.canvas_preview import CanvasPreview, is_pressed
from acetate.ui.checkerboard import to_image
from acetate.ui.elided import ElidedLabel
from acetate.ui.inputs import CheckBox, NarrowButton
from acetate.ui.once import once

_LOOK = 150  # milliseconds between two looks at the document


class LiveRow(QtWidgets.QWidget):
    """Looks at the document in front, as long as no button of the mouse is down: a stroke is never held up."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._live = session, session.live
        self._preview = CanvasPreview(self, fades=True)
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(_LOOK)
        self._timer.timeout.connect(self._look)
        switch = named(CheckBox(tr("Live")), "acetate_live", tr("Drafts over the canvas, while you go on painting."))
        bind_check(switch, self._live.is_on)
        self._state = named(ElidedLabel(), "acetate_live_state")
        self._state.setEnabled(False)  # greyed: a remark
        self._live.state.bind(lambda state: self._state.setText(tr(state)))
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(switch)
        row.addWidget(self._state, 1)
        row.addWidget(self._eye_button())
        row.addWidget(self._keep_button())
        self._live.is_on.bind(self._switch)
        self._live.sketch.bind(self._show)

    def _eye_button(self) -> QtWidgets.QWidget:
        self._eye = named(QtWidgets.QToolButton(), "acetate_live_eye", tr("Show the draft on the canvas, or hide it."))
        self._eye.setIcon(Krita.instance().icon("visible"))
        self._eye.setCheckable(True)
        self._eye.setChecked(True)
        self._eye.setAutoRaise(True)
        self._eye.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
        self._eye.toggled.connect(lambda _: self._show(self._live.sketch.value))
        return self._eye

    def _keep_button(self) -> QtWidgets.QWidget:
        self._keep = named(NarrowButton(tr("Keep")), "acetate_live_keep", tr("Make a layer of what is shown."))
        self._keep.clicked.connect(once(self._session.keep_sketch))
        return self._keep

    def _switch(self, is_on: bool) -> None:
        self._eye.setVisible(is_on)
        self._keep.setVisible(is_on)
        self._timer.start() if is_on else self._timer.stop()

    def _look(self) -> None:
        if not is_pressed() and is_in_front(self):
            self._live.look()

    def _show(self, sketch: Sketch | None) -> None:
        self._keep.setEnabled(sketch is not None)
        if sketch is not None and self._eye.isChecked() and is_in_front(self):
            self._preview.show(to_image(sketch.picture), sketch.bounds)
        else:
            self._preview.hide()
