from __future__ import annotations

import numpy as np
import pytest

from acetate.protocol.errors import InvalidRequest, UnknownImage
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat, digest
from acetate.protocol.requests import GenerateRequest, Task
from acetate_engine.compositing.images import encode_image
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.pipelines.tasks import TaskGenerator
from tests.engine.pipelines.reporters import Recorder


def _foreground(width: int = 40, height: int = 30) -> tuple[str, Pixels]:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 4), dtype=np.uint8)
    return digest(encode_image(pixels)), pixels


@pytest.mark.parametrize("pixel_format", [PixelFormat.RGBA8, PixelFormat.RGBA16])
def test_identity_returns_the_foreground_within_the_bounds(pixel_format: PixelFormat) -> None:
    name, pixels = _foreground()
    request = GenerateRequest(
        Task.IDENTITY,
        Bounds(-5, 12, 9, 7),
        seed=1,
        context=Bounds(-10, 10, 40, 30),
        foreground=name,
        pixel_format=pixel_format,
    )
    (layer,) = TaskGenerator().generate(request, {name: pixels}, Recorder()).layers
    expected = pixels[2:9, 5:14]
    if pixel_format is PixelFormat.RGBA16:
        expected = expected.astype(np.uint16) * 257
    assert layer.bounds == request.bounds
    assert layer.pixels.dtype == expected.dtype and np.array_equal(layer.pixels, expected)


def test_an_image_that_does_not_cover_the_context_is_refused() -> None:
    name, pixels = _foreground()
    request = GenerateRequest(Task.IDENTITY, Bounds(0, 0, 9, 7), seed=1, foreground=name)
    with pytest.raises(InvalidRequest, match="40×30, and the job covers 9×7"):
        TaskGenerator().generate(request, {name: pixels}, Recorder())
    with pytest.raises(UnknownImage, match="Upload"):
        TaskGenerator().generate(request, {}, Recorder())


def test_layers_never_come_back_as_masks() -> None:
    name, pixels = _foreground()
    request = GenerateRequest(Task.IDENTITY, Bounds(0, 0, 40, 30), seed=1, foreground=name, pixel_format=PixelFormat.A8)
    with pytest.raises(InvalidRequest, match="RGBA8"):
        TaskGenerator().generate(request, {name: pixels}, Recorder())
