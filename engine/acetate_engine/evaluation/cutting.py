"""`extract` and `finish`: what needs no model of a family, against known layers and against simpler ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from acetate.protocol.geometry import Extent
from acetate_engine.compositing.alpha import to_float
from acetate_engine.compositing.pixels import Floats
from acetate_engine.compositing.resize import resize
from acetate_engine.evaluation import alpha as measure
from acetate_engine.evaluation.matte import trimap_of
from acetate_engine.pictures.matting import front_colour, matte
from acetate_engine.pictures.salience import salience
from acetate_engine.pictures.subject import Hints, by_colour, cut, find
from acetate_engine.pipelines.stages.enlarging import enlarge
from acetate_engine.training.compose import over_ground
from acetate_engine.training.datasets import Bytes

Say = Callable[[str], None]
Figures = dict[str, dict[str, float]]

_FACTOR = 4
_SMALLEST = 32  # pixels of a side that is enlarged


def evaluate_extract(layers: Bytes, backgrounds: Bytes, grounds: int, say: Say) -> Figures:
    """Each layer (N, H, W, 4) over `grounds` of the backgrounds (M, H, W, 3), and cut out again in every way.

    `matting, true trimap` is told where to look, and so is no rival but a bound. SAD and gradient in thousands, as in
    the matting benchmark; colour is the mean error of premultiplied light.
    """
    found: dict[str, list[Bytes]] = {name: [] for name in _WAYS}
    truth = []
    for index, (layer, scene) in enumerate(_scenes(layers, backgrounds, grounds)):
        say(f"cutting out {index + 1} of {grounds * len(layers)}")
        truth.append(layer)
        for name, way in _WAYS.items():
            found[name].append(np.rint(way(scene, layer).clip(0, 1) * 255).astype(np.uint8))
    return {name: _errors(np.stack(made), np.stack(truth)) for name, made in found.items()}


def evaluate_finish(layers: Bytes, say: Say) -> Figures:
    """Each layer (N, H, W, 4) made four times smaller and enlarged again: finished, and by interpolation."""
    height, width = layers.shape[1:3]
    if min(height, width) < _FACTOR * _SMALLEST:
        raise ValueError(
            f"the pictures are {width}x{height}: at least {_FACTOR * _SMALLEST} pixels each way are needed"
        )
    ways: dict[str, list[Bytes]] = {"finish": [], "bicubic": []}
    for index, layer in enumerate(layers):
        say(f"enlarging {index + 1} of {len(layers)}")
        small = resize(layer, Extent(width // _FACTOR, height // _FACTOR))
        ways["finish"].append(resize(enlarge(small, _FACTOR), Extent(width, height)).astype(np.uint8))
        ways["bicubic"].append(resize(small, Extent(width, height)).astype(np.uint8))
    return {
        name: {**_errors(np.stack(made), layers), "psnr": measure.composite_psnr(np.stack(made), layers)}
        for name, made in ways.items()
    }


def _scenes(layers: Bytes, backgrounds: Bytes, grounds: int) -> Iterator[tuple[Bytes, Floats]]:
    """The layer, and the opaque picture (H, W, 4) of it over a background."""
    for index, layer in enumerate(layers):
        for ground in range(grounds):
            behind = backgrounds[(index * grounds + ground) % len(backgrounds)]
            rgb = over_ground(layer[None], behind[None])[0]
            yield layer, np.dstack([to_float(rgb), np.ones(rgb.shape[:2], np.float32)])


def _errors(made: Bytes, true: Bytes) -> dict[str, float]:
    a, b = measure.alpha_of(made), measure.alpha_of(true)
    light = np.abs(to_float(made[..., :3]) * a[..., None] - to_float(true[..., :3]) * b[..., None])
    return {
        "sad": measure.alpha_sad(a, b),
        "mae": measure.alpha_mae(a, b),
        "gradient": measure.alpha_grad(a, b),
        "colour": float(light.mean()),
    }


def _ours(scene: Floats, layer: Bytes) -> Floats:
    return cut(scene, find(scene, Hints(), lambda note: None))


def _matting(scene: Floats, layer: Bytes) -> Floats:
    rgb = np.ascontiguousarray(scene[..., :3])
    alpha = matte(rgb, trimap_of(to_float(layer[..., 3])))
    return np.dstack([front_colour(rgb, alpha), alpha])


def _network(scene: Floats, layer: Bytes) -> Floats:
    return np.dstack([scene[..., :3], salience(np.ascontiguousarray(scene[..., :3]))])


def _grab_cut(scene: Floats, layer: Bytes) -> Floats:
    return np.dstack([scene[..., :3], by_colour(np.ascontiguousarray(scene[..., :3]), Hints())])


_WAYS: dict[str, Callable[[Floats, Bytes], Floats]] = {
    "ours": _ours,
    "matting, true trimap": _matting,
    "u2netp alone": _network,
    "GrabCut": _grab_cut,
}
