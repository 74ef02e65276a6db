from __future__ import annotations

import pytest

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.events import ModelInfo
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import (
    MAX_PROMPT,
    MAX_SEED,
    ControlHint,
    ControlKind,
    GenerateRequest,
    ImagePrompt,
    Role,
    Slot,
    Style,
    Task,
)
from acetate.session.control_layers import ControlLayer, Follow, followed, what_follows
from acetate.session.region import Length, RegionKind, Unit
from acetate.session.settings import Outcome, Settings
from acetate.session.settings_keeping import KeptSettings

BOUNDS = Bounds(1, 2, 30, 40)
SOME = "a" * 64


def request_of(settings: Settings, **pictures: str | tuple[str, ...]) -> GenerateRequest:
    """With these digests by the names of roles."""
    named = {name: digests if isinstance(digests, tuple) else (digests,) for name, digests in pictures.items()}
    slots = {Slot(Role[name.upper()], at): digest for name, found in named.items() for at, digest in enumerate(found)}
    return settings.request(BOUNDS, PixelFormat.RGBA8).with_pictures(slots)


def test_the_request_holds_what_the_painter_set() -> None:
    settings = Settings()
    settings.task.value, settings.prompt.value, settings.seed.value = Task.BLEND, "  a fox ", 7
    request = request_of(settings, background=SOME, foreground=SOME)
    request.validate()
    assert (request.prompt, request.seed, request.bounds) == ("a fox", 7, BOUNDS)
    assert (request.background, request.foreground, request.mask) == (SOME, SOME, None)


@pytest.mark.parametrize(
    ("task", "prompt", "words"),
    [
        (Task.FOREGROUND, " ", "prompt is empty"),
        (Task.FOREGROUND, "x" * 100_000, f"at most {MAX_PROMPT}"),
        (Task.FOREGROUND_ON_BACKGROUND, "a fox", "Choose a layer as background"),
        (Task.BACKGROUND_BEHIND_FOREGROUND, "a wood", "Choose the layer to work on"),
        (Task.INPAINT, "a fox", "foreground"),
    ],
)
def test_what_is_missing_is_named_before_anything_is_sent(task: Task, prompt: str, words: str) -> None:
    settings = Settings()
    settings.task.value, settings.prompt.value = task, prompt
    with pytest.raises(InvalidRequest) as caught:
        request_of(settings).validate()
    assert words in str(caught.value)


def test_strength_counts_for_tasks_that_start_from_a_layer() -> None:
    settings = Settings()
    settings.strength.value = 0.25
    assert request_of(settings).strength == 1.0
    settings.task.value = Task.REFINE
    assert request_of(settings).strength == 0.25


def test_a_fixed_seed_stays_and_a_random_one_does_not() -> None:
    settings = Settings()
    settings.random_seed.value, settings.seed.value = False, 3
    settings.roll_seed()
    assert settings.seed.value == 3
    settings.random_seed.value = True
    seeds = set()
    for _ in range(20):
        settings.roll_seed()
        seeds.add(settings.seed.value)
    assert len(seeds) > 15
    assert all(0 <= seed <= MAX_SEED for seed in seeds)


def test_a_hint_is_named_by_its_picture() -> None:
    settings = Settings()
    settings.prompt.value = "a fox"
    settings.controls.value = (ControlLayer(Follow.DEPTH, "{layer}", 0.5, 0.1, 0.9),)
    request = request_of(settings, hint=(SOME,))
    request.validate()
    assert request.control == (ControlHint(ControlKind.DEPTH, SOME, 0.5, 0.1, 0.9),)


def test_hints_and_looks_keep_their_order_and_their_pictures() -> None:
    settings = Settings()
    settings.prompt.value, settings.styles.value = "a fox", (Style("ink", 0.5), Style("oil"))
    settings.controls.value = (
        ControlLayer(Follow.LOOK, "{a}", 0.5, adapter="plus"),
        ControlLayer(Follow.LINES, "{b}"),
        ControlLayer(Follow.LOOK, "{c}"),
        ControlLayer(Follow.EDGES, "{d}", 0.2),
    )
    request = request_of(settings, hint=("b" * 64, "d" * 64), look=("a" * 64, "c" * 64))
    request.validate()
    assert [(hint.kind.value, hint.image[0]) for hint in request.control] == [("lines", "b"), ("edges", "d")]
    assert request.image_prompts == (ImagePrompt("a" * 64, "plus", 0.5), ImagePrompt("c" * 64))
    assert request.styles == settings.styles.value
    assert set(request.image_digests) == {letter * 64 for letter in "abcd"}


def test_what_a_request_followed_can_be_set_again() -> None:
    settings = Settings()
    settings.controls.value = (
        ControlLayer(Follow.SCRIBBLE, "{a}", 0.5, 0.1, 0.9),
        ControlLayer(Follow.LOOK, "{b}", 0.7, adapter="plus"),
        ControlLayer(Follow.LOOK, "{gone}"),
    )
    request = request_of(settings, hint=(SOME,), look=(SOME, SOME))
    assert followed(request, ("{a}",), ("{b}", None)) == settings.controls.value[:2]
    assert followed(request, (), ()) == ()  # an earlier session's layers are not known


def test_what_can_be_followed_is_what_the_model_reads() -> None:
    model = ModelInfo("a", "A", "mini", (), 64, True, controls=(ControlKind.EDGES,), image_prompts=("look",))
    assert what_follows(model) == (Follow.EDGES, Follow.LOOK)
    assert what_follows(None) == ()
    assert {Follow(kind.value) for kind in ControlKind} == set(Follow) - {Follow.LOOK}


def test_picks_of_another_document_are_forgotten() -> None:
    settings = Settings()
    settings.background.value, settings.foreground.value = ("{a}", "{b}"), ("{b}",)
    settings.controls.value = (ControlLayer(Follow.LOOK, "{a}", 0.5), ControlLayer(Follow.POSE, "{b}"))
    settings.forget_layers(["{b}"])
    assert (settings.background.value, settings.foreground.value) == (("below",), ("{b}",))
    assert [hint.layer for hint in settings.controls.value] == ["active", "{b}"]
    settings.forget_layers(["{b}"])
    assert settings.background.value == ("below",)


def test_what_made_a_layer_can_be_taken_up_again() -> None:
    settings, other = Settings(), Settings()
    settings.task.value, settings.prompt.value, settings.strength.value = Task.REFINE, "a fox", 0.25
    settings.seed.value, settings.images.value, settings.styles.value = 11, 3, (Style("ink", 0.4),)
    other.copy_from(request_of(settings, foreground=SOME))
    assert request_of(other, foreground=SOME) == request_of(settings, foreground=SOME)
    assert not other.random_seed.value


def test_settings_survive_the_document() -> None:
    settings, other = Settings(), Settings()
    settings.region.value, settings.feather.value = RegionKind.LAYER, Length(5, Unit.PERCENT)
    settings.outcome.value, settings.controls.value = Outcome.REPLACE, (ControlLayer(Follow.POSE, "{x}"),)
    settings.styles.value = (Style("ink", -0.5),)
    settings.task.value, settings.prompt.value, settings.background.value = Task.BLEND, "ein Fuchs ☃", ("{some-layer}",)
    settings.random_seed.value, settings.seed.value, settings.strength.value = False, MAX_SEED, 0.25
    other.take(KeptSettings.read(KeptSettings({}, {}).write(settings.saved())).values)
    assert other.saved() == settings.saved()
    assert other.prompt.value == "ein Fuchs ☃"


def test_a_change_of_what_is_read_from_the_canvas_is_told_once() -> None:
    settings, told = Settings(), []
    settings.bind_looked_at(lambda: told.append(1))
    settings.prompt.value, settings.seed.value = "a fox", 3
    assert not told
    settings.background.value = ("canvas",)
    settings.background.value = ("canvas",)
    assert told == [1]
