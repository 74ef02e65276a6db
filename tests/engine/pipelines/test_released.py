"""Every task on SD1.5 and SDXL of random weights, in the released formats."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from acetate.protocol.errors import UnsupportedTask
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import (
    ControlHint,
    ControlKind,
    ControlMethod,
    ImagePrompt,
    Scheduler,
    StackLayer,
    Style,
    Task,
)
from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.models.adapters.unet_patch import UNetPatch
from acetate_engine.pipelines.contract import JobCancelled
from acetate_engine.pipelines.tasks import TaskGenerator
from tests.engine.pipelines.pairwise import pairwise
from tests.engine.pipelines.reporters import Recorder
from tests.engine.pipelines.samples import (
    BACKGROUND,
    FOREGROUND,
    GENERATING,
    ROLES,
    a_request,
    layer_bytes,
    run,
    some_images,
)
from tests.engine.rounding import ROUNDED, apart

MODELS = ["tiny_sd15", "tiny_sdxl"]
SIZES = [(100, 37), (65, 129), (1, 3)]
EDGES = ControlHint(ControlKind.EDGES, FOREGROUND, 0.7)
DEPTH = ControlHint(ControlKind.DEPTH, BACKGROUND, 1.0, 0.0, 0.5)
LINES = ControlHint(ControlKind.LINES, FOREGROUND, method=ControlMethod.T2I_ADAPTER)
POSE = ControlHint(ControlKind.POSE, FOREGROUND, method=ControlMethod.UNION)
HINTS = {"tiny_sd15": [(), (EDGES, DEPTH), (LINES,)], "tiny_sdxl": [(), (EDGES, DEPTH, LINES), (POSE,)]}
PICTURE = "d" * 64


def picture_prompt(model: str) -> dict[str, Any]:
    return {"image_prompts": (ImagePrompt(PICTURE, model.removeprefix("tiny_"), 0.8),)}


def style(model: str, name: str, weight: float = 1.0) -> dict[str, Any]:
    return {"styles": (Style(f"{model.removeprefix('tiny_')}.{name}", weight),)}


def add_ons(model: str, name: str) -> dict[str, Any]:
    """Request fields."""
    return {"": {}, "picture": picture_prompt(model), "style": style(model, "ink", 0.6)}[name]


def with_picture(bounds: Bounds) -> dict[str, Pixels]:
    """An image prompt may have any size."""
    return {**some_images(bounds), PICTURE: some_images(Bounds(0, 0, 50, 20))[FOREGROUND]}


MATRIX = sorted(  # by model: changing it takes longer than a tiny job
    pairwise(
        [(model, task) for model in MODELS for task in GENERATING],
        [1, 2, 5],
        list(Scheduler),
        [1.0, 5.0],
        SIZES,
        [0, 1, 2],
        ["", "picture", "style"],
    ),
    key=lambda row: (row[0][0], row[6], row[0][1], *row[1:6]),
)


def test_the_matrix_holds_every_pair() -> None:
    assert {(row[0], row[2]) for row in MATRIX} == {
        ((model, task), scheduler) for model in MODELS for task in GENERATING for scheduler in Scheduler
    }
    assert len(MATRIX) < 120


@pytest.mark.parametrize(
    ("what", "images", "scheduler", "guidance_scale", "size", "hints", "added"),
    MATRIX,
)
def test_every_task_gives_layers_of_exactly_the_size(
    tiny_released: TaskGenerator,
    what: Any,
    images: int,
    scheduler: Scheduler,
    guidance_scale: float,
    size: Bounds,
    hints: Any,
    added: str,
) -> None:
    model, task = what
    options = {"images": images, "scheduler": scheduler, "guidance_scale": guidance_scale}
    options |= {"control": HINTS[model][hints], **add_ons(model, added)}
    request = a_request(task, Bounds(3, -4, *size), model=model, **options)
    result = run(tiny_released, request, with_picture(request.covered))
    roles = ROLES[task]
    assert [(layer.image, layer.role) for layer in result.layers] == [
        (image, role) for image in range(images) for role in roles
    ]
    for layer in result.layers:
        assert layer.pixels.shape == (layer.bounds.height, layer.bounds.width, 4)
        if layer.role is not LayerRole.FOREGROUND:
            assert (layer.pixels[..., 3] == 255).all()
    if task is not Task.STACK:
        assert {layer.bounds for layer in result.layers} == {request.bounds}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("task", [Task.FOREGROUND_ON_BACKGROUND, Task.BLEND, Task.REFINE])
def test_the_same_request_gives_the_same_bytes_whatever_ran_before(
    tiny_released: TaskGenerator, model: str, task: Task
) -> None:
    request = a_request(task, model=model, steps=3)
    first = layer_bytes(run(tiny_released, request))
    run(tiny_released, a_request(Task.JOINT, model=model, prompt="a house"))
    with pytest.raises(JobCancelled):
        other = a_request(Task.BACKGROUND_BEHIND_FOREGROUND, model=model, steps=3)
        run(tiny_released, other, reporter=Recorder(cancel_after=2))
    assert layer_bytes(run(tiny_released, request)) == first


@pytest.mark.parametrize("model", MODELS)
def test_an_alternative_is_what_its_own_seed_gives(tiny_released: TaskGenerator, model: str) -> None:
    """Also where the layer adapter leaves the UNet half-way."""
    request = a_request(Task.JOINT, model=model, images=2, steps=3)
    second = run(tiny_released, request).layers[2:]
    alone = run(tiny_released, a_request(Task.JOINT, model=model, steps=3, seed=8)).layers
    assert all(apart(one.pixels, other.pixels) < ROUNDED for one, other in zip(second, alone, strict=True))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("task", [Task.FOREGROUND_ON_BACKGROUND, Task.BACKGROUND_BEHIND_FOREGROUND, Task.BLEND])
def test_the_condition_image_matters(tiny_released: TaskGenerator, model: str, task: Task) -> None:
    images = some_images()
    other = {name: 255 - pixels if pixels.ndim == 3 else pixels for name, pixels in images.items()}
    other[BACKGROUND][..., 3] = 255
    request = a_request(task, model=model)
    assert layer_bytes(run(tiny_released, request, images)) != layer_bytes(run(tiny_released, request, other))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("fields", [{"blended_prompt": "night"}, {"negative_prompt": "grass"}, {"clip_skip": 1}])
def test_prompts_of_other_frames_matter(tiny_released: TaskGenerator, model: str, fields: Any) -> None:
    plain = run(tiny_released, a_request(Task.FOREGROUND_ON_BACKGROUND, model=model))
    changed = run(tiny_released, a_request(Task.FOREGROUND_ON_BACKGROUND, model=model, **fields))
    assert layer_bytes(plain) != layer_bytes(changed)


@pytest.mark.parametrize("model", MODELS)
def test_the_blended_frame_is_told_of_foreground_and_background(tiny_released: TaskGenerator, model: str) -> None:
    def made(blended: str) -> list[bytes]:
        prompts = {"prompt": "a swan", "background_prompt": "a lake", "blended_prompt": blended}
        return layer_bytes(run(tiny_released, a_request(Task.JOINT, model=model, **prompts)))

    assert made("") == made("a swan, a lake") != made("a swan")


@pytest.mark.parametrize(
    ("model", "kind", "method"),
    [
        ("tiny_sd15", ControlKind.EDGES, None),
        ("tiny_sd15", ControlKind.LINES, None),
        ("tiny_sdxl", ControlKind.EDGES, None),
        ("tiny_sdxl", ControlKind.EDGES, ControlMethod.UNION),
        ("tiny_sdxl", ControlKind.LINES, ControlMethod.T2I_ADAPTER),
    ],
)
def test_a_hint_acts_by_its_weight_and_in_its_steps(
    tiny_released: TaskGenerator, model: str, kind: ControlKind, method: ControlMethod | None
) -> None:
    def made(*control: ControlHint) -> list[bytes]:
        request = a_request(Task.FOREGROUND, model=model, bounds=Bounds(0, 0, 64, 64), steps=4, control=control)
        return layer_bytes(run(tiny_released, request))

    plain = made()
    full = made(ControlHint(kind, FOREGROUND, method=method))
    assert full != plain
    assert made(ControlHint(kind, BACKGROUND, method=method)) != full
    assert made(ControlHint(kind, FOREGROUND, 0.5, method=method)) not in (plain, full)
    assert made(ControlHint(kind, FOREGROUND, 1.0, 0.0, 0.5, method)) not in (plain, full)
    assert made(ControlHint(kind, FOREGROUND, 0.0, method=method)) == plain
    assert made(ControlHint(kind, FOREGROUND, 1.0, 0.5, 0.5, method)) == plain


@pytest.mark.parametrize("model", MODELS)
def test_a_layer_of_a_stack_follows_what_lies_in_its_region(tiny_released: TaskGenerator, model: str) -> None:
    """A hint covers all that the stack covers."""
    bounds, region = Bounds(0, 0, 128, 64), Bounds(64, 0, 64, 64)
    there = np.zeros((64, 128, 4), np.uint8)
    there[16:48, 80:112] = 255
    elsewhere, moved = there.copy(), there.copy()
    elsewhere[8:40, 8:40] = 255
    moved[16:48, 80:112], moved[8:24, 96:120] = 0, 255

    def made(hint: np.ndarray) -> list[bytes]:
        layers, images = (StackLayer("a boat", region),), {FOREGROUND: hint}
        request = a_request(Task.STACK, bounds=bounds, model=model, layers=layers, control=(EDGES,))
        return layer_bytes(run(tiny_released, request, images))

    assert made(elsewhere) == made(there)
    assert made(moved) != made(there)


@pytest.mark.parametrize("kind", ["hint", "look"])
@pytest.mark.parametrize("model", MODELS)
def test_a_layer_of_a_stack_follows_what_only_it_is_to_follow(
    tiny_released: TaskGenerator, model: str, kind: str
) -> None:
    """All layers lie beside each other, so that none sees another."""
    bounds = Bounds(0, 0, 192, 64)
    layers = tuple(StackLayer("a boat", Bounds(x, 0, 64, 64), 3) for x in (0, 64, 128))
    look = picture_prompt(model)["image_prompts"][0]

    def made(*followers: int | None) -> np.ndarray:
        control = tuple(dataclasses.replace(EDGES, layer=layer) for layer in followers if kind == "hint")
        looks = tuple(dataclasses.replace(look, layer=layer) for layer in followers if kind == "look")
        request = a_request(Task.STACK, bounds=bounds, model=model, layers=layers, control=control, image_prompts=looks)
        pixels = layer_bytes(run(tiny_released, request, with_picture(bounds)))
        return np.stack([np.frombuffer(layer, np.uint8).astype(int) for layer in pixels])

    def differ(some: np.ndarray, others: np.ndarray) -> list[bool]:
        """By more than a level: sums are rounded otherwise where an IP-Adapter comes and goes between layers."""
        return [bool(abs(one - other).max() > 1) for one, other in zip(some, others, strict=True)]

    none, everywhere, second, others = made(), made(None), made(1), made(0, 2)
    assert differ(none, everywhere) == [True] * 3
    assert differ(second, none) == differ(others, everywhere) == [False, True, False]
    assert differ(second, everywhere) == differ(others, none) == [True, False, True]


@pytest.mark.parametrize(
    ("method", "kind", "place"),
    [
        (None, ControlKind.POSE, "models/controlnet/sd15_pose"),
        (ControlMethod.UNION, ControlKind.EDGES, "models/controlnet/sd15_union"),
        (ControlMethod.T2I_ADAPTER, ControlKind.EDGES, "models/adapters/sd15_edges"),
    ],
)
def test_a_hint_without_a_net_names_where_to_put_one(
    tiny_released: TaskGenerator, method: ControlMethod | None, kind: ControlKind, place: str
) -> None:
    hint = ControlHint(kind, FOREGROUND, method=method)
    with pytest.raises(UnsupportedTask, match=place):
        run(tiny_released, a_request(Task.FOREGROUND, model="tiny_sd15", control=(hint,)))


@pytest.mark.parametrize("model", MODELS)
def test_pictures_and_styles_act_by_their_weight_and_leave_no_trace(tiny_released: TaskGenerator, model: str) -> None:

    def made(**fields: Any) -> list[bytes]:
        request = a_request(Task.FOREGROUND, model=model, bounds=Bounds(0, 0, 64, 64), **fields)
        return layer_bytes(run(tiny_released, request, with_picture(request.covered)))

    plain = made()
    prompt = ImagePrompt(PICTURE, model.removeprefix("tiny_"))
    seen = [plain]
    for fields in (
        {"image_prompts": (prompt,)},
        {"image_prompts": (dataclasses.replace(prompt, weight=0.5),)},
        style(model, "ink"),
        style(model, "ink", -0.5),
        {"image_prompts": (prompt,), **style(model, "ink")},
    ):
        result = made(**fields)
        assert result not in seen
        seen.append(result)
    assert made() == plain


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("scheduler", [Scheduler.LCM, Scheduler.TCD])
def test_distilled_loras_with_their_schedulers(tiny_released: TaskGenerator, model: str, scheduler: Scheduler) -> None:
    fields = {"scheduler": scheduler, "steps": 4, "guidance_scale": 1.0, **style(model, scheduler.value)}
    request = a_request(Task.FOREGROUND, model=model, bounds=Bounds(0, 0, 64, 64), images=2, **fields)
    result = run(tiny_released, request)
    alone = run(tiny_released, dataclasses.replace(request, images=1, seed=8))
    assert layer_bytes(result)[1:] == layer_bytes(alone)


@pytest.mark.parametrize("model", MODELS)
def test_everything_together(tiny_released: TaskGenerator, model: str) -> None:
    """A layer adapter, several hints, a picture and styles, in one job; the same again after a plain one."""
    name = model.removeprefix("tiny_")
    fields = {
        "control": HINTS[model][1],
        **picture_prompt(model),
        "styles": (Style(f"{name}.ink"), Style(f"{name}.lcm")),
    }
    request = a_request(Task.BACKGROUND_BEHIND_FOREGROUND, model=model, bounds=Bounds(0, 0, 64, 64), **fields)
    images = with_picture(request.covered)
    first = layer_bytes(run(tiny_released, request, images))
    run(tiny_released, a_request(Task.FOREGROUND, model=model))
    assert layer_bytes(run(tiny_released, request, images)) == first


@pytest.mark.parametrize(
    ("model", "fields", "match"),
    [
        ("tiny_sd15", {"styles": (Style("neon"),)}, r"no style 'neon'.*sd15\.ink.*models/loras"),
        (
            "tiny_sdxl",
            {"image_prompts": (ImagePrompt(PICTURE, "../x"),)},
            "no IP-Adapter '../x'.*sdxl.*models/ip_adapter",
        ),
        ("mini", {"styles": (Style("neon"),)}, "no style 'neon'.*models/loras"),
    ],
)
def test_add_ons_that_are_not_there(tiny_released: TaskGenerator, model: str, fields: Any, match: str) -> None:
    request = a_request(Task.FOREGROUND, model=model, **fields)
    with pytest.raises(UnsupportedTask, match=match):
        run(tiny_released, request, with_picture(request.covered))


def test_layer_weights_are_changed_once_a_job(tiny_released: TaskGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once an image, where they leave the UNet half-way."""
    run(tiny_released, a_request(Task.FOREGROUND, model="tiny_sdxl"))
    applied, apply = [], UNetPatch.apply
    monkeypatch.setattr(UNetPatch, "apply", lambda patch: (applied.append(patch.file.path.stem), apply(patch)))
    run(tiny_released, a_request(Task.BACKGROUND_BEHIND_FOREGROUND, model="tiny_sdxl", images=3))
    assert applied == ["layer_xl_fg2ble", "layer_xl_fgble2bg"]


@pytest.mark.parametrize("background", [None, BACKGROUND])
def test_the_progress_of_a_stack_ends_at_its_end(tiny_released: TaskGenerator, background: str | None) -> None:
    """Whether or not its first layer has something to look at, which takes a run more."""
    recorder = Recorder()
    run(tiny_released, a_request(Task.STACK, model="tiny_sdxl", background=background), reporter=recorder)
    done = [step for step, _, _ in recorder.stages]
    step, steps, _ = recorder.stages[-1]
    assert step == steps and done == sorted(done)
