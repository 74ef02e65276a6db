"""What the picture depends on besides the prompt. Rows that a task does not use are hidden."""

from __future__ import annotations

from acetate.host import LayerInfo
from acetate.krita.host import KritaHost
from acetate.language import mark, tr
from acetate.protocol.labels import label_of
from acetate.protocol.requests import Preset, Scheduler
from acetate.qt import QtWidgets
from acetate.session.observable import Observable
from acetate.session.presets import FIELDS
from acetate.session.region import RegionKind
from acetate.session.session import Session
from acetate.session.settings import ACTIVE, BELOW, CANVAS, NONE, UP_TO, Outcome, Settings
from acetate.ui.binding import bind_check, bind_number, bind_optional, named
from acetate.ui.choice import Choice
from acetate.ui.inputs import CheckBox, DoubleSpinBox, SpinBox
from acetate.ui.layer_picker import LayerPicker
from acetate.ui.length import LengthRow
from acetate.ui.model_picker import ModelPicker
from acetate.ui.presets import PresetRow
from acetate.ui.rows import Rows, show_row
from acetate.ui.seed import SeedRow
from acetate.ui.strength import StrengthRow

BACKGROUNDS = (
    (BELOW, mark("Layers below")),
    (UP_TO, mark("Active layer and below")),
    (CANVAS, mark("Whole canvas")),
    (NONE, mark("None")),
)
FOREGROUNDS = ((ACTIVE, mark("Active layer")), (NONE, mark("None")))
PRESETS = [(preset, label_of(preset)) for preset in Preset]
OUTCOMES = ((Outcome.ABOVE, mark("New layer above")), (Outcome.REPLACE, mark("Replaces the layer")))
REGIONS = (
    (RegionKind.SELECTION, mark("Selection, if there is one")),
    (RegionKind.LAYER, mark("Around the layer")),
    (RegionKind.CANVAS, mark("Whole canvas")),
)
SAMPLERS = [("", mark("auto")), *((kind.value, label_of(kind)) for kind in Scheduler)]
MOST_IMAGES, MOST_STEPS, MOST_GUIDANCE = 8, 200, 50
_BY_MODEL = -0.5  # below all that can be chosen


class ConditionsGrid(Rows):
    def __init__(self, session: Session) -> None:
        super().__init__()
        settings = session.settings
        self._pickers = [_background(settings), _foreground(settings)]
        self.add_used(settings, "background", tr("&Background"), self._pickers[0])
        self.add_used(settings, "foreground", tr("Foregro&und"), self._pickers[1])
        self.add_used(settings, "strength", tr("Strength"), StrengthRow(settings))
        self.add_used(settings, "outcome", tr("Result"), _outcome(settings))
        self.add_used(settings, "region", tr("Region"), _region(settings))
        preset = self.add(tr("&Preset"), PresetRow(session))
        model = self.add(tr("Mo&del"), ModelPicker(session))
        self.add_used(settings, "preset", tr("&Quality"), _preset(settings))
        self.add_used(settings, "seed", tr("Seed"), SeedRow(settings))

        def show(_: object) -> None:
            used = settings.used.value
            show_row(preset, not used.isdisjoint(FIELDS))
            show_row(model, "model" in used and len(session.engine.models.value) > 1)

        settings.used.bind(show)
        session.engine.models.bind(show)

    def refresh(self) -> None:
        """Reads the document's layers anew."""
        for picker in self._pickers:
            picker.refresh()


class MoreRows(Rows):
    """What is changed less often."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        further = tr("How much further than the region the result goes.")
        around = tr("How far around the region is looked at, so that the result fits in.")
        grow = LengthRow(settings.grow, "acetate_grow", further)
        feather = LengthRow(settings.feather, "acetate_feather", tr("How softly the selection ends."))
        padding = LengthRow(settings.padding, "acetate_padding", around)
        self.add_used(settings, "images", tr("Images"), _images(settings))
        self.add_used(settings, "grow", tr("Grow"), grow)
        self.add_used(settings, "feather", tr("Feather"), feather)
        self.add_used(settings, "padding", tr("Look around"), padding)
        self.add_used(settings, "steps", tr("Steps"), _steps(settings))
        self.add_used(settings, "scheduler", tr("Sampler"), _sampler(settings))
        self.add_used(settings, "guidance_scale", tr("Guidance"), _guidance(settings))
        self.add_used(settings, "finish", tr("Finish"), _finish(settings))
        self.add_used(settings, "as_mask", tr("Mask"), _as_mask(settings))


def layers() -> list[LayerInfo]:
    """Of the active document."""
    document = KritaHost().active_document()
    return document.layers() if document else []


def _background(settings: Settings) -> LayerPicker:
    picker = LayerPicker(settings.background, BACKGROUNDS, layers)
    named(
        picker,
        "acetate_background",
        tr(
            "What the new layer should fit into: flattened, as the canvas shows it.\n"
            "“Layers below” are those under the active one; the active one itself where it is the lowest.\n"
            "Tick any layers and groups to take only these."
        ),
    )
    return picker


def _foreground(settings: Settings) -> LayerPicker:
    picker = LayerPicker(settings.foreground, FOREGROUNDS, layers)
    named(picker, "acetate_foreground", tr("The layer or group to work on. Tick several to take them together."))
    return picker


def _preset(settings: Settings) -> Choice[Preset]:
    choice = Choice(settings.preset, PRESETS)
    named(choice, "acetate_preset", tr("Draft is quick; Final takes longer, with finer detail and finer edges."))
    return choice


def _outcome(settings: Settings) -> Choice[Outcome]:
    choice = Choice(settings.outcome, OUTCOMES)
    named(choice, "acetate_outcome", tr("Where the result goes. Undo brings a replaced layer back in one step."))
    return choice


def _region(settings: Settings) -> Choice[RegionKind]:
    choice = Choice(settings.region, REGIONS)
    named(
        choice,
        "acetate_region",
        tr(
            "Where the result goes. Of a selection, its shape counts too.\n"
            "Where nothing is selected: the layer that is refined, or the whole canvas;\n"
            "on a large canvas a new layer of a good size, in the middle of the view."
        ),
    )
    return choice


def _images(settings: Settings) -> QtWidgets.QSpinBox:
    number = SpinBox()
    named(number, "acetate_images", tr("How many versions to make: the first becomes a layer, all are in the history."))
    number.setRange(1, MOST_IMAGES)
    bind_number(number, settings.images)
    return number


def _steps(settings: Settings) -> QtWidgets.QSpinBox:
    number = SpinBox()
    named(number, "acetate_steps", tr("More steps take longer and show finer detail, up to a point."))
    number.setRange(0, MOST_STEPS)
    number.setSpecialValueText(tr("auto"))
    bind_optional(number, settings.steps, least=1, absent=0)
    return number


def _sampler(settings: Settings) -> Choice[str]:
    name = Observable("")  # a combo box has no data for None
    name.changed.connect(lambda new: setattr(settings.scheduler, "value", Scheduler(new) if new else None))
    settings.scheduler.bind(lambda scheduler: setattr(name, "value", scheduler.value if scheduler else ""))
    choice = Choice(name, SAMPLERS)
    named(
        choice,
        "acetate_sampler",
        tr("How the picture is worked out of noise. LCM and TCD are for models that were made for them."),
    )
    return choice


def _guidance(settings: Settings) -> QtWidgets.QDoubleSpinBox:
    number = DoubleSpinBox()
    named(number, "acetate_guidance", tr("How strictly the words are followed. Too much makes colours harsh."))
    number.setDecimals(1)
    number.setSingleStep(0.5)
    number.setRange(_BY_MODEL, MOST_GUIDANCE)
    number.setSpecialValueText(tr("auto"))
    bind_optional(number, settings.guidance_scale, least=0.0, absent=_BY_MODEL)
    return number


def _finish(settings: Settings) -> QtWidgets.QCheckBox:
    box = CheckBox()
    named(box, "acetate_finish", tr("A result that is larger than the model works gets clear edges and no grain."))
    bind_check(box, settings.finish)
    return box


def _as_mask(settings: Settings) -> QtWidgets.QCheckBox:
    box = CheckBox()
    named(box, "acetate_as_mask", tr("New layers are opaque, with a transparency mask that you can paint on."))
    bind_check(box, settings.as_mask)
    return box
