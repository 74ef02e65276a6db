"""What a task uses of the settings: a row that is shown changes what is sent, and one that is hidden does not."""

from __future__ import annotations

from typing import Any

import pytest

from acetate.coroutines import Loop
from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.protocol.pictures import Click, Light
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import Preset, Scheduler, Style, Task
from acetate.protocol.tasks import TASKS
from acetate.session.control_layers import ControlLayer, Follow
from acetate.session.delivery import Placing
from acetate.session.region import Length, RegionKind, Unit
from acetate.session.settings import DECLARED, Outcome, Settings
from acetate.session.work import prepare
from tests.plugin.session.paper import Paper, PaperDocument

OFFERED = [task for task, traits in TASKS.items() if traits.is_offered]
OTHER: dict[str, Any] = {
    "model": "dream",
    "prompt": "a fox",
    "negative_prompt": "rain",
    "background_prompt": "a wood",
    "foreground_prompt": "a hen",
    "blended_prompt": "a fox in a wood",
    "background": ("canvas",),
    "foreground": ("none",),
    "seed": 7,
    "preset": Preset.FINAL,
    "steps": 9,
    "scheduler": Scheduler.LCM,
    "guidance_scale": 3.0,
    "finish": False,
    "strength": 0.2,
    "images": 3,
    "region": RegionKind.CANVAS,
    "grow": Length(3, Unit.PIXELS),
    "feather": Length(4, Unit.PIXELS),
    "padding": Length(50, Unit.PERCENT),
    "outcome": Outcome.REPLACE,
    "box": Bounds(11, 11, 9, 9),
    "clicks": (Click(12, 12),),
    "most": 4,
    "light.angle": 80.0,
    "light.length": 0.3,
    "light.softness": 0.9,
    "light.opacity": 0.1,
    "settle": True,
    "factor": 4,
    "margin": Length(9, Unit.PIXELS),
    "controls": (ControlLayer(Follow.LINES, "active"),),
    "styles": (Style("ink"),),
}
ELSEWHERE = {
    "task",  # what is asked for
    "random_seed",  # goes with the seed
    "as_mask",  # of every result, those of the history too: how it lies in the document
}


@pytest.fixture
def document() -> PaperDocument:
    """Two layers, the upper one active, and a selection."""
    document = Paper().new(48, 40)
    document.activate(document.add("tree", Bounds(6, 6, 30, 30), (20, 180, 60, 255)))
    document.select(Bounds(10, 10, 12, 12))
    return document


def changed(settings: Settings, name: str) -> None:
    whole, _, part = name.partition(".")
    value = settings.values[whole]
    value.value = Light(**{**vars(value.value), part: OTHER[name]}) if part else OTHER[name]


def asked(settings: Settings, document: PaperDocument) -> object:
    """What a press of Generate would send, which layers would be read for it, and how the result would come."""
    work = prepare(settings, document, Placing(Loop(lambda call: None), None))  # type: ignore[arg-type]  # asks nothing
    seen = [(source.slot, source.bounds) for source in work.draft.sources]
    return work.draft.request, work.draft.layer_views, seen, type(work.delivery)


def settings_of(task: Task, **values: Any) -> Settings:
    settings = Settings()
    settings.take({"task": task, "prompt": "a pear", **values})
    return settings


def test_every_setting_is_tried() -> None:
    assert {name.partition(".")[0] for name in OTHER} | ELSEWHERE == set(DECLARED)


@pytest.mark.parametrize("more", [{}, {"model": "own"}, {"settle": True}], ids=str)
@pytest.mark.parametrize("task", OFFERED)
def test_what_is_shown_changes_what_is_sent_and_what_is_hidden_does_not(
    document: PaperDocument, task: Task, more: dict[str, Any]
) -> None:
    before = asked(settings_of(task, **more), document)
    effective = set()
    for name in OTHER:
        settings = settings_of(task, **more)
        if name == "settle":
            settings.settle.value = not settings.settle.value
        else:
            changed(settings, name)
        try:
            is_same = asked(settings, document) == before
        except InvalidRequest as error:  # without a foreground it is refused
            is_same = "no foreground" not in str(error)
        effective |= set() if is_same else {name}
    used = settings_of(task, **more).used.value
    assert {name for name in OTHER if name in used} == effective


def test_a_cut_out_asks_for_nothing_that_paints() -> None:
    used = settings_of(Task.EXTRACT).used.value
    assert not used & {"prompt", "negative_prompt", "seed", "preset", "model", "images", "steps", "styles", "controls"}
    assert used >= {"foreground", "region", "box", "clicks", "most"}


def test_what_fills_asks_for_words_once_a_model_of_ones_own_paints() -> None:
    assert "prompt" not in settings_of(Task.REMOVE).used.value
    assert "prompt" in settings_of(Task.REMOVE, model="dream").used.value


def test_shadow_and_light_of_a_new_layer_are_set_where_they_come_along() -> None:
    apart, along = (settings_of(Task.FOREGROUND_ON_BACKGROUND, settle=settle).used.value for settle in (False, True))
    assert along - apart == {"light", "light.softness", "light.opacity"}


def test_what_a_copied_layer_did_not_read_stays_as_the_painter_has_it() -> None:
    mine = settings_of(Task.FOREGROUND, model="dream", seed=5, images=2, most=3)
    mine.light.value = Light(angle=80.0, softness=0.1)
    request = settings_of(Task.CONTACT_SHADOW, light=Light(softness=0.7)).request(Bounds(0, 0, 9, 9), PixelFormat.RGBA8)
    mine.copy_from(request)
    assert (mine.task.value, mine.prompt.value, mine.model.value) == (Task.CONTACT_SHADOW, "a pear", "dream")
    assert (mine.seed.value, mine.images.value, mine.most.value, mine.random_seed.value) == (5, 2, 3, True)
    assert mine.light.value == Light(angle=80.0, softness=0.7)
