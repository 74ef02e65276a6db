"""What the picture depends on besides the prompt. Rows that a task does not use are hidden."""

from __future__ import annotations

from acetate.canvas.document import LayerInfo, active_document
from acetate.model.session import Session
from acetate.model.settings import ACTIVE, BELOW, CANVAS, NONE, Settings
from acetate.protocol.requests import Preset, Task
from acetate.qt import QtCore, QtWidgets
from acetate.ui.choice import Choice
from acetate.ui.layer_picker import LayerPicker
from acetate.ui.model_picker import ModelPicker
from acetate.ui.seed import SeedRow

BACKGROUNDS = ((BELOW, "Layers below"), (CANVAS, "Whole canvas"), (NONE, "None"))
FOREGROUNDS = ((ACTIVE, "Active layer"), (NONE, "None"))
PRESETS = ((Preset.DRAFT, "Draft"), (Preset.FINAL, "Final"))


class ConditionsGrid(QtWidgets.QWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        settings = session.settings
        self._grid = QtWidgets.QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self._pickers = [_background(settings), _foreground(settings)]
        self._background = self._row("Background", self._pickers[0])
        self._foreground = self._row("Foreground", self._pickers[1])
        self._strength = self._row("Strength", StrengthRow(settings))
        model = self._row("Model", ModelPicker(session))
        self._row("Quality", _preset(settings))
        self._row("Seed", SeedRow(settings))
        settings.task.bind(self._show_task)
        session.engine.models.bind(lambda models: _show(model, len(models) > 1))

    def refresh(self) -> None:
        """Reads the document's layers anew."""
        for picker in self._pickers:
            picker.refresh()

    def _row(self, text: str, widget: QtWidgets.QWidget) -> tuple[QtWidgets.QWidget, QtWidgets.QWidget]:
        label, row = QtWidgets.QLabel(text), self._grid.rowCount()
        self._grid.addWidget(label, row, 0)
        self._grid.addWidget(widget, row, 1)
        return label, widget

    def _show_task(self, task: Task) -> None:
        _show(self._background, task.needs_background)
        _show(self._foreground, task.needs_foreground)
        _show(self._strength, task in (Task.REFINE, Task.INPAINT))


class StrengthRow(QtWidgets.QWidget):
    """0 keeps the layer, 100 % makes another."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        slider, number = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal), QtWidgets.QLabel()
        slider.setObjectName("acetate_strength")
        slider.setRange(0, 100)
        slider.setToolTip("How far the result may go from the layer as it is.")
        number.setMinimumWidth(number.fontMetrics().boundingRect("100 %").width())
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(slider, 1)
        row.addWidget(number)
        slider.valueChanged.connect(lambda percent: setattr(settings.strength, "value", percent / 100))
        settings.strength.bind(lambda strength: slider.setValue(round(100 * strength)))
        settings.strength.bind(lambda strength: number.setText(f"{round(100 * strength)} %"))


def _show(row: tuple[QtWidgets.QWidget, QtWidgets.QWidget], is_visible: bool) -> None:
    for widget in row:
        widget.setVisible(is_visible)


def _background(settings: Settings) -> LayerPicker:
    picker = LayerPicker(settings.background, BACKGROUNDS, _layers)
    picker.setObjectName("acetate_background")
    picker.setToolTip("What the new layer should fit into: flattened, as the canvas shows it.")
    return picker


def _foreground(settings: Settings) -> LayerPicker:
    picker = LayerPicker(settings.foreground, FOREGROUNDS, _layers)
    picker.setObjectName("acetate_foreground")
    picker.setToolTip("The layer or group to work on.")
    return picker


def _preset(settings: Settings) -> Choice[Preset]:
    choice = Choice(settings.preset, PRESETS)
    choice.setObjectName("acetate_preset")
    choice.setToolTip("Draft is quick; Final takes more steps, and decodes transparency more carefully.")
    return choice


def _layers() -> list[LayerInfo]:
    document = active_document()
    return document.layers() if document else []
