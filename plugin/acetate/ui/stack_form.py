"""What one layer of a stack is to be."""

from __future__ import annotations

from acetate.language import tr, translated
from acetate.protocol.requests import MAX_SEED
from acetate.qt import QtCore, QtGui, QtWidgets, sip
from acetate.session.observable import Observable
from acetate.session.session import Session
from acetate.session.settings import new_seed
from acetate.session.stack import StackEntry
from acetate.ui.binding import named, silent
from acetate.ui.canvas_regions import RegionSheet, draw_region
from acetate.ui.choice import Choice
from acetate.ui.completing import helped
from acetate.ui.conditions import PRESETS
from acetate.ui.elided import ElidedLabel
from acetate.ui.inputs import DoubleSpinBox, NarrowButton, Slider
from acetate.ui.prompt import PromptEdit
from acetate.ui.rows import Rows, in_a_row


class StackForm(Rows):
    """Shows the selected entry; greyed where there is none."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._stack = session.stack
        self._editor = session.stack.editor
        self._prompt = Observable("")
        self._region = ElidedLabel()
        named(self._region, "acetate_stack_region")
        self._sheet: RegionSheet | None = None  # over the canvas, while a region is drawn
        self._seed = _seed()
        self._strength, self._percent = Slider(QtCore.Qt.Orientation.Horizontal), QtWidgets.QLabel()
        self.add(tr("Prompt"), self._prompt_edit())
        self.add(tr("Region"), self._region_row())
        self.add(tr("Seed"), self._seed_row())
        self.add(tr("Strength"), self._strength_row())
        quality = named(
            Choice(session.settings.preset, PRESETS), "acetate_stack_preset", tr("Of all layers of the stack.")
        )
        self.add(tr("Quality"), quality)
        self._editor.stack.bind(lambda _: self._show())
        self._editor.selected.changed.connect(lambda _: self._show())

    def _show(self) -> None:
        entry = self._editor.entry
        self.setEnabled(entry is not None)
        self._fill(entry or StackEntry(0))

    def _fill(self, entry: StackEntry) -> None:
        if entry.prompt != self._prompt.value:
            self._prompt.value = entry.prompt
            self._words.begin_anew()
        self._region.setText(translated(str(entry.region)) if entry.region else tr("Whole canvas"))
        for widget, value in ((self._seed, entry.seed), (self._strength, round(100 * entry.strength))):
            with silent(widget):
                widget.setValue(value)
        self._strength.setEnabled(bool(entry.layer))
        self._percent.setText(f"{round(100 * entry.strength)} %")

    def _prompt_edit(self) -> QtWidgets.QWidget:
        self._words = edit = PromptEdit(self._prompt, lines=2)
        named(edit, "acetate_stack_prompt", tr("Describe this layer only. Ctrl+Return generates the stack."))
        edit.setPlaceholderText(tr("What should appear on this layer?"))
        edit.submitted.connect(lambda: self._stack.generate())
        helped(edit, self._session)
        self._prompt.changed.connect(lambda prompt: self._editor.change_selected(prompt=prompt))
        return edit

    def _region_row(self) -> QtWidgets.QWidget:
        draw = _button(
            "acetate_stack_draw_region", tr("Draw"), tr("Draw a rectangle on the canvas: the layer goes there.")
        )
        draw.clicked.connect(lambda: self._draw())
        from_selection = _button(
            "acetate_stack_from_selection", tr("From selection"), tr("The layer goes where you have selected.")
        )
        from_selection.clicked.connect(lambda: self._stack.select_region())
        whole = _button("acetate_stack_whole_canvas", tr("Whole"), tr("The layer covers the canvas."))
        whole.clicked.connect(lambda: self._editor.change_selected(region=None))
        widget = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._region)
        column.addWidget(in_a_row((from_selection, 1), (draw, 0), (whole, 0)))
        return widget

    def _draw(self) -> None:
        """Pressed again, it gives up; over another document it begins anew."""
        if not self._end_drawing():
            self._sheet = draw_region(lambda bounds: self._editor.change_selected(region=bounds))

    def _end_drawing(self) -> bool:
        """Whether the painter was about to draw where they look."""
        sheet, self._sheet = self._sheet, None
        if sheet is None or sip.isdeleted(sheet):
            return False
        sheet.deleteLater()
        return sheet.is_in_front

    def hideEvent(self, event: QtGui.QHideEvent) -> None:
        """Its window is closed, or folded away: the sheet must not stay over the canvas."""
        super().hideEvent(event)
        self._end_drawing()

    def _seed_row(self) -> QtWidgets.QWidget:
        self._seed.valueChanged.connect(lambda seed: self._editor.change_selected(seed=int(seed)))
        other = _button(
            "acetate_stack_new_seed", tr("Another"), tr("Take another seed: another layer from the same words.")
        )
        other.clicked.connect(lambda: self._editor.change_selected(seed=new_seed()))
        return in_a_row((self._seed, 1), (other, 0))

    def _strength_row(self) -> QtWidgets.QWidget:
        named(
            self._strength,
            "acetate_stack_strength",
            tr(
                "How far the layer goes from what it shows, when it is made again. 100 %: another layer. "
                "A new layer has nothing to start from."
            ),
        )
        self._strength.setRange(0, 100)
        self._percent.setMinimumWidth(self._percent.fontMetrics().boundingRect("100 %").width())
        self._strength.valueChanged.connect(lambda percent: self._editor.change_selected(strength=percent / 100))
        return in_a_row((self._strength, 1), (self._percent, 0))


def _seed() -> QtWidgets.QDoubleSpinBox:
    number = DoubleSpinBox()  # QSpinBox ends at 2³¹ − 1
    named(number, "acetate_stack_seed", tr("The same seed and settings make the same picture."))
    number.setDecimals(0)
    number.setRange(0, MAX_SEED)
    number.setMinimumWidth(60)
    return number


def _button(name: str, text: str, tip: str) -> QtWidgets.QPushButton:
    button = NarrowButton(text)
    named(button, name, tip)
    return button
