"""Padding and compositing, against OpenCV's pyramid, psd-tools and numpy."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from acetate.protocol.geometry import Bounds, Extent
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.tree import LayeredDocument, Memory, PixelLayer
from acetate_engine.documents.writer import write_document
from acetate_engine.models.networks.padding import pad_rgb
from acetate_engine.verification.table.line import Bound, Line, in_turn, skipped

_MB = 1 << 20


def padding(side: int, rounds: int) -> Line:
    """`pad_rgb` against the same pyramid as it is published: OpenCV's resizes and numpy."""
    planes = _blob(side, 0).astype(np.float32).transpose(2, 0, 1) / np.float32(255)
    rgba: NDArray[np.float32] = np.ascontiguousarray(planes.transpose(1, 2, 0))
    tensor = torch.from_numpy(planes.copy())[None]
    peer, ours, copy = in_turn(rounds, lambda: _published(rgba), lambda: pad_rgb(tensor), rgba.copy)
    error = float(np.abs(pad_rgb(tensor)[0].permute(1, 2, 0).numpy() - _published(rgba)).max())
    return Line(
        f"padded RGB, {side}²",
        f"published OpenCV pyramid {peer:.3f} s",
        f"{ours:.3f} s: {peer / ours:.2f}×, at most {error:.0e} apart",
        "≥ 4× at 2e-3",
        peer / ours >= 4 and error <= 2e-3,
        bounds=(Bound("a copy of the picture", copy, ours),),
    )


def _published(rgba: NDArray[np.float32]) -> NDArray[np.float32]:
    alpha = rgba[..., 3:]
    levels = [np.concatenate([rgba[..., :3] * alpha, alpha], -1)]
    while min(levels[-1].shape[:2]) > 1:
        height, width = (int(side / 1.2) for side in levels[-1].shape[:2])
        smaller = cv2.resize(levels[-1], (width, height), interpolation=cv2.INTER_AREA)
        levels.append(smaller.reshape(height, width, 4))
    total = levels[-1].sum((0, 1))
    filled = np.full((1, 1, 3), total[:3] / max(total[3], 1e-8), np.float32)
    for level in reversed(levels):
        size = level.shape[1::-1]
        filled = cv2.resize(filled, size, interpolation=cv2.INTER_LINEAR).reshape(*level.shape[:2], 3)
        filled = level[..., :3] + filled * (1 - level[..., 3:])
    return filled


def compositing(count: int, side: int, rounds: int) -> Iterator[Line]:
    """A PSD of that many layers: read from the disk and composited."""
    name, goal = f"composite, {count} layers {side}²", "≥ 10× psd-tools; ≤ 5× numpy; layers + 600 MB at most"
    try:
        from psd_tools import PSDImage
    except ImportError:
        yield skipped(name, goal, "psd-tools is not installed")
        return
    pictures = [_blob(side, seed) for seed in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layers.psd"
        layers = tuple(PixelLayer(str(index), source=Memory.at(0, 0, each)) for index, each in enumerate(pictures))
        write_document(LayeredDocument(Extent(side, side), layers), path)
        peer, numpys, ours, decoded_alone = in_turn(
            rounds,
            lambda: PSDImage.open(path).composite(force=True),
            lambda: _over(pictures),
            lambda: _flattened(path),
            lambda: _decoded(path),
        )
        decoded = sum(each.nbytes for each in pictures)
        layers = ()
        pictures.clear()
        peak = _peak(path)
    yield Line(
        name,
        f"psd-tools {peer:.2f} s; numpy's over {numpys:.2f} s",
        f"{ours:.3f} s: {peer / ours:.1f}×, {ours / numpys:.2f} of numpy; {peak // _MB} MB",
        goal,
        peer / ours >= 10 and ours <= 5 * numpys and peak <= decoded + 600 * _MB,
        bounds=(Bound("its layers decoded alone", decoded_alone, ours),),
    )


def _flattened(path: Path) -> Pixels:
    document = read_document(path)
    return flatten(document.layers, Bounds.of(document.extent), space=document.space)


def _decoded(path: Path) -> None:
    for layer in read_document(path).layers:
        assert isinstance(layer, PixelLayer)
        layer.source.read(layer.bounds)


def _peak(path: Path) -> int:
    """Bytes that numpy and Python take at most."""
    tracemalloc.start()
    try:
        _flattened(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _over(pictures: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """All of them, premultiplied, in float32."""
    below = np.zeros(pictures[0].shape, np.float32)
    for picture in pictures:
        above = picture.astype(np.float32) / np.float32(255)
        above[..., :3] *= above[..., 3:]
        below = above + below * (1 - above[..., 3:])
    return below


def _blob(side: int, seed: int) -> NDArray[np.uint8]:
    """(side, side, 4): a soft-edged disc of smooth colours; seed 0 fills the picture but for a hole."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (max(side // 16, 2),) * 2 + (3,), dtype=np.uint8)
    colour = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    centre, radius = generator.uniform(0.3, 0.7, 2) * side, side * generator.uniform(0.2, 0.5)
    rows, columns = np.ogrid[:side, :side]
    inside = (radius - np.hypot(rows - centre[0], columns - centre[1])) / (side / 20) + 0.5
    alpha = np.clip(inside if seed else 1 - inside, 0, 1) * 255
    return np.dstack([colour, alpha.astype(np.uint8)])
