"""What lies beyond a picture, the light of its surroundings, and a model that paints where there is one."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.protocol.notes import NoteKind, kind_of
from acetate.protocol.pictures import Light
from acetate.protocol.requests import GenerateRequest, Task
from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.alpha import over, to_float
from acetate_engine.compositing.pixels import Floats
from acetate_engine.pictures.expand import MIRRORED
from acetate_engine.pictures.fill import SEARCHED
from acetate_engine.pictures.light import match_light, to_linear
from acetate_engine.pipelines.contract import Generated, JobCancelled
from acetate_engine.pipelines.tasks import TaskGenerator
from tests.engine.pictures.scenes import SIDE, backdrop, pixels, scene, toy
from tests.engine.pipelines.reporters import Recorder
from tests.engine.pipelines.samples import a_request, some_images

PICTURE, GROUND, MASK = "a" * 64, "b" * 64, "c" * 64
CANVAS, INNER = Bounds(-9, 4, SIDE, SIDE), slice(48, SIDE - 48)


def asked(
    task: Task, generator: TaskGenerator | None = None, reporter: Recorder | None = None, **fields: object
) -> Generated:
    images = {PICTURE: fields.pop("picture"), GROUND: pixels(scene()), MASK: fields.pop("mask", None)}
    named = {"foreground": PICTURE, "background": GROUND if task is Task.MATCH_LIGHT else None}
    named |= {"mask": MASK} if images[MASK] is not None else {}
    request = GenerateRequest(task, CANVAS, 3, **named, **fields)  # type: ignore[arg-type]
    return (generator or TaskGenerator()).generate(request, images, reporter or Recorder())  # type: ignore[arg-type]


def framed(picture: Floats) -> np.ndarray:
    """Its middle, with nothing around."""
    inside = np.zeros_like(picture)
    inside[INNER, INNER] = picture[INNER, INNER]
    return pixels(inside)


def test_what_lies_beyond_goes_on_from_the_picture_and_shows_no_seam() -> None:
    true = np.dstack([backdrop("forest_clearing"), np.ones((SIDE, SIDE))]).astype(np.float32)
    picture = framed(true)
    (layer,) = asked(Task.EXPAND, picture=picture).layers
    outside, deep = picture[..., 3] == 0, slice(60, SIDE - 60)
    assert layer.bounds == CANVAS and (layer.pixels[outside, 3] == 255).all() and not layer.pixels[deep, deep, 3].any()
    seen = over(to_float(layer.pixels), to_float(picture))
    assert (seen[..., 3] == 1).all()
    steps = np.abs(np.diff(seen[..., :3], axis=0)).mean(axis=(1, 2))
    assert steps[47] < 1.5 * np.median(steps)  # across the old edge as anywhere
    error, of_one_colour = (np.abs(each - true)[outside].mean() for each in (seen, true[INNER, INNER].mean((0, 1))))
    assert error < of_one_colour


def test_a_layer_with_a_soft_edge_is_gone_on_from_too() -> None:
    (layer,) = asked(Task.EXPAND, picture=pixels(toy())).layers
    assert (layer.pixels[toy()[..., 3] == 0][:, 3] == 255).all()


@pytest.mark.parametrize(("value", "said"), [(0, "nothing to go on from"), (255, "nothing lies beyond")])
def test_where_nothing_lies_beyond_it_is_said(value: int, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        asked(Task.EXPAND, picture=np.full((SIDE, SIDE, 4), value, np.uint8))


@pytest.mark.parametrize("task", [Task.EXPAND, Task.MATCH_LIGHT])
def test_progress_ends_at_its_end_and_it_can_be_cancelled(task: Task) -> None:
    recorder, picture = Recorder(), framed(scene())
    asked(task, picture=picture, reporter=recorder)
    assert recorder.stages[-1][0] == recorder.stages[-1][1] and recorder.previews
    with pytest.raises(JobCancelled):
        asked(task, picture=picture, reporter=Recorder(cancel_after=0))


def clipped(light: Floats, layer: Floats) -> Floats:
    """The layer with what is clipped to it."""
    share = light[..., 3:]
    return np.dstack([light[..., :3] * share + layer[..., :3] * (1 - share), layer[..., 3]]).astype(np.float32)


def linear_mean(rgba: Floats) -> np.ndarray:
    mean: np.ndarray = (to_linear(rgba[..., :3]) * rgba[..., 3:]).sum((0, 1)) / rgba[..., 3].sum()
    return mean


@pytest.mark.parametrize(
    "ground", [(0.9, 0.6, 0.2), (0.05, 0.07, 0.2), (0.9, 0.92, 0.97)], ids=["warm", "night", "bright"]
)
def test_a_layer_takes_on_tone_and_tint_of_what_is_around_it_and_keeps_its_drawing(ground: tuple[float, ...]) -> None:
    layer = toy().copy()
    layer[..., :3] = 0.3 + 0.25 * layer[..., :3] + 0.05 * (np.indices((SIDE, SIDE)).sum(0) // 8 % 2)[..., None]
    behind = np.ones((SIDE, SIDE, 4), np.float32)
    behind[..., :3] = ground
    target, was = to_linear(behind[0, 0, :3]), linear_mean(layer)
    gaps = []
    for amount in (0.4, 1.0):
        light = match_light(layer, behind, amount)
        assert not light[layer[..., 3] == 0, 3].any() and light[..., 3].max() < 1
        gaps.append(np.abs(np.log(linear_mean(clipped(light, layer)) / target)).sum())
    assert gaps[1] < gaps[0] < np.abs(np.log(was / target)).sum()
    inside = cv2.erode((layer[..., 3] == 1).astype(np.uint8), np.ones((21, 21))) > 0
    drawn = [
        (picture - cv2.GaussianBlur(picture, (0, 0), 3))[inside][:, 0] for picture in (layer, clipped(light, layer))
    ]
    assert np.corrcoef(*drawn)[0, 1] > 0.9


def test_light_comes_as_a_layer_to_be_clipped_and_by_as_much_as_is_asked_for() -> None:
    (made,) = asked(Task.MATCH_LIGHT, picture=pixels(toy())).layers
    assert made.role is LayerRole.LIGHT and made.pixels[..., 3].any()
    none = asked(Task.MATCH_LIGHT, picture=pixels(toy()), light=Light(opacity=0.0))
    assert not none.layers[0].pixels[..., 3].any() and "no light" in none.notes[0]


def test_something_in_front_can_come_with_its_shadow_and_its_light(tiny: TaskGenerator) -> None:
    request = a_request(Task.FOREGROUND_ON_BACKGROUND)
    images = some_images(request.covered)
    (alone,) = tiny.generate(request, images, Recorder()).layers
    shadow, front, light = tiny.generate(dataclasses.replace(request, settle=True), images, Recorder()).layers
    assert front.pixels.tobytes() == alone.pixels.tobytes()
    assert [layer.role for layer in (shadow, front, light)] == [*[LayerRole.FOREGROUND] * 2, LayerRole.LIGHT]
    assert [layer.bounds for layer in (shadow, light)] == [front.bounds] * 2
    assert shadow.pixels[..., 3].any() and not shadow.pixels[..., :3].any()
    with pytest.raises(InvalidRequest, match="settle"):
        dataclasses.replace(request, settle=True, task=Task.FOREGROUND).validate()


def hole_of(scene_hole: tuple[slice, slice]) -> np.ndarray:
    hole = np.zeros((SIDE, SIDE), np.uint8)
    hole[scene_hole] = 255
    return hole


HOLE, WIDE = np.s_[100:150, 90:170], np.s_[90:160, 80:180]


@pytest.mark.parametrize("model", ["tiny_sd15", "tiny_sdxl"])
def test_a_model_of_the_painter_paints_the_background_behind_and_only_in_the_hole(
    tiny_released: TaskGenerator, model: str
) -> None:
    found, painted, again = (
        asked(Task.REMOVE, tiny_released, picture=pixels(scene()), mask=hole_of(HOLE), model=name, steps=2)
        for name in ("mini", model, model)
    )
    wide = hole_of(WIDE) > 0
    old, new = found.layers[0].pixels, painted.layers[0].pixels
    assert np.array_equal(old[~wide], new[~wide]) and not np.array_equal(old[HOLE], new[HOLE])
    assert (new[..., 3] == 255).all() and new.tobytes() == again.layers[0].pixels.tobytes()
    assert found.notes == (SEARCHED,)
    (way,) = painted.notes
    assert kind_of(way) is NoteKind.WAY and "fg→bg" in way and model in way


def test_what_stood_there_decides_what_is_painted_behind_it(tiny_released: TaskGenerator) -> None:
    """Otherwise it would be repainting: what PatchMatch finds here is the same, whatever is in the hole."""
    other = pixels(scene())
    other[HOLE] = (250, 10, 200, 255)
    one, two = (
        asked(Task.REMOVE, tiny_released, picture=each, mask=hole_of(HOLE), model="tiny_sdxl", steps=2).layers[0].pixels
        for each in (pixels(scene()), other)
    )
    assert not np.array_equal(one[HOLE], two[HOLE])


def test_a_model_without_the_files_for_that_repaints(
    tiny_released: TaskGenerator, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_data, tmp_path / "data")
    for file in (tmp_path / "data").rglob("*fg2b*"):
        file.unlink()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    made = asked(Task.REMOVE, tiny_released, picture=pixels(scene()), mask=hole_of(HOLE), model="tiny_sd15", steps=2)
    (way,) = made.notes
    assert kind_of(way) is NoteKind.WAY and "inpaint" in way and "tiny_sd15" in way


@pytest.mark.parametrize("task", [Task.EXPAND, Task.REMOVE])
def test_without_that_model_what_is_found_in_the_picture_stays_and_the_notes_say_so(
    tiny: TaskGenerator, task: Task
) -> None:
    picture, mask = (framed(scene()), None) if task is Task.EXPAND else (pixels(scene()), hole_of(HOLE))
    found, refused = (asked(task, tiny, picture=picture, mask=mask, model=model) for model in ("mini", "nowhere"))
    way = MIRRORED if task is Task.EXPAND else SEARCHED
    assert found.layers[0].pixels.tobytes() == refused.layers[0].pixels.tobytes()
    assert found.notes == (way,) and refused.notes[1] == way and "nowhere" in refused.notes[0]
