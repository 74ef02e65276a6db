"""Live: a switch, what it does just now, and the button that keeps what the canvas shows."""

from __future__ import annotations

from krita import Krita

from acetate.krita.windows import is_in_front
from acetate.language import tr
from acetate.qt import QtCore, QtGui, QtWidgets
from acetate.session.live import STATES, Sketch
from acetate.session.session import Session
from acetate.ui.binding import bind_check, named
from acetate.ui.canvas_preview import CanvasPreview, is_pressed
from acetate.ui.checkerboard import to_image
from acetate.ui.inputs import CheckBox, NarrowButton
from acetate.ui.once import once

_LOOK = 150  # milliseconds between two looks at the document
_BETWEEN = 6  # pixels
_SWITCH, _BESIDE, _EYE, _KEEP = range(4)  # columns


class LiveRow(QtWidgets.QWidget):
    """Looks at the document in front, as long as no button of the mouse is down: a stroke is never held up."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._live = session, session.live
        self._preview = CanvasPreview(self, fades=True)
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(_LOOK)
        self._timer.timeout.connect(self._look)
        self._switch_box = named(
            CheckBox(tr("Live")), "acetate_live", tr("Drafts over the canvas, while you go on painting.")
        )
        bind_check(self._switch_box, self._live.is_on)
        self._lay_out()
        self._live.is_on.bind(self._switch)
        self._live.state.bind(self._tell)
        self._live.sketch.bind(self._show)

    def _lay_out(self) -> None:
        self._grid = QtWidgets.QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(_BETWEEN)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(_BESIDE, 1)
        self._grid.addWidget(self._switch_box, 0, _SWITCH)
        self._grid.addWidget(self._eye_button(), 0, _EYE)
        self._grid.addWidget(self._keep_button(), 0, _KEEP)
        self._state = named(QtWidgets.QLabel(), "acetate_live_state")
        self._state.setTextFormat(QtCore.Qt.TextFormat.PlainText)  # an error may have names in it
        self._state.setWordWrap(True)
        self._state.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Preferred)
        self._state.setEnabled(False)  # greyed: a remark
        self._is_below: bool | None = None  # the state, on a line of its own

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_state()

    def _tell(self, state: str) -> None:
        self._state.setText(tr(state))
        self._place_state()

    def _place_state(self) -> None:
        """Below the switch where there is no room beside it. While drafts come and go it stays where it is: what lies
        under it must not jump.
        """
        texts = [self._state.text(), *(map(tr, STATES) if self._live.is_on.value else ())]
        wanted = max(map(self._state.fontMetrics().horizontalAdvance, texts)) + 2  # a wrapped line needs a bit more
        is_below = wanted > self._room()
        if is_below != self._is_below:
            self._is_below = is_below
            self._grid.removeWidget(self._state)
            at = (1, _SWITCH, 1, -1) if is_below else (0, _BESIDE, 1, 1)
            self._grid.addWidget(self._state, *at)

    def _room(self) -> int:
        """Pixels beside the switch and the buttons that are shown."""
        parts = [self._switch_box, *((self._eye, self._keep) if self._live.is_on.value else ())]
        return self.width() - sum(part.sizeHint().width() + _BETWEEN for part in parts)

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
        self._place_state()
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
