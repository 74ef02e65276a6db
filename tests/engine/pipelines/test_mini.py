"""Every task on a mini of random weights, through the same code as the trained one."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import ControlHint, ControlKind, Scheduler, StackLayer, Task
from acetate.protocol.tasks import LayerRole
from acetate_engine.pipelines.contract import GeneratedLayer, JobCancelled
from acetate_engine.pipelines.tasks import TaskGenerator
from acetate_engine.training.control import new_controlnet
from tests.engine.models.tiny import mini_unet
from tests.engine.pipelines.reporters import Recorder
from tests.engine.pipelines.samples import (
    BACKGROUND,
    BOUNDS,
    FOREGROUND,
    GENERATING,
    MASK,
    ROLES,
    a_request,
    layer_bytes,
    run,
    some_images,
)
from tests.engine.rounding import ROUNDED
from tests.engine.rounding import apart as apart_by


@pytest.mark.parametrize("task", GENERATING)
def test_every_task_gives_layers_of_exactly_the_bounds(tiny: TaskGenerator, task: Task) -> None:
    request = a_request(task, images=2)
    result = run(tiny, request)
    roles = ROLES[task]
    assert [(layer.image, layer.role) for layer in result.layers] == [(i, role) for i in range(2) for role in roles]
    for layer in result.layers:
        assert layer.pixels.shape == (layer.bounds.height, layer.bounds.width, 4)
        assert layer.pixels.dtype == np.uint8
        assert request.bounds.contains(layer.bounds)
        if layer.role is not LayerRole.FOREGROUND:
            assert (layer.pixels[..., 3] == 255).all()


@pytest.fixture
def squares(
    tiny_resources: Path, shared_generator: TaskGenerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TaskGenerator:
    """As `tiny`, of a mini that learnt squares, and which follows edges."""
    mini = _use_card(tiny_resources, tmp_path, monkeypatch, layer_aspect=1.0)
    new_controlnet(mini_unet(), 16, 8).save_pretrained(mini / "controlnet" / "edges")
    return shared_generator


def _use_card(resources: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, **values: object) -> Path:
    """A copy of these resources is in use, whose mini has these values in its card; its folder."""
    shutil.copytree(resources, folder / "resources")
    mini = folder / "resources" / "models" / "mini"
    card = json.loads((mini / "mini.json").read_text())
    (mini / "mini.json").write_text(json.dumps({**card, **values}))
    monkeypatch.setenv("ACETATE_RESOURCES", str(folder / "resources"))
    return mini


@pytest.mark.parametrize("task", [Task.FOREGROUND, Task.FOREGROUND_ON_BACKGROUND])
def test_where_squares_were_learnt_a_layer_is_a_square_in_the_middle_of_its_region(
    squares: TaskGenerator, task: Task
) -> None:
    (layer,) = run(squares, a_request(task, bounds=WIDE)).layers
    assert alpha_of_thirds(layer) == [False, True, False]


@pytest.mark.parametrize("task", [Task.JOINT, Task.BACKGROUND_BEHIND_FOREGROUND])
def test_backgrounds_fill_their_region_all_the_same(squares: TaskGenerator, task: Task) -> None:
    layer = run(squares, a_request(task, bounds=WIDE)).layers[0]
    assert (layer.pixels[..., 3] == 255).all()


def test_what_a_painter_drew_counts_in_the_whole_region(squares: TaskGenerator) -> None:
    request = a_request(Task.FOREGROUND, bounds=WIDE, control=(ControlHint(ControlKind.EDGES, FOREGROUND),))
    (layer,) = run(squares, request).layers
    assert alpha_of_thirds(layer) == [True, True, True]


def test_another_version_of_a_layer_covers_as_much_as_the_layer(squares: TaskGenerator) -> None:
    again = StackLayer("a boat", picture=FOREGROUND, strength=0.5)
    (layer,) = run(squares, a_request(Task.STACK, bounds=WIDE, layers=(again,))).layers
    assert alpha_of_thirds(layer) == [True, True, True]


WIDE = Bounds(10, -20, 120, 40)


def alpha_of_thirds(layer: GeneratedLayer) -> list[bool]:
    return [bool(third.any()) for third in np.array_split(layer.pixels[..., 3], 3, axis=1)]


@pytest.mark.parametrize("task", GENERATING)
def test_the_same_request_gives_the_same_bytes_whatever_ran_before(tiny: TaskGenerator, task: Task) -> None:
    first = layer_bytes(run(tiny, a_request(task)))
    run(tiny, a_request(Task.JOINT, prompt="a house"))
    with pytest.raises(JobCancelled):
        run(tiny, a_request(Task.FOREGROUND), reporter=Recorder(cancel_after=1))
    assert layer_bytes(run(tiny, a_request(task))) == first


def test_another_process_would_give_the_same_bytes(tiny: TaskGenerator) -> None:
    """A fresh generator loads everything anew."""
    request = a_request(Task.FOREGROUND_ON_BACKGROUND)
    assert layer_bytes(run(TaskGenerator(), request)) == layer_bytes(run(tiny, request))


@pytest.mark.parametrize("scheduler", Scheduler)
@pytest.mark.parametrize("guidance_scale", [pytest.param(1.0, marks=pytest.mark.long), 5.0])
def test_an_alternative_is_what_its_own_seed_gives(
    tiny: TaskGenerator, scheduler: Scheduler, guidance_scale: float
) -> None:
    request = a_request(Task.FOREGROUND, images=2, scheduler=scheduler, guidance_scale=guidance_scale, steps=3)
    second = run(tiny, request).layers[1]
    alone = run(tiny, dataclasses.replace(request, images=1, seed=second.seed)).layers[0]
    assert apart_by(alone.pixels, second.pixels) < 2 * ROUNDED  # of alpha, and of colour
    assert alone.name == second.name == "a red apple · 8"


@pytest.mark.parametrize("field", [{"seed": 8}, {"prompt": "a green pear"}, {"negative_prompt": "grass"}, {"steps": 3}])
def test_everything_in_the_request_matters(tiny: TaskGenerator, field: dict[str, Any]) -> None:
    request = a_request(Task.FOREGROUND)
    assert layer_bytes(run(tiny, request)) != layer_bytes(run(tiny, dataclasses.replace(request, **field)))


@pytest.mark.parametrize("task", [Task.FOREGROUND_ON_BACKGROUND, Task.BACKGROUND_BEHIND_FOREGROUND, Task.BLEND])
def test_the_condition_image_matters(tiny: TaskGenerator, task: Task) -> None:
    images = some_images()
    other = {name: 255 - pixels if pixels.ndim == 3 else pixels for name, pixels in images.items()}
    other[BACKGROUND][..., 3] = 255
    assert layer_bytes(run(tiny, a_request(task), images)) != layer_bytes(run(tiny, a_request(task), other))


@pytest.mark.parametrize("bounds", [(1, 1), (16384, 64), (3, 700), (2048, 2048)])
def test_any_size_comes_back_exactly(tiny: TaskGenerator, bounds: tuple[int, int]) -> None:
    request = dataclasses.replace(a_request(Task.FOREGROUND), bounds=Bounds(5, 5, *bounds), steps=1)
    result = run(tiny, request)
    assert result.layers[0].pixels.shape == (bounds[1], bounds[0], 4)
    assert any("enlarged 32×" in note for note in result.notes) == (bounds == (2048, 2048))


@pytest.mark.parametrize("pixel_format", [PixelFormat.RGBA8, PixelFormat.RGBA16])
def test_inpainting_keeps_every_byte_outside_of_the_mask(tiny: TaskGenerator, pixel_format: PixelFormat) -> None:
    images = some_images()
    request = a_request(Task.INPAINT, pixel_format=pixel_format)
    (layer,) = run(tiny, request, images).layers
    original = images[FOREGROUND].astype(np.uint16) * 257 if layer.pixels.dtype == np.uint16 else images[FOREGROUND]
    outside = images[MASK] == 0
    assert np.array_equal(layer.pixels[outside], original[outside])
    assert not np.array_equal(layer.pixels[~outside], original[~outside])


def test_inpainting_works_within_a_context(tiny: TaskGenerator) -> None:
    images, inner = some_images(), Bounds(40, -15, 30, 20)
    request = a_request(Task.INPAINT, context=BOUNDS)
    whole = run(tiny, dataclasses.replace(request, context=None), images).layers[0]
    part = run(tiny, dataclasses.replace(request, bounds=inner), images).layers[0]
    cut = inner.relative_to(BOUNDS)
    assert np.array_equal(part.pixels, whole.pixels[cut.y : cut.bottom, cut.x : cut.right])


def test_refining_with_no_strength_gives_the_layer_back(tiny: TaskGenerator) -> None:
    images = some_images()
    (layer,) = run(tiny, a_request(Task.REFINE, strength=0.0), images).layers
    assert np.array_equal(layer.pixels, images[FOREGROUND])


def test_progress_runs_to_its_end_and_previews_cover_the_region(tiny: TaskGenerator) -> None:
    recorder = Recorder()
    run(tiny, a_request(Task.STACK, images=2, steps=4), reporter=recorder)
    done = [step for step, _, stage in recorder.stages if stage != "loading"]
    assert done == sorted(set(done))  # those of images that share their steps come at once
    assert {total for _, total, stage in recorder.stages if stage != "loading"} == {done[-1]}
    assert recorder.previews
    assert all(p.dtype == np.uint8 and p.shape[2] == 4 and max(p.shape) <= 256 for p in recorder.previews)
    assert recorder.previews[0].shape[:2] == (37, 100)


def test_cancelling_stops_within_one_step(tiny: TaskGenerator) -> None:
    recorder = Recorder(cancel_after=2)
    with pytest.raises(JobCancelled):
        run(tiny, a_request(Task.FOREGROUND, steps=9), reporter=recorder)
    assert recorder.steps == 2


@pytest.fixture
def apart(
    tiny_resources: Path, shared_generator: TaskGenerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TaskGenerator:
    """As `tiny`, of a mini whose colours come from the base from half of the steps on."""
    _use_card(tiny_resources, tmp_path, monkeypatch, colour_from=0.5)
    return shared_generator


LAYERS = [
    Task.FOREGROUND,
    Task.FOREGROUND_ON_BACKGROUND,
    Task.REFINE,
    *(pytest.param(task, marks=pytest.mark.long) for task in (Task.JOINT, Task.INPAINT, Task.STACK)),
]


@pytest.mark.parametrize("task", LAYERS)
def test_colour_made_apart_changes_colour_and_adds_no_alpha(request: pytest.FixtureRequest, task: Task) -> None:
    """Of every task that makes a layer: of the same seed's alpha goes what the base shows nothing of, and haze."""
    asked = a_request(task, steps=5)
    before = [layer.pixels for layer in run(request.getfixturevalue("tiny"), asked).layers]
    after = [layer.pixels for layer in run(request.getfixturevalue("apart"), asked).layers]
    fronts = [pair for pair in zip(before, after, strict=True) if (pair[0][..., 3] != 255).any()]
    assert fronts
    for own, coloured in fronts:
        kept = coloured[..., 3] > 0
        assert kept.any()
        if task is not Task.STACK:  # later layers look at the colours of those below
            more = coloured[..., 3].astype(int) - own[..., 3]
            assert more.mean() <= 0
            assert (more > 1).mean() < 0.06  # where there are other edges, enlarging them overshoots elsewhere
        assert (own[kept][:, :3] != coloured[kept][:, :3]).any()


@pytest.mark.parametrize("task", LAYERS)
def test_colour_made_apart_is_the_same_again_and_its_steps_are_counted(apart: TaskGenerator, task: Task) -> None:
    recorder = Recorder()
    asked = a_request(task, steps=5, images=2)
    first = layer_bytes(run(apart, asked, reporter=recorder))
    assert layer_bytes(run(apart, asked)) == first
    done = [step for step, _, stage in recorder.stages if stage != "loading"]
    assert done == sorted(set(done))  # those of images that share their steps come at once
    assert {total for _, total, stage in recorder.stages if stage != "loading"} == {done[-1]}


@pytest.fixture
def shaped(
    tiny_resources: Path, shared_generator: TaskGenerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TaskGenerator:
    """As `tiny`, of a mini whose base decides shapes."""
    _use_card(tiny_resources, tmp_path, monkeypatch, layer_from={"transparent": 0.4, "bg2fg": 0.2})
    return shared_generator


@pytest.mark.parametrize("task", LAYERS[:-1])  # a stack is made of the others
def test_the_base_begins_what_is_made_from_noise(request: pytest.FixtureRequest, task: Task) -> None:
    """By layer adapter; what starts from a layer has it from the first step on."""
    asked = a_request(task, steps=5)
    before = layer_bytes(run(request.getfixturevalue("tiny"), asked))
    after = layer_bytes(run(request.getfixturevalue("shaped"), asked))
    assert (before != after) == (task in (Task.FOREGROUND, Task.FOREGROUND_ON_BACKGROUND))


def test_a_base_that_begins_leaves_the_background_to_look_at(shaped: TaskGenerator) -> None:
    """The layer adapter comes later, and is still given its condition."""
    asked = a_request(Task.FOREGROUND_ON_BACKGROUND, steps=5)
    other = dataclasses.replace(asked, background=FOREGROUND)
    assert layer_bytes(run(shaped, asked)) != layer_bytes(run(shaped, other))


def test_a_base_that_begins_changes_to_the_layer_adapter_once(shaped: TaskGenerator) -> None:
    """Images go half-way together, and each is what it is alone."""
    asked = a_request(Task.FOREGROUND, steps=5, images=2)
    both = run(shaped, asked).layers
    alone = run(shaped, dataclasses.replace(asked, images=1, seed=both[1].seed)).layers[0]
    assert apart_by(alone.pixels, both[1].pixels) < 2 * ROUNDED


def test_an_alternative_has_its_own_seeds_colours_with_noise_in_every_step(apart: TaskGenerator) -> None:
    asked = a_request(Task.FOREGROUND, images=2, scheduler=Scheduler.EULER_A, steps=4)
    second = run(apart, asked).layers[1]
    alone = run(apart, dataclasses.replace(asked, images=1, seed=second.seed)).layers[0]
    assert alone.pixels.tobytes() == second.pixels.tobytes()


@pytest.mark.parametrize("strength", [0.1, 0.4, 0.9])
def test_a_layer_that_is_reworked_a_little_keeps_its_colours(apart: TaskGenerator, strength: float) -> None:
    """Where nothing but colour steps are left, they begin with the plain picture."""
    request = a_request(Task.REFINE, strength=strength, steps=10)
    (layer,) = run(apart, request).layers
    assert layer.pixels.shape == (BOUNDS.height, BOUNDS.width, 4)
    assert layer.pixels[..., 3].any()
