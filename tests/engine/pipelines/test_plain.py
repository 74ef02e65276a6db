from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat, digest
from acetate.protocol.requests import GenerateRequest, Task
from acetate_engine.compositing.images import encode_image
from acetate_engine.pipelines.contract import GeneratedLayer
from acetate_engine.pipelines.recipes.plain import canny
from acetate_engine.pipelines.tasks import TaskGenerator
from tests.engine.pipelines.reporters import Recorder

AREA = Bounds(3, -2, 60, 40)


def disc() -> np.ndarray:
    """A red disc on nothing."""
    y, x = np.mgrid[:40, :60]
    inside = (x - 30) ** 2 + (y - 20) ** 2 < 12**2
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[inside] = (200, 30, 20, 255)
    return pixels


def made(task: Task, pixels: np.ndarray, mask: np.ndarray | None = None, **fields: Any) -> GeneratedLayer:
    images = {digest(encode_image(pixels)): pixels}
    named = {"foreground": next(iter(images))}
    if mask is not None:
        named["mask"] = digest(encode_image(mask))
        images[named["mask"]] = mask
    request = GenerateRequest(task, AREA, 1, **named, **fields)
    return TaskGenerator().generate(request, images, Recorder()).layers[0]


@pytest.mark.parametrize("pixel_format", [PixelFormat.RGBA8, PixelFormat.RGBA16])
def test_edges_are_thin_white_lines_around_what_is_there(pixel_format: PixelFormat) -> None:
    layer = made(Task.EDGES, disc(), pixel_format=pixel_format, prompt="Edges of sun")
    lines = layer.pixels[..., 0] > 0
    y, x = np.nonzero(lines)
    away = np.abs(np.hypot(x - 30, y - 20) - 12)
    assert layer.name == "Edges of sun" and (layer.pixels[..., 3] == np.iinfo(layer.pixels.dtype).max).all()
    assert lines.any() and lines.mean() < 0.1 and away.max() < 2


def test_edges_of_alpha_count_where_colour_has_none() -> None:
    black = disc()
    black[..., :3] = 0
    assert canny(black).any()
    assert not canny(np.zeros((9, 9, 4), np.uint8)).any()


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_cutting_out_multiplies_alpha_and_nothing_else(depth: type[np.generic]) -> None:
    top = int(np.iinfo(depth).max)
    pixels = np.random.default_rng(0).integers(0, top + 1, (40, 60, 4)).astype(depth)
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30], mask[20] = 255, 51
    wide = PixelFormat.RGBA16 if depth == np.uint16 else PixelFormat.RGBA8
    layer = made(Task.IDENTITY, pixels, mask, cut_out=True, pixel_format=wide)
    assert np.array_equal(layer.pixels[..., :3], pixels[..., :3])
    assert np.array_equal(layer.pixels[mask == 255], pixels[mask == 255])
    assert not layer.pixels[mask == 0][:, 3].any()
    assert np.abs(layer.pixels[20, :, 3] - pixels[20, :, 3] * 0.2).max() <= 0.5


def test_there_must_be_something_to_cut_out_with() -> None:
    with pytest.raises(InvalidRequest, match="no selection to cut out"):
        made(Task.IDENTITY, disc(), cut_out=True)
