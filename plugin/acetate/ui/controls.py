"""Layers that the picture has to follow: lines, edges, depth, poses, or their look."""

from __future__ import annotations

from functools import partial

from acetate.language import mark, tr
from acetate.protocol.events import ModelInfo
from acetate.protocol.labels import label_of
from acetate.protocol.requests import ControlKind
from acetate.qt import QtWidgets
from acetate.session.control_layers import ControlLayer, Follow, what_follows
from acetate.session.observable import Observable
from acetate.session.session import Session
from acetate.session.settings import ACTIVE, Picked
from acetate.session.titles import title_of
from acetate.ui.binding import named
from acetate.ui.choice import Choice
from acetate.ui.conditions import layers
from acetate.ui.inputs import PushButton
from acetate.ui.item_list import ItemList, ItemRow, percent
from acetate.ui.layer_picker import LayerPicker
from acetate.ui.names import NamePicker
from acetate.ui.once import once
from acetate.ui.rows import in_a_row
from acetate.ui.small_button import small_button

KINDS = (
    *((Follow(kind.value), label_of(kind)) for kind in ControlKind),
    (Follow.LOOK, mark("Looks like")),
)
SOURCES = ((ACTIVE, mark("Active layer")),)


class ControlList(ItemList[ControlLayer]):
    def __init__(
        self, session: Session, items: Observable[tuple[ControlLayer, ...]] | None = None, prefix: str = "acetate"
    ) -> None:
        """`items`: those of the settings where None. `prefix`: of the names of its parts."""
        self._session = session
        items = items or session.settings.controls
        add = PushButton(tr("Add a layer to follow"))
        named(
            add,
            f"{prefix}_add_hint",
            tr(
                "A layer with lines, edges, depth, a pose or a scribble that the picture has to follow,\n"
                "or one that it shall look like."
            ),
        )
        super().__init__(session, items, partial(ControlRow, session, items, f"{prefix}_hint"), self._new, add)

    def refresh(self) -> None:
        for row in self.findChildren(LayerPicker):
            row.refresh()

    def _new(self) -> ControlLayer:
        """Of the first kind that the model can follow."""
        return ControlLayer((*what_follows(self._session.model.value), Follow.LINES)[0], ACTIVE)


class ControlRow(ItemRow[ControlLayer]):
    """What of which layer is followed, how much it counts, and during which share of the steps."""

    def __init__(self, session: Session, items: Observable[tuple[ControlLayer, ...]], prefix: str, index: int) -> None:
        super().__init__(session, items, index)
        self._prefix = prefix
        self._makes_edges = items is session.settings.controls  # which take the place of the layer in that list
        self._kind = Observable(Follow.LINES)
        self._layer: Observable[Picked] = Observable((ACTIVE,))
        self._adapter = Observable("")  # the first where empty
        self._choice = Choice(self._kind, KINDS)
        self._choice.setToolTip(tr("What the layer shows. Grey: the model cannot follow that."))
        self._picker = LayerPicker(self._layer, SOURCES, layers, several=False)
        self._picker.setToolTip(tr("The layer to follow, as the canvas shows it."))
        self._weight = percent(0, 200, tr("How much it counts."))
        self._start = percent(0, 100, tr("From which share of the work on it counts."))
        self._end = percent(0, 100, tr("Up to which share of the work it counts."))
        self._adapters = NamePicker(self._adapter)
        self._adapters.setToolTip(tr("What reads the look."))
        self._name()
        self._lay_out()
        self._listen()

    def fill(self, item: ControlLayer) -> None:
        self._kind.value, self._layer.value, self._adapter.value = item.kind, (item.layer,), item.adapter or ""
        for number, share in ((self._weight, item.weight), (self._start, item.start), (self._end, item.end)):
            number.setValue(round(100 * share))
        self._offer(self.session.model.value)
        self._show_what_counts(item)

    def _name(self) -> None:
        widgets: dict[str, QtWidgets.QWidget] = {"kind": self._choice, "layer": self._picker, "adapter": self._adapters}
        widgets |= {"weight": self._weight, "start": self._start, "end": self._end}
        for name, widget in widgets.items():
            named(widget, self._called(name))

    def _called(self, part: str) -> str:
        """The object name of a part."""
        return f"{self._prefix}_{part}_{self.index}"

    def _lay_out(self) -> None:
        self._edges = small_button(
            tr("Edges…"),
            tr("Make a layer of the edges of this one, and follow that."),
            self._called("edges"),
            once(lambda: self.session.make_edges(self.index)),
        )
        remove = small_button("✕", tr("Follow it no longer."), self._called("remove"), self.remove)
        self._share = _line(tr("from"), self._start, tr("to"), self._end, tr("of the work"))
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        for column, widget in enumerate((self._choice, self._picker, remove)):
            grid.addWidget(widget, 0, column)
        grid.addWidget(_line(tr("Weight"), self._weight, self._edges, self._adapters), 1, 0, 1, 3)
        grid.addWidget(self._share, 2, 0, 1, 3)
        grid.setColumnStretch(1, 1)

    def _listen(self) -> None:
        for value in (self._kind, self._layer, self._adapter):
            value.changed.connect(lambda _: self._take())
        for number in (self._weight, self._start, self._end):
            number.valueChanged.connect(lambda _: self._take())

    def _offer(self, model: ModelInfo | None) -> None:
        self._choice.enable_only(what_follows(model))
        names = model.image_prompts if model else ()
        self._adapters.offer([("", tr("First adapter")), *((name, title_of(name)) for name in names)])

    def _show_what_counts(self, item: ControlLayer) -> None:
        self._edges.setVisible(self._makes_edges and not item.is_look)
        self._share.setVisible(not item.is_look)
        self._adapters.setVisible(item.is_look and self._adapters.count() > 2)

    def _take(self) -> None:
        self.take(self._made)

    def _made(self) -> ControlLayer:
        start, end = sorted((self._start.value(), self._end.value()))
        (layer,), weight = self._layer.value, self._weight.value() / 100
        return ControlLayer(self._kind.value, layer, weight, start / 100, end / 100, self._adapter.value or None)


def _line(*parts: str | QtWidgets.QWidget) -> QtWidgets.QWidget:
    return in_a_row(*((QtWidgets.QLabel(part) if isinstance(part, str) else part, 0) for part in parts))
