"""Layers out of pictures, through the entrance of the worker."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.events import Stage
from acetate.protocol.geometry import Bounds
from acetate.protocol.pictures import Click, Light, Subject
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.reading import fields_read, only_read
from acetate.protocol.requests import GenerateRequest, Preset, Scheduler, Style, Task
from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.alpha import over, to_float
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.paths import models_dir
from acetate_engine.pictures import salience
from acetate_engine.pipelines.contract import Generated, GeneratedLayer, JobCancelled, Reporter
from acetate_engine.pipelines.recipes.repaint import haze_note
from acetate_engine.pipelines.tasks import TaskGenerator
from tests.engine.pictures.scenes import SIDE, backdrop, pixels, scene, toy
from tests.engine.pipelines.reporters import Recorder

pytestmark = pytest.mark.usefixtures("parts")

PICTURE, MASK = "a" * 64, "b" * 64
CANVAS = Bounds(30, -10, SIDE, SIDE)
OF_PICTURES = (Task.EXTRACT, Task.SELECT, Task.REMOVE, Task.DECOMPOSE)


def asked(
    task: Task,
    picture: Pixels | None = None,
    mask: Pixels | None = None,
    reporter: Reporter | None = None,
    **fields: Any,
) -> Generated:
    images = {PICTURE: pixels(scene()) if picture is None else picture}
    if mask is not None:
        images[MASK] = mask
    named = {"foreground": PICTURE, "mask": None if mask is None else MASK}
    request = GenerateRequest(task, fields.pop("bounds", CANVAS), 3, **named, **fields)
    return TaskGenerator().generate(request, images, reporter or Recorder())


def alpha_error(layer: GeneratedLayer, true: NDArray[Any] | None = None) -> float:
    return float(np.abs(to_float(layer.pixels)[..., 3] - (toy() if true is None else true)[..., 3]).mean())


def shape_mask(around: int = 0) -> np.ndarray:
    """A rough selection: an ellipse about the toy."""
    y, x = np.indices((SIDE, SIDE)) / SIDE
    return np.where(np.hypot(x - 0.5, y - 0.55) < 0.3 + around / SIDE, 255, 0).astype(np.uint8)


FIND, CUT_OUT, FILL = Stage.FIND, Stage.CUT_OUT, Stage.FILL


@pytest.mark.parametrize(
    ("task", "stages"),
    [
        (Task.EXTRACT, [FIND, CUT_OUT, CUT_OUT]),
        (Task.SELECT, [FIND, CUT_OUT, CUT_OUT]),
        (Task.REMOVE, [FIND, FILL, FILL]),
        (Task.DECOMPOSE, [FIND, FIND, CUT_OUT, FILL, FILL, FILL]),
    ],
)
def test_what_it_is_at_is_said_as_it_begins(task: Task, stages: list[Stage]) -> None:
    recorder = Recorder()
    asked(task, reporter=recorder)
    assert [stage for *_, stage in recorder.stages] == stages
    assert recorder.stages[0][0] == 0 and recorder.stages[-1][0] == recorder.stages[-1][1]


def test_the_subject_comes_out_with_its_soft_edge_and_without_the_colour_behind_it() -> None:
    (layer,) = asked(Task.EXTRACT).layers
    assert layer.role is LayerRole.FOREGROUND and layer.bounds == CANVAS
    assert alpha_error(layer) < 0.012
    made, true = to_float(layer.pixels), toy()
    soft = (true[..., 3] > 0.3) & (true[..., 3] < 0.9)
    seen = scene()[..., :3]
    own = np.abs(made[..., :3] - true[..., :3])[soft].mean()
    assert own < 0.5 * np.abs(seen - true[..., :3])[soft].mean()  # as it would be without taking the background out


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("selection", {"mask": shape_mask()}),
        ("box", {"subject": Subject(box=Bounds(30 + 67, -10 + 80, 125, 125))}),
        ("click", {"subject": Subject(clicks=(Click(30 + SIDE // 2, -10 + round(0.55 * SIDE)),))}),
    ],
)
def test_it_is_found_by_whatever_shows_it(name: str, given: dict[str, Any]) -> None:
    (layer,) = asked(Task.EXTRACT, **given).layers
    assert alpha_error(layer) < 0.02


TWO = toy(0.28, 0.5, 0.15), toy(0.72, 0.55, 0.17)


def test_several_subjects_are_several_layers_the_largest_on_top() -> None:
    layers = asked(Task.EXTRACT, pixels(scene(*TWO)), subject=Subject(most=4)).layers
    assert [layer.name for layer in layers] == ["Subject 2", "Subject 1"]
    assert alpha_error(layers[0], TWO[0]) < 0.02 and alpha_error(layers[1], TWO[1]) < 0.02


def test_clicks_say_which_one_and_which_not() -> None:
    left, right = (Click(30 + round(x * SIDE), -10 + SIDE // 2) for x in (0.28, 0.72))
    picture = pixels(scene(*TWO))
    (layer,) = asked(Task.EXTRACT, picture, subject=Subject(clicks=(left,))).layers
    assert alpha_error(layer, TWO[0]) < 0.02
    (layer,) = asked(Task.EXTRACT, picture, subject=Subject(clicks=(dataclasses.replace(right, is_on=False),))).layers
    assert alpha_error(layer, TWO[0]) < 0.02


def test_a_layer_keeps_its_own_transparency() -> None:
    picture = pixels(scene())
    picture[:, : SIDE // 2, 3] = 0
    (layer,) = asked(Task.EXTRACT, picture).layers
    assert not layer.pixels[:, : SIDE // 2, 3].any() and layer.pixels[:, SIDE // 2 :, 3].any()


def test_a_rough_selection_becomes_one_with_the_edge_of_the_picture() -> None:
    (layer,) = asked(Task.SELECT, mask=shape_mask(-11)).layers
    assert layer.role is LayerRole.SELECTION and (layer.pixels[..., :3] == 255).all()
    rough = np.abs(shape_mask(-11) / 255 - toy()[..., 3]).mean()
    assert alpha_error(layer) < 0.6 * rough


def test_the_subject_alone_can_be_selected() -> None:
    assert alpha_error(asked(Task.SELECT).layers[0]) < 0.012


@pytest.mark.parametrize("mask", [None, shape_mask(10)], ids=["the subject", "a mask"])
def test_what_is_removed_gives_way_to_what_may_lie_behind(mask: Pixels | None) -> None:
    (layer,) = asked(Task.REMOVE, mask=mask).layers
    picture, made = pixels(scene()), layer.pixels
    far = shape_mask(25) == 0
    assert layer.role is LayerRole.BACKGROUND and np.array_equal(made[far], picture[far])
    hole = toy()[..., 3] > 0.5
    was, now = (np.abs(to_float(p)[..., :3] - backdrop())[hole].mean() for p in (picture, made))
    assert now < was / 2


@pytest.mark.parametrize("pixel_format", [PixelFormat.RGBA8, PixelFormat.RGBA16])
@pytest.mark.parametrize("behind", ["dawn_lake", "forest_clearing"])
def test_split_layers_one_over_the_other_are_the_picture(behind: str, pixel_format: PixelFormat) -> None:
    picture = pixels(scene(*TWO, behind=behind))
    layers = asked(Task.DECOMPOSE, picture, subject=Subject(most=3), pixel_format=pixel_format).layers
    assert [layer.role for layer in layers[:2]] == [LayerRole.BACKGROUND, LayerRole.FOREGROUND]
    seen = to_float(layers[0].pixels)
    for layer in layers[1:]:
        seen = over(to_float(layer.pixels), seen)
    assert np.abs(seen - to_float(picture)).max() <= 1.001 / 255


def test_a_picture_that_is_transparent_itself_is_split_as_it_is() -> None:
    picture = pixels(scene())
    picture[..., 3] = np.linspace(0, 255, SIDE).astype(np.uint8)[None]
    layers = asked(Task.DECOMPOSE, picture, pixel_format=PixelFormat.RGBA16).layers
    seen = to_float(layers[0].pixels)
    for layer in layers[1:]:
        seen = over(to_float(layer.pixels), seen)
    whole = to_float(picture)
    assert np.abs(seen[..., 3] - whole[..., 3]).max() <= 1.001 / 255
    assert np.abs(seen[..., :3] * seen[..., 3:] - whole[..., :3] * whole[..., 3:]).max() <= 1.001 / 255


def test_an_enlarged_layer_is_as_large_as_asked_and_keeps_its_corner() -> None:
    part = Bounds(CANVAS.x + 100, CANVAS.y + 90, 60, 50)
    (layer,) = asked(Task.UPSCALE, factor=4, bounds=part, context=CANVAS).layers
    assert layer.bounds == Bounds(part.x, part.y, 240, 200) and layer.pixels.shape == (200, 240, 4)


@pytest.mark.parametrize("task", [*OF_PICTURES, Task.UPSCALE, Task.EDGES, Task.IDENTITY])
def test_what_lies_beside_a_selection_stays_empty(task: Task) -> None:
    """Whatever the size of its layers: what is enlarged is cut out larger."""
    mask = shape_mask(8)
    for layer in asked(task, mask=mask, cut_out=True).layers:
        height, width = layer.pixels.shape[:2]
        beside = np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.BILINEAR)) == 0
        assert not layer.pixels[beside][:, 3].any()
        assert layer.pixels[..., 3].any()


@pytest.mark.parametrize("task", OF_PICTURES)
def test_only_the_bounds_come_back(task: Task) -> None:
    bounds = Bounds(CANVAS.x + 60, CANVAS.y + 60, 150, 160)
    for layer in asked(task, bounds=bounds, context=CANVAS).layers:
        assert layer.bounds == bounds and layer.pixels.shape == (160, 150, 4)


@pytest.mark.parametrize("task", OF_PICTURES)
def test_the_same_request_gives_the_same_bytes(task: Task) -> None:
    first, second = ([layer.pixels.tobytes() for layer in asked(task).layers] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("task", OF_PICTURES)
def test_progress_ends_at_its_end_and_shows_the_layer(task: Task) -> None:
    recorder = Recorder()
    asked(task, reporter=recorder)
    steps = [(step, total) for step, total, _ in recorder.stages]
    assert steps == sorted(steps) and steps[-1][0] == steps[-1][1]
    assert recorder.previews and max(recorder.previews[0].shape) <= 256


@pytest.mark.parametrize("task", OF_PICTURES)
def test_it_can_be_cancelled(task: Task) -> None:
    with pytest.raises(JobCancelled):
        asked(task, reporter=Recorder(cancel_after=0))


def test_where_nothing_strikes_there_is_a_remedy() -> None:
    empty = np.zeros((SIDE, SIDE, 4), np.uint8)
    with pytest.raises(InvalidRequest, match="box around it"):
        asked(Task.EXTRACT, empty)


@pytest.mark.parametrize(
    "subject",
    [Subject(box=Bounds(900, 900, 5, 5)), Subject(clicks=(Click(0, 0),)), Subject(most=0)],
    ids=["box", "click", "number"],
)
def test_what_lies_outside_is_refused(subject: Subject) -> None:
    with pytest.raises(InvalidRequest):
        asked(Task.EXTRACT, subject=subject)


def test_without_the_network_colour_alone_tells_and_the_note_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    salience._network.cache_clear()
    made = asked(Task.EXTRACT, mask=shape_mask())
    assert any("by colour alone" in note and "acetate models get u2netp" in note for note in made.notes)
    assert alpha_error(made.layers[0]) < 0.03


def test_the_large_network_is_used_where_it_is_and_a_damaged_one_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(models_dir() / "parts" / "u2netp", tmp_path / "acetate" / "models" / "parts" / "u2netp")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    small = asked(Task.EXTRACT)
    large = tmp_path / "acetate" / "models" / "parts" / "u2net" / "u2net.onnx"
    large.parent.mkdir()
    large.write_bytes(b"broken off")
    made = asked(Task.EXTRACT)
    assert not any("by colour alone" in note for note in small.notes)
    assert any("SHA-256 differs" in note and "acetate models get u2net" in note for note in made.notes)


def test_without_patch_match_holes_are_filled_smoothly_and_the_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "patchmatch_cython", None)
    made = asked(Task.REMOVE)
    assert any("pip install patchmatch-cython" in note for note in made.notes)


@pytest.mark.parametrize("task", [Task.CONTACT_SHADOW, Task.CAST_SHADOW, Task.REFLECTION])
def test_a_shadow_is_a_layer_of_its_own_with_the_light_that_is_asked_for(task: Task) -> None:
    (made,) = asked(task, pixels(toy())).layers
    (faint,) = asked(task, pixels(toy()), light=Light(opacity=0.1)).layers
    assert made.bounds == CANVAS and made.pixels[..., 3].any()
    assert faint.pixels[..., 3].max() < made.pixels[..., 3].max()


def test_the_light_is_held_to_its_range() -> None:
    with pytest.raises(InvalidRequest, match="softness"):
        asked(Task.CAST_SHADOW, pixels(toy()), light=Light(softness=2.0))


def test_haze_is_named_with_what_to_try() -> None:
    clear, hazy = pixels(toy()), pixels(toy())
    hazy[..., 3] //= 3
    assert haze_note(clear, [clear], 0.6) is None
    assert haze_note(hazy, [hazy], 0.6) is None  # it was so before
    assert "below 0.4" in str(haze_note(clear, [hazy], 0.6)) and "other words" in str(haze_note(clear, [hazy], 0.2))


BEHIND = "c" * 64
OTHER: dict[str, Any] = {
    "negative_prompt": "rain",
    "background_prompt": "a wood",
    "foreground_prompt": "a hen",
    "blended_prompt": "a hen in a wood",
    "seed": 9,
    "preset": Preset.FINAL,
    "steps": 2,
    "scheduler": Scheduler.LCM,
    "cache_interval": 3,
    "clip_skip": 1,
    "guidance_scale": 3.0,
    "finish": False,
    "styles": (Style("ink"),),
    "model": "dream",
    "strength": 0.3,
    "factor": 4,
    "light.angle": 200.0,
    "light.length": 0.4,
    "light.softness": 0.9,
    "light.opacity": 0.2,
    "subject.most": 3,
}


@pytest.mark.parametrize("task", [task for task in Task if not task.needs_model])
def test_what_a_task_does_not_read_changes_no_pixel(task: Task) -> None:
    """All of it at once; a prompt is left out, for it gives layers of these tasks their name."""
    of_toys = (Task.EXPAND, Task.MATCH_LIGHT, Task.CONTACT_SHADOW, Task.CAST_SHADOW, Task.REFLECTION)
    images = {PICTURE: pixels(toy() if task in of_toys else scene()), BEHIND: pixels(scene())}
    background = BEHIND if task.needs_background else None
    request = GenerateRequest(task, CANVAS, 0, foreground=PICTURE, background=background)
    read, fields = fields_read(request), {}
    for path, value in OTHER.items():
        whole, _, part = path.partition(".")
        if path not in read:
            inner = dataclasses.replace(fields.get(whole, getattr(request, whole)), **{part: value}) if part else value
            fields[whole] = inner
    made, again = (
        TaskGenerator().generate(one, images, Recorder()).layers
        for one in (request, dataclasses.replace(request, **fields))
    )
    assert fields and [(it.role, it.name, it.bounds) for it in made] == [(it.role, it.name, it.bounds) for it in again]
    assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(made, again, strict=True))
    assert only_read(dataclasses.replace(request, **fields)) == request
