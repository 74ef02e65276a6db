"""What the picture depends on besides the prompt. Rows that a task does not use are hidden."""

from __future__ import annotations

from acetate.host import LayerInfo
from acetate.krita.host import KritaHost
from acetate.protocol.requests import Preset, Task
from acetate.qt import QtWidgets
from acetate.session.region import RegionKind
from acetate.session.session import Session
from acetate.session.settings import ACTIVE, BELOW, CANVAS, NONE, UP_TO, Outcome, Settings
from acetate.ui.binding import bind_number
from acetate.ui.choice import Choice
from acetate.ui.inputs import SpinBox
from acetate.ui.layer_picker import LayerPicker
from acetate.ui.length import LengthRow
from acetate.ui.model_picker import ModelPicker
from acetate.ui.rows import Rows, show_row
from acetate.ui.seed import SeedRow
from acetate.ui.strength import StrengthRow

BACKGROUNDS = ((BELOW, "Layers below"), (UP_TO, "Active layer and below"), (CANVAS, "Whole canvas"), (NONE, "None"))
FOREGROUNDS = ((ACTIVE, "Active layer"), (NONE, "None"))
PRESETS = ((Preset.DRAFT, "Draft"), (Preset.FINAL, "Final"))
OUTCOMES = ((Outcome.ABOVE, "New layer above"), (Outcome.REPLACE, "Replaces the old one"))
REGIONS = (
    (RegionKind.SELECTION, "Selection, if there is one"),
    (RegionKind.LAYER, "Around the layer"),
    (RegionKind.CANVAS, "Whole canvas"),
)
MOST_IMAGES = 8


class ConditionsGrid(Rows):
    def __init__(self, session: Session) -> None:
        super().__init__()
        settings = session.settings
        self._pickers = [_background(settings), _foreground(settings)]
        self._background = self.add("Background", self._pickers[0])
        self._foreground = self.add("Foreground", self._pickers[1])
        self._strength = self.add("Strength", StrengthRow(settings))
        self._outcome = self.add("Result", _outcome(settings))
        self.add("Region", _region(settings))
        model = self.add("Model", ModelPicker(session))
        self.add("Quality", _preset(settings))
        self.add("Seed", SeedRow(settings))
        settings.task.bind(self._show_task)
        session.engine.models.bind(lambda models: show_row(model, len(models) > 1))

    def refresh(self) -> None:
        """Reads the document's layers anew."""
        for picker in self._pickers:
            picker.refresh()

    def _show_task(self, task: Task) -> None:
        show_row(self._background, task.needs_background)
        show_row(self._foreground, task.needs_foreground)
        show_row(self._strength, task.reworks_layer)
        show_row(self._outcome, task.reworks_layer)


class MoreRows(Rows):
    """What is changed less often."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.add("Images", _images(settings))
        self.add("Grow", LengthRow(settings.grow, "acetate_grow", "How much further than the region the result goes."))
        self.add("Feather", LengthRow(settings.feather, "acetate_feather", "How softly the selection ends."))
        tip = "How far around the region is looked at, so that the result fits in."
        context = self.add("Look around", LengthRow(settings.padding, "acetate_padding", tip))
        settings.task.bind(lambda task: show_row(context, task.uses_context))


def layers() -> list[LayerInfo]:
    """Of the active document."""
    document = KritaHost().active_document()
    return document.layers() if document else []


def _background(settings: Settings) -> LayerPicker:
    picker = LayerPicker(settings.background, BACKGROUNDS, layers)
    picker.setObjectName("acetate_background")
    picker.setToolTip(
        "What the new layer should fit into: flattened, as the canvas shows it.\n"
        "“Layers below” are those under the active one; the active one itself where it is the lowest.\n"
        "Tick any layers and groups to take only these."
    )
    return picker


def _foreground(settings: Settings) -> LayerPicker:
    picker = LayerPicker(settings.foreground, FOREGROUNDS, layers)
    picker.setObjectName("acetate_foreground")
    picker.setToolTip("The layer or group to work on. Tick several to take them together.")
    return picker


def _preset(settings: Settings) -> Choice[Preset]:
    choice = Choice(settings.preset, PRESETS)
    choice.setObjectName("acetate_preset")
    choice.setToolTip("Draft is quick; Final takes more steps, and decodes transparency more carefully.")
    return choice


def _outcome(settings: Settings) -> Choice[Outcome]:
    choice = Choice(settings.outcome, OUTCOMES)
    choice.setObjectName("acetate_outcome")
    choice.setToolTip("Where the result goes. Undo brings a replaced layer back in one step.")
    return choice


def _region(settings: Settings) -> Choice[RegionKind]:
    choice = Choice(settings.region, REGIONS)
    choice.setObjectName("acetate_region")
    choice.setToolTip(
        "Where the result goes. Of a selection, its shape counts too.\n"
        "Where nothing is selected: the layer that is refined, or the whole canvas;\n"
        "on a large canvas a new layer of a good size, in the middle of the view."
    )
    return choice


def _images(settings: Settings) -> QtWidgets.QSpinBox:
    number = SpinBox()
    number.setObjectName("acetate_images")
    number.setRange(1, MOST_IMAGES)
    number.setToolTip("How many versions to make: the first becomes a layer, all are in the history.")
    bind_number(number, settings.images)
    return number
