"""`extract` and `finish`: what needs no model of a family, against known layers and against simpler ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from acetate.protocol.geometry import Extent
from acetate_engine.compositing.alpha import to_eight, to_float
from acetate_engine.compositing.pixels import Floats
from acetate_engine.compositing.resize import resize
from acetate_engine.evaluation import alpha as measure
from acetate_engine.evaluation.kept import Finding, Notebook, cell
from acetate_engine.evaluation.matte import trimap_of
from acetate_engine.evaluation.probe import load_reference, probe_distance
from acetate_engine.evaluation.saying import Say
from acetate_engine.pictures.matting import front_colour, matte
from acetate_engine.pictures.salience import salience
from acetate_engine.pictures.solvers import estimate_alpha_cf, estimate_foreground_ml
from acetate_engine.pictures.subject import Hints, by_colour, cut, find
from acetate_engine.pipelines.stages.enlarging import enlarge
from acetate_engine.training.compose import over_ground
from acetate_engine.training.datasets import Bytes

Figures = dict[str, dict[str, float]]
ShowCut = Callable[[list[Bytes]], None]
"""Told of pictures to look at, RGBA."""

_FACTOR = 4
_TEN = 10  # pixels around what the network says
_SMALLEST = 32  # pixels of a side that is enlarged
_ASIDE = 3 / 5  # of its size, where a layer lies in a corner


@dataclass(frozen=True, eq=False)
class Composites:
    """Each layer (N, H, W, 4) over `grounds` of the backgrounds (M, H, W, 3); of these, one in so many from the first
    (`share`: 0, 1 are all, 1, 2 the second half)."""

    layers: Bytes
    backgrounds: Bytes
    grounds: int
    share: tuple[int, int] = (0, 1)

    def __len__(self) -> int:
        return len(self._chosen())

    def __iter__(self) -> Iterator[tuple[Bytes, Bytes]]:
        """The layer, and the opaque picture (H, W, 4) of it over a background."""
        for index in self._chosen():
            layer, behind = self.layers[index // self.grounds], self.backgrounds[index % len(self.backgrounds)]
            rgb = over_ground(layer[None], behind[None])[0]
            yield layer, np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])

    def _chosen(self) -> range:
        return range(self.share[0], self.grounds * len(self.layers), self.share[1])


def evaluate_extract(
    composites: Composites,
    say: Say,
    show: ShowCut = lambda cells: None,
    ways: Sequence[str] = (),
    kept: Notebook | None = None,
) -> Figures:
    """The layers cut out again in these ways, or all; what is kept is not measured again.

    `matting, true trimap` is told where to look, and so is no rival but a bound. SAD, gradient and connectivity in
    thousands, as in the matting benchmark; colour is the mean error of premultiplied light. Means over the composites,
    and the median of SAD; `show` gets of each the picture, the layer, and what each way made of it.
    """
    kept = kept or Notebook()
    wanted = [name for name in WAYS if name in ways or not ways]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in wanted}
    for index, (layer, scene) in enumerate(composites):
        say(f"cutting out {index + 1} of {len(composites)}")
        cells = [cell(scene), cell(layer)]
        for name in wanted:
            one = kept.measured(f"{name}, {index + 1}", [name, scene, layer], partial(_measured, name, scene, layer))
            found[name].append(one.figures)
            cells.extend(one.cells)
        show(cells)
    return {name: _means(errors) for name, errors in found.items()}


def _measured(name: str, scene: Bytes, layer: Bytes) -> Finding:
    made = to_eight(WAYS[name](to_float(scene), layer))
    return Finding(_errors(made[None], layer[None]), cell(made)[None])


def in_turns(pictures: Bytes, photos: Sequence[str]) -> Bytes:
    """The same crops, one of each photograph before the second of any: neighbours are of different photographs."""
    turns = [photos[:index].count(photo) for index, photo in enumerate(photos)]
    return pictures[np.argsort(turns, kind="stable")]


def set_aside(layers: Bytes) -> Bytes:
    """Each layer (N, H, W, 4) smaller, in one corner after the other: who looks in the middle does not find it."""
    count, height, width = layers.shape[:3]
    room = Extent(round(width * _ASIDE), round(height * _ASIDE))
    found = np.zeros_like(layers)
    for index in range(count):
        top, left = (height - room.height) * (index // 2 % 2), (width - room.width) * (index % 2)
        found[index, top : top + room.height, left : left + room.width] = resize(layers[index], room)
    return found


def _means(figures: list[dict[str, float]]) -> dict[str, float]:
    means = {key: float(np.mean([one[key] for one in figures])) for key in figures[0]}
    return {**means, "median_sad": float(np.median([one["sad"] for one in figures]))}


def evaluate_finish(layers: Bytes, say: Say, show: ShowCut = lambda cells: None) -> Figures:
    """Each layer (N, H, W, 4) made four times smaller and enlarged again: finished, and by interpolation.

    `probe` is the distance of what the probe's network sees in them over grey, tile by tile. `show` gets of each the
    layer, the small one, and what each way made of that.
    """
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
        show([layer, *(made[-1] for made in ways.values())])
    return {name: _finish_errors(np.stack(made), layers) for name, made in ways.items()}


def _finish_errors(made: Bytes, true: Bytes) -> dict[str, float]:
    psnr, probe = measure.composite_psnr(made, true), load_reference().probe
    distances = [probe_distance(probe, a[None], b[None]) for a, b in zip(made, true, strict=True)]
    return {**_errors(made, true), "psnr": psnr, "probe": float(np.mean(distances))}


def _errors(made: Bytes, true: Bytes) -> dict[str, float]:
    a, b = measure.alpha_of(made), measure.alpha_of(true)
    light = np.abs(to_float(made[..., :3]) * a[..., None] - to_float(true[..., :3]) * b[..., None])
    return {
        "sad": measure.alpha_sad(a, b),
        "mae": measure.alpha_mae(a, b),
        "gradient": measure.alpha_grad(a, b),
        "connectivity": measure.alpha_conn(a, b),
        "colour": float(light.mean()),
    }


def _ours(scene: Floats, layer: Bytes) -> Floats:
    return cut(scene, find(scene, Hints(), lambda note: None))


def _matting(scene: Floats, layer: Bytes) -> Floats:
    rgb = np.ascontiguousarray(scene[..., :3])
    alpha = matte(rgb, trimap_of(to_float(layer[..., 3])))
    return np.dstack([front_colour(rgb, alpha), alpha])


def _matting_alone(scene: Floats, layer: Bytes) -> Floats:
    """As programs put the two together that keep to the libraries: fixed thresholds, ten pixels, all of it solved."""
    rgb = np.ascontiguousarray(scene[..., :3])
    front = salience(rgb)
    disc = np.ones((2 * _TEN + 1, 2 * _TEN + 1), np.uint8)
    sure_in, sure_out = cv2.erode(np.uint8(front > 0.94), disc) > 0, cv2.erode(np.uint8(front < 0.04), disc) > 0
    known = np.where(sure_in, 1.0, np.where(sure_out, 0.0, 0.5))
    if not (sure_in.any() and sure_out.any()):
        return np.dstack([rgb, front])
    alpha = estimate_alpha_cf(rgb.astype(np.float64), known).astype(np.float32)
    return np.dstack([estimate_foreground_ml(rgb, alpha), alpha]).astype(np.float32)


def _network(scene: Floats, layer: Bytes) -> Floats:
    return np.dstack([scene[..., :3], salience(np.ascontiguousarray(scene[..., :3]))])


def _grab_cut(scene: Floats, layer: Bytes) -> Floats:
    return np.dstack([scene[..., :3], by_colour(np.ascontiguousarray(scene[..., :3]), Hints())])


WAYS: dict[str, Callable[[Floats, Bytes], Floats]] = {
    "ours": _ours,
    "matting, true trimap": _matting,
    "pymatting alone": _matting_alone,
    "network alone": _network,
    "GrabCut": _grab_cut,
}
