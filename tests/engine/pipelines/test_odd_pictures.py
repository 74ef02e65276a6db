"""What outsiders hand in for tasks on pictures: each gives layers, or an error that names what was wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from acetate.protocol.errors import AcetateError
from acetate.protocol.geometry import Bounds
from acetate.protocol.pictures import Click, Subject
from acetate.protocol.requests import Task
from acetate.protocol.tasks import TASKS
from acetate_engine.engine import Engine
from tests.engine.pictures.scenes import SIDE, backdrop, pixels, scene, toy

pytestmark = pytest.mark.usefixtures("parts")

OF_PICTURES = [task for task, traits in TASKS.items() if not traits.model and traits.is_offered]
OF_SUBJECTS = [Task.EXTRACT, Task.REMOVE]
PICTURES = {
    "one pixel": np.full((1, 1, 4), 200, np.uint8),
    "one row": pixels(scene())[:1],
    "one column": pixels(scene())[:, :1],
    "nothing": np.zeros((40, 50, 4), np.uint8),
    "one colour": np.full((40, 50, 4), 255, np.uint8),
    "noise": np.random.default_rng(0).integers(0, 256, (40, 50, 4), np.uint8),
    "sixteen bits": pixels(toy()).astype(np.uint16)[::4, ::4] * 257,
}


def done(task: Task, picture: Any, **fields: Any) -> None:
    """Whatever is no AcetateError is a fault."""
    behind = None
    if task.needs_background:
        size = picture.size if isinstance(picture, Image.Image) else picture.shape[1::-1]
        behind = Image.fromarray(pixels(backdrop())).resize(size)
    try:
        result = Engine().generate(task=task, foreground=picture, background=behind, seed=0, **fields)
    except AcetateError as error:
        assert error.detail and error.remedy
    else:
        assert result.layers and all(layer.pixels.shape[2] == 4 for layer in result.layers)


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("task", OF_PICTURES, ids=lambda task: task.value)
def test_odd_pictures(task: Task, name: str) -> None:
    done(task, PICTURES[name])


def test_where_hardly_anything_is_left_around_a_hole_it_is_filled_smoothly_and_said() -> None:
    picture = pixels(toy()).astype(np.uint16)[::4, ::4] * 257
    result = Engine().generate(task=Task.REMOVE, foreground=picture, seed=0)
    assert any("too small to be searched" in note for note in result.notes)


@pytest.mark.parametrize("mode", ["L", "LA", "CMYK", "P", "I;16", "1", "F", "YCbCr"])
def test_pictures_of_other_kinds_of_colour(mode: str) -> None:
    grey = Image.fromarray(pixels(scene())[::4, ::4]).convert("RGB")
    picture = Image.new("I;16", grey.size, 30_000) if mode == "I;16" else grey.convert(mode)
    done(Task.UPSCALE, picture)
    done(Task.MATCH_LIGHT, picture)


@pytest.mark.parametrize(
    ("suffix", "mode"), [("png", "L"), ("png", "I;16"), ("jpg", "CMYK"), ("tif", "CMYK"), ("png", "P")]
)
def test_files_of_other_kinds_of_colour(tmp_path: Path, suffix: str, mode: str) -> None:
    grey = Image.fromarray(pixels(scene())[::4, ::4]).convert("RGB")
    picture = Image.new("I;16", grey.size, 30_000) if mode == "I;16" else grey.convert(mode)
    path = tmp_path / f"odd.{suffix}"
    picture.save(path)
    try:
        assert Engine().generate(task=Task.UPSCALE, foreground=path, seed=0).layers
    except AcetateError as error:
        assert error.detail and error.remedy


@pytest.mark.parametrize("task", OF_SUBJECTS, ids=lambda task: task.value)
@pytest.mark.parametrize(
    "said",
    [
        {"subject": Subject(box=Bounds(-500, -500, 9000, 9000))},
        {"subject": Subject(box=Bounds(60, 30, 500, 1))},
        {"subject": Subject(box=Bounds(900, 900, 5, 5))},
        {"subject": Subject(box=Bounds(4, 4, 0, 0))},
        {"subject": Subject(clicks=(Click(0, 0), Click(63, 63, is_on=False)))},
        {"subject": Subject(clicks=(Click(64, 0),))},
        {"subject": Subject(clicks=(Click(9, 9, is_on=False),), most=16)},
        {"mask": np.zeros((SIDE // 4, SIDE // 4, 4), np.uint8)},
        {"mask": np.full((SIDE // 4, SIDE // 4, 4), 255, np.uint8)},
        {"mask": np.zeros((3, 3, 4), np.uint8)},
    ],
    ids=[
        "huge box",
        "flat box",
        "box outside",
        "empty box",
        "corner",
        "click outside",
        "beside alone",
        "nothing",
        "all",
        "small",
    ],
)
def test_odd_hints(task: Task, said: dict[str, Any]) -> None:
    done(task, pixels(scene())[::4, ::4], **said)
