"""Layers that the picture has to follow: lines, edges, depth, poses."""

from __future__ import annotations

from acetate.model.observable import Observable
from acetate.model.session import Session
from acetate.model.settings import ACTIVE, ControlLayer, Picked
from acetate.protocol.requests import ControlKind
from acetate.qt import QtWidgets
from acetate.ui.choice import Choice
from acetate.ui.conditions import layers
from acetate.ui.layer_picker import LayerPicker

KINDS = (
    (ControlKind.LINES, "Lines"),
    (ControlKind.EDGES, "Edges"),
    (ControlKind.DEPTH, "Depth"),
    (ControlKind.POSE, "Pose"),
    (ControlKind.SCRIBBLE, "Scribble"),
)
SOURCES = ((ACTIVE, "Active layer"),)


class ControlList(QtWidgets.QWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._hints = session.settings.controls
        self._rows: list[ControlRow] = []
        self._column = QtWidgets.QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        add = QtWidgets.QPushButton("Add a layer to follow")
        add.setObjectName("acetate_add_hint")
        add.setToolTip("A layer with lines, edges, depth, a pose or a scribble that the picture has to follow.")
        add.clicked.connect(lambda: self._add())
        self._column.addWidget(add)
        self._hints.bind(self._show)

    def refresh(self) -> None:
        for row in self._rows:
            row.refresh()

    def _add(self) -> None:
        self._hints.value = (*self._hints.value, ControlLayer(ControlKind.LINES, ACTIVE))

    def _show(self, hints: tuple[ControlLayer, ...]) -> None:
        while len(self._rows) > len(hints):
            self._rows.pop().deleteLater()
        while len(self._rows) < len(hints):
            row = ControlRow(self._session, len(self._rows))
            self._column.insertWidget(len(self._rows), row)
            self._rows.append(row)
        for row, hint in zip(self._rows, hints, strict=True):
            row.show_hint(hint)


class ControlRow(QtWidgets.QFrame):
    """One hint: what it is, which layer, how much it counts, and during which share of the steps."""

    def __init__(self, session: Session, index: int) -> None:
        super().__init__()
        self._session = session
        self._index = index
        self._kind = Observable(ControlKind.LINES)
        self._layer: Observable[Picked] = Observable((ACTIVE,))
        self._picker = LayerPicker(self._layer, SOURCES, layers, several=False)
        self._picker.setToolTip("The layer to follow, as the canvas shows it.")
        self._weight = _percent(200, "How much it counts.")
        self._start = _percent(100, "From which share of the work on it counts.")
        self._end = _percent(100, "Up to which share of the work it counts.")
        self._is_showing = False
        self._name()
        self._lay_out()
        self._listen()

    def refresh(self) -> None:
        self._picker.refresh()

    def show_hint(self, hint: ControlLayer) -> None:
        self._is_showing = True
        self._kind.value, self._layer.value = hint.kind, (hint.layer,)
        for number, share in ((self._weight, hint.weight), (self._start, hint.start), (self._end, hint.end)):
            number.setValue(round(100 * share))
        self._is_showing = False

    def _name(self) -> None:
        named = {"layer": self._picker, "weight": self._weight, "start": self._start, "end": self._end}
        for name, widget in named.items():
            widget.setObjectName(f"acetate_hint_{name}_{self._index}")

    def _lay_out(self) -> None:
        kind = Choice(self._kind, KINDS)
        kind.setObjectName(f"acetate_hint_kind_{self._index}")
        kind.setToolTip("What the layer shows.")
        edges = _button("Edges…", "Make a layer of the edges of this one, and follow that.")
        edges.setObjectName(f"acetate_hint_edges_{self._index}")
        edges.clicked.connect(lambda: self._session.make_edges(self._index))
        remove = _button("✕", "Follow it no longer.")
        remove.setObjectName(f"acetate_hint_remove_{self._index}")
        remove.clicked.connect(lambda: self._remove())
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        for column, widget in enumerate((kind, self._picker, edges, remove)):
            grid.addWidget(widget, 0, column)
        grid.addLayout(_line("Weight", self._weight, "from", self._start, "to", self._end), 1, 0, 1, 4)
        grid.setColumnStretch(1, 1)

    def _listen(self) -> None:
        self._kind.changed.connect(lambda _: self._take())
        self._layer.changed.connect(lambda _: self._take())
        for number in (self._weight, self._start, self._end):
            number.valueChanged.connect(lambda _: self._take())

    def _take(self) -> None:
        if self._is_showing:
            return
        start, end = sorted((self._start.value(), self._end.value()))
        (layer,) = self._layer.value
        new = ControlLayer(self._kind.value, layer, self._weight.value() / 100, start / 100, end / 100)
        hints = self._session.settings.controls
        hints.value = (*hints.value[: self._index], new, *hints.value[self._index + 1 :])

    def _remove(self) -> None:
        hints = self._session.settings.controls
        hints.value = (*hints.value[: self._index], *hints.value[self._index + 1 :])


def _percent(most: int, tip: str) -> QtWidgets.QSpinBox:
    number = QtWidgets.QSpinBox()
    number.setRange(0, most)
    number.setSuffix(" %")
    number.setSingleStep(5)
    number.setToolTip(tip)
    return number


def _button(text: str, tip: str) -> QtWidgets.QToolButton:
    button = QtWidgets.QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setAutoRaise(True)
    return button


def _line(*parts: str | QtWidgets.QWidget) -> QtWidgets.QHBoxLayout:
    line = QtWidgets.QHBoxLayout()
    line.setSpacing(4)
    for part in parts:
        line.addWidget(QtWidgets.QLabel(part) if isinstance(part, str) else part)
    line.addStretch(1)
    return line
