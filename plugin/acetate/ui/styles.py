"""Styles of the chosen model, several at once."""

from __future__ import annotations

from acetate.language import tr
from acetate.protocol.events import ModelInfo
from acetate.protocol.requests import Style
from acetate.qt import QtWidgets
from acetate.session.observable import Observable
from acetate.session.session import Session
from acetate.session.titles import title_of
from acetate.ui.binding import named
from acetate.ui.inputs import PushButton
from acetate.ui.item_list import ItemList, ItemRow, percent
from acetate.ui.names import NamePicker
from acetate.ui.small_button import small_button


class StyleList(ItemList[Style]):
    def __init__(self, session: Session) -> None:
        self._session = session
        self._add = PushButton(tr("Add a style"))
        named(self._add, "acetate_add_style", tr("A style that the model has learnt. Several add up."))
        styles = session.settings.styles
        super().__init__(
            session, styles, lambda index: StyleRow(session, index), lambda: Style(self._unused()[0]), self._add
        )
        session.model.bind(lambda _: self._enable())
        styles.changed.connect(lambda _: self._enable())

    def _unused(self) -> list[str]:
        used = {style.lora for style in self._session.settings.styles.value}
        return [name for name in known_styles(self._session.model.value) if name not in used]

    def _enable(self) -> None:
        self._add.setEnabled(bool(self._unused()))


class StyleRow(ItemRow[Style]):
    """Which style, and how much it counts."""

    def __init__(self, session: Session, index: int) -> None:
        super().__init__(session, session.settings.styles, index)
        self._name = Observable("")
        self._picker = NamePicker(self._name)
        named(self._picker, f"acetate_style_{index}", tr("A style of the model. Each can be chosen once."))
        self._weight = percent(-200, 200, tr("How much it counts. Below 0: away from it."))
        named(self._weight, f"acetate_style_weight_{index}")
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._picker, 1)
        row.addWidget(self._weight)
        row.addWidget(small_button("✕", tr("Without this style."), f"acetate_style_remove_{index}", self.remove))
        self._name.changed.connect(lambda _: self._take())
        self._weight.valueChanged.connect(lambda _: self._take())

    def fill(self, item: Style) -> None:
        self._name.value = item.lora
        names = known_styles(self.session.model.value)
        self._picker.offer([(name, title_of(name)) for name in names])
        self._picker.disable({style.lora for style in self.session.settings.styles.value} - {item.lora})
        self._weight.setValue(round(100 * item.weight))

    def _take(self) -> None:
        self.take(lambda: Style(self._name.value, self._weight.value() / 100))


def known_styles(model: ModelInfo | None) -> tuple[str, ...]:
    return model.styles if model else ()
