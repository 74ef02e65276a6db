"""Tasks that need no model: a layer as it is, or its edges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from acetate.protocol.events import Stage
from acetate.protocol.requests import GenerateRequest, Task
from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.alpha import convert, premultiply, to_float
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.compositing.regions import crop
from acetate_engine.pipelines.contract import Generated, GeneratedLayer, Images, Reporter

EDGES = "Edges"  # the name of a layer of edges, where the prompt gives none
_LOW, _HIGH = 100, 200  # of Canny's hysteresis, for grey values 0..255


def identity(request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
    """The foreground within the bounds, exactly, in the pixel format asked for."""
    return _made(request, "Identity", LayerRole.FOREGROUND, _foreground(request, images), reporter)


def edges(request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
    """The edges of colour and of alpha (Canny 1986), white on opaque black, as ControlNets are trained on."""
    lines = canny(_foreground(request, images))
    picture = np.dstack([lines, lines, lines, np.full_like(lines, 255)])
    return _made(request, request.prompt.strip() or EDGES, LayerRole.BACKGROUND, picture, reporter)


def canny(rgba: Pixels) -> NDArray[np.uint8]:
    """(H, W, 4) straight sRGB → (H, W), 255 on edges and 0 elsewhere."""
    import cv2  # takes a moment to import, and few jobs need it

    values = premultiply(to_float(rgba))
    grey = np.rint(values[..., :3].mean(axis=-1) * 255).astype(np.uint8)
    alpha = np.rint(values[..., 3] * 255).astype(np.uint8)
    found: NDArray[np.uint8] = np.maximum(cv2.Canny(grey, _LOW, _HIGH), cv2.Canny(alpha, _LOW, _HIGH))
    return found


def cut_out(made: Generated, request: GenerateRequest, images: Images) -> Generated:
    """The same layers, their alpha multiplied by the mask; where that is full, bytes stay as they are."""
    assert request.mask is not None  # validated
    mask = images[request.mask]
    layers = (replace(layer, pixels=_faded(layer, mask, request)) for layer in made.layers)
    return replace(made, layers=tuple(layers))


def _faded(layer: GeneratedLayer, mask: Pixels, request: GenerateRequest) -> Pixels:
    is_larger = request.task is Task.UPSCALE  # it shows the region, in more pixels
    shown = request.bounds if is_larger else layer.bounds
    picture = Image.fromarray(crop(mask, shown.relative_to(request.covered)))
    resized = picture.resize(layer.pixels.shape[1::-1], Image.Resampling.BILINEAR)  # of its own size: as it is
    share = np.asarray(resized, np.uint32)
    faded = layer.pixels.copy()
    faded[..., 3] = (layer.pixels[..., 3] * share + 127) // 255
    return faded


def _foreground(request: GenerateRequest, images: Images) -> Pixels:
    assert request.foreground is not None  # validated
    return crop(images[request.foreground], request.bounds.relative_to(request.covered))


def _made(request: GenerateRequest, name: str, role: LayerRole, pixels: Pixels, reporter: Reporter) -> Generated:
    result = convert(pixels, request.pixel_format)
    reporter.progress(1, 1, Stage.DECODE)
    layers = (
        GeneratedLayer(image, role, name, request.bounds, result, request.seed) for image in range(request.images)
    )
    return Generated(tuple(layers))


PlainRecipe = Callable[..., Generated]
"""Of request, images and reporter; where the task fills, of a `Paint` as well (pictures/fill.py)."""


def _of_pictures(name: str) -> PlainRecipe:
    """Imported when it is called: its libraries take seconds, and a refusal does not need them."""

    def call(request: GenerateRequest, images: Images, reporter: Reporter, *more: object) -> Generated:
        from acetate_engine.pipelines.recipes import pictures

        recipe: PlainRecipe = getattr(pictures, name)
        return recipe(request, images, reporter, *more)

    return call


WITHOUT_MODEL: dict[Task, PlainRecipe] = {
    Task.IDENTITY: identity,
    Task.EDGES: edges,
    Task.EXTRACT: _of_pictures("extract"),
    Task.SELECT: _of_pictures("select"),
    Task.REMOVE: _of_pictures("remove"),
    Task.DECOMPOSE: _of_pictures("decompose"),
    Task.EXPAND: _of_pictures("expand"),
    Task.MATCH_LIGHT: _of_pictures("light"),
    Task.CONTACT_SHADOW: _of_pictures("shadow"),
    Task.CAST_SHADOW: _of_pictures("shadow"),
    Task.REFLECTION: _of_pictures("shadow"),
    Task.UPSCALE: _of_pictures("upscale"),
}
