"""Where a picture's subject is: U²-Net (Qin et al. 2020, arXiv 2005.09007) through OpenCV.

Its small version comes with the installation; the large one is there where it was fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from acetate.protocol.geometry import Bounds
from acetate_engine.compositing.pixels import Floats
from acetate_engine.compositing.regions import crop
from acetate_engine.models.parts.shelf import PackagedPart, find_part, read_part

_SIDE = 320  # pixels that it was trained on
_OUTPUT = "1959"  # of its seven the fused one
_MEAN, _SPREAD = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], np.float32)  # of ImageNet
_CLOSER = (1.0, 0.7, 0.5, 0.35, 0.25)  # of the picture's shorter side: how near a click is looked at

Point = tuple[int, int]  # x, y


def salience(rgb: Floats, network: str | None = None) -> Floats:
    """(H, W, 3) in 0..1 → (H, W): 1 where the subject is, 0 elsewhere, soft and coarse.

    As that one of `networks` says, or the largest. Raises PartMissing.
    """
    height, width = rgb.shape[:2]
    small = cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    feed = (small / max(float(small.max()), 1e-6) - _MEAN) / _SPREAD
    net = _network(network or networks()[-1].name)
    net.setInput(np.ascontiguousarray(feed.transpose(2, 0, 1))[None])
    found = net.forward(_OUTPUT)[0, 0]
    low, high = float(found.min()), float(found.max())
    scaled = (found - low) / max(high - low, 1e-6)
    grown: Floats = cv2.resize(scaled, (width, height), interpolation=cv2.INTER_LINEAR)
    return grown


def networks() -> list[PackagedPart]:
    """Those that are there, the largest last; where none is, the small one, which can be had."""
    small, large = find_part("u2netp"), find_part("u2net")
    return [part for part in (small, large) if part.is_there] or [small]


def salience_within(rgb: Floats, part: Bounds) -> Floats:
    """As `salience`, of a part of the picture alone; 0 around it."""
    result = np.zeros(rgb.shape[:2], np.float32)
    crop(result, part)[...] = salience(np.ascontiguousarray(crop(rgb, part)))
    return result


def salience_at(rgb: Floats, clicks: Sequence[Point]) -> Floats:
    """Of what the clicks lie on: looked at from ever nearer, and the most certain look at each click counts."""
    looks = [max(_looks(rgb, click), key=lambda look: _certainty(look, click)) for click in clicks]
    together: Floats = np.maximum.reduce([_touched(look, click) for look, click in zip(looks, clicks, strict=True)])
    return together


def _looks(rgb: Floats, click: Point) -> Iterator[Floats]:
    height, width = rgb.shape[:2]
    for share in _CLOSER:
        side = max(1, round(share * min(height, width)))
        x = min(max(click[0] - side // 2, 0), width - side)
        y = min(max(click[1] - side // 2, 0), height - side)
        yield salience_within(rgb, Bounds(x, y, side, side))


def _certainty(look: Floats, click: Point) -> float:
    """High where the click is in, and the rest is clearly in or out."""
    clear = float(np.abs(2 * look[look > 0] - 1).mean()) if look.any() else 0.0
    return float(look[click[1], click[0]]) * clear


def _touched(look: Floats, click: Point) -> Floats:
    """What hangs together with the clicked pixel."""
    _, marks = cv2.connectedComponents((look > 0.5).astype(np.uint8))
    mark = marks[click[1], click[0]]
    touched: NDArray[np.bool_] = cv2.dilate((marks == mark).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return look * touched if mark else np.zeros_like(look)


@cache
def _network(name: str) -> Any:
    """Loaded once a process. Raises PartMissing."""
    return cv2.dnn.readNetFromONNX(np.frombuffer(read_part(name)[f"{name}.onnx"], np.uint8))
