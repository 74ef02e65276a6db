"""The pyramid of padded RGB as compiled loops, for large pictures: each level is read and written once.

OpenCV's `INTER_AREA` and `INTER_LINEAR` compute the same in four passes a level. Importing this takes a second, which
only large pictures are worth. Levels are (h, w, 4) float32, premultiplied, 0..1.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numba import config, njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Kernel = TypeVar("Kernel", bound=Callable[..., Any])
Taps = tuple[NDArray[np.intp], Floats]  # (n,) the first of the pixels that an output pixel is made of; their weights

_ONE, _TWO = np.uintp(1), np.uintp(2)  # unsigned: numba looks whether other indices count from the end
_BAND = 64  # rows: fewer are not worth a thread
_OPAQUE = np.float32(1 - 1e-5)  # alpha, sums of shares being what they are; what is missing can be seen nowhere


def fill(rgba: Floats, sizes: list[tuple[int, int]], threads: int) -> Floats:
    """Fill the colour under transparent pixels from the visible colour.

    Args:
        rgba: (4, H, W), 0..1, straight alpha.
        sizes: (height, width) of every level, the picture's own first, each at most halved; at least two.
        threads: how many to use.

    Returns:
        (3, H, W), 0..1.
    """
    levels = [np.empty((*size, 4), np.float32) for size in sizes[1:]]
    filled = np.empty((3, *sizes[0]), np.float32)
    with ThreadPoolExecutor(threads) as pool:
        run = _Bands(pool, threads)
        run(_first_shrunk, levels[0], *_area(sizes[0], sizes[1]), rgba)
        for source, target in pairwise(levels):
            run(_shrunk, target, *_area(source.shape, target.shape), source)
        total = levels[-1].sum((0, 1))
        coarse = np.full((1, 1, 4), total / max(total[3], 1e-8), np.float32)
        for level in reversed(levels):
            run(_filled, level, *_linear(coarse.shape, level.shape), coarse)
            coarse = level
        run(_last_filled, filled, *_linear(coarse.shape, sizes[0]), coarse, rgba)
    return filled


class _Bands:
    """A kernel over bands of the rows of its output, one thread each."""

    def __init__(self, pool: ThreadPoolExecutor, threads: int) -> None:
        self._pool = pool
        self._threads = threads

    def __call__(
        self, kernel: Callable[..., None], target: Floats, rows: Taps, columns: Taps, *sources: Floats
    ) -> None:
        height = len(rows[0])
        count = min(self._threads, max(1, height // _BAND))
        edges = np.linspace(0, height, count + 1).astype(int)
        bands = [slice(*edges[band : band + 2]) for band in range(count)]
        list(self._pool.map(lambda band: kernel(target, band.start, band.stop, *rows, *columns, *sources), bands))


def _area(source: tuple[int, ...], target: tuple[int, ...]) -> tuple[Taps, Taps]:
    """Of rows and columns: the share of each of at most three source pixels in every target pixel."""
    return _area_taps(source[0], target[0]), _area_taps(source[1], target[1])


def _area_taps(source: int, target: int) -> Taps:
    edges = np.arange(target + 1) * (source / target)
    first = np.floor(edges[:-1]).astype(np.intp)
    pixels = first[:, None] + np.arange(3)
    shares = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return first, (np.clip(shares, 0, None) * (target / source)).astype(np.float32)


def _linear(source: tuple[int, ...], target: tuple[int, ...]) -> tuple[Taps, Taps]:
    """Of rows and columns: the first of two source pixels, and the weight of the second."""
    return _linear_taps(source[0], target[0]), _linear_taps(source[1], target[1])


def _linear_taps(source: int, target: int) -> Taps:
    place = np.clip((np.arange(target) + 0.5) * (source / target) - 0.5, 0, source - 1)
    first = np.floor(place).astype(np.intp)
    return first, (place - first).astype(np.float32)


_LEVEL, _WEIGHTS, _PLACES = "float32[:, :, ::1]", "float32[:, ::1]", "intp[::1]"
_SHRINKING = f"void({_LEVEL}, intp, intp, {_PLACES}, {_WEIGHTS}, {_PLACES}, {_WEIGHTS}, {_LEVEL})"
_FILLING = f"{_LEVEL}, intp, intp, {_PLACES}, float32[::1], {_PLACES}, float32[::1], {_LEVEL}"
_options = {"nogil": True, "fastmath": {"contract", "nsz"}, "error_model": "numpy"}


def _compiled(signature: str) -> Callable[[Kernel], Kernel]:
    """Now, and with the four planes of a pixel as one vector, which numba does only where it is told to."""

    def compiled(kernel: Kernel) -> Kernel:
        before, config.SLP_VECTORIZE = config.SLP_VECTORIZE, 1
        try:
            return njit(signature, cache=True, **_options)(kernel)
        except RuntimeError:  # there is no folder to keep it in
            return njit(signature, **_options)(kernel)
        finally:
            config.SLP_VECTORIZE = before

    return compiled


@_compiled(f"void({_WEIGHTS}, {_WEIGHTS}, {_PLACES}, {_WEIGHTS})")
def _line_shrunk(target, line, column, weights) -> None:  # type: ignore[no-untyped-def]
    for x in range(len(target)):
        left = np.uintp(column[x])
        first, second, third = weights[x, 0], weights[x, 1], weights[x, 2]
        red = first * line[left, 0] + second * line[left + _ONE, 0] + third * line[left + _TWO, 0]
        green = first * line[left, 1] + second * line[left + _ONE, 1] + third * line[left + _TWO, 1]
        blue = first * line[left, 2] + second * line[left + _ONE, 2] + third * line[left + _TWO, 2]
        alpha = first * line[left, 3] + second * line[left + _ONE, 3] + third * line[left + _TWO, 3]
        target[x, 0], target[x, 1], target[x, 2], target[x, 3] = red, green, blue, alpha


@_compiled(_SHRINKING)
def _first_shrunk(target, top, bottom, row, row_weights, column, column_weights, rgba) -> None:  # type: ignore[no-untyped-def]
    """From straight planes: premultiplied on the way."""
    width = rgba.shape[2]
    line = np.zeros((width + 2, 4), np.float32)
    for y in range(top, bottom):
        line[:] = 0
        for tap in range(3):
            weight = row_weights[y, tap]
            if weight != 0:
                source = row[y] + tap
                red, green, blue, alpha = rgba[0, source], rgba[1, source], rgba[2, source], rgba[3, source]
                for x in range(width):
                    share = alpha[x] * weight
                    line[x, 0] += red[x] * share
                    line[x, 1] += green[x] * share
                    line[x, 2] += blue[x] * share
                    line[x, 3] += share
        _line_shrunk(target[y], line, column, column_weights)


@_compiled(_SHRINKING)
def _shrunk(target, top, bottom, row, row_weights, column, column_weights, source) -> None:  # type: ignore[no-untyped-def]
    last = len(source) - 1
    line = np.zeros((source.shape[1] + 2, 4), np.float32)
    flat = line.reshape(-1)
    for y in range(top, bottom):
        first, second, third = row_weights[y]
        above = source[row[y]].reshape(-1)
        middle = source[min(row[y] + 1, last)].reshape(-1)
        below = source[min(row[y] + 2, last)].reshape(-1)
        if third == 0:  # most rows are made of two
            for x in range(len(above)):
                flat[x] = first * above[x] + second * middle[x]
        else:
            for x in range(len(above)):
                flat[x] = first * above[x] + second * middle[x] + third * below[x]
        _line_shrunk(target[y], line, column, column_weights)


@_compiled("UniTuple(intp, 2)(float32[:])")
def _span(alpha) -> tuple[int, int]:  # type: ignore[no-untyped-def]
    """From the first to behind the last pixel that is not opaque: what is beside them stays as it is."""
    first, last = 0, len(alpha)
    while first < last and alpha[first] >= _OPAQUE:
        first += 1
    while last > first and alpha[last - 1] >= _OPAQUE:
        last -= 1
    return first, last


@_compiled(f"void({_WEIGHTS}, {_LEVEL}, intp, float32, {_PLACES})")
def _line_between(line, coarse, row, share, column) -> None:  # type: ignore[no-untyped-def]
    """Between a row and the next one, as far as `column` asks for it; the last pixel twice."""
    width = coarse.shape[1]
    first, last = 4 * column[0], 4 * min(column[-1] + 2, width)
    above = coarse[row].reshape(-1)[first:last]
    below = coarse[min(row + 1, len(coarse) - 1)].reshape(-1)[first:last]
    flat = line.reshape(-1)[first:last]
    for x in range(len(above)):
        flat[x] = (np.float32(1) - share) * above[x] + share * below[x]
    line[width] = line[width - 1]


@_compiled(f"void({_FILLING})")
def _filled(target, top, bottom, row, row_weights, column, column_weights, coarse) -> None:  # type: ignore[no-untyped-def]
    """In place: a level over the enlarged filling of the next coarser one."""
    line = np.empty((coarse.shape[1] + 1, 4), np.float32)
    for y in range(top, bottom):
        first, last = _span(target[y, :, 3])
        if first == last:
            continue
        places, weights, out = column[first:last], column_weights[first:last], target[y, first:last]
        _line_between(line, coarse, row[y], row_weights[y], places)
        for x in range(len(out)):
            left, share = np.uintp(places[x]), weights[x]
            rest = np.float32(1) - out[x, 3]
            keep, share = rest * (np.float32(1) - share), rest * share
            red = out[x, 0] + keep * line[left, 0] + share * line[left + _ONE, 0]
            green = out[x, 1] + keep * line[left, 1] + share * line[left + _ONE, 1]
            blue = out[x, 2] + keep * line[left, 2] + share * line[left + _ONE, 2]
            alpha = out[x, 3] + keep * line[left, 3] + share * line[left + _ONE, 3]
            out[x, 0], out[x, 1], out[x, 2], out[x, 3] = red, green, blue, alpha


@_compiled(f"void({_FILLING}, {_LEVEL})")
def _last_filled(target, top, bottom, row, row_weights, column, column_weights, coarse, rgba) -> None:  # type: ignore[no-untyped-def]
    """As `_filled`, from straight planes to planes."""
    line = np.empty((coarse.shape[1] + 1, 4), np.float32)
    wide = np.empty((target.shape[2], 4), np.float32)
    for y in range(top, bottom):
        first, last = _span(rgba[3, y])
        places, weights = column[first:last], column_weights[first:last]
        if first < last:
            _line_between(line, coarse, row[y], row_weights[y], places)
        for x in range(len(places)):
            left, share = np.uintp(places[x]), weights[x]
            keep = np.float32(1) - share
            red = keep * line[left, 0] + share * line[left + _ONE, 0]
            green = keep * line[left, 1] + share * line[left + _ONE, 1]
            blue = keep * line[left, 2] + share * line[left + _ONE, 2]
            alpha = keep * line[left, 3] + share * line[left + _ONE, 3]
            wide[x, 0], wide[x, 1], wide[x, 2], wide[x, 3] = red, green, blue, alpha
        for plane in range(3):
            target[plane, y, :first], target[plane, y, last:] = rgba[plane, y, :first], rgba[plane, y, last:]
            own, alpha, out = rgba[plane, y, first:last], rgba[3, y, first:last], target[plane, y, first:last]
            for x in range(len(own)):
                out[x] = own[x] * alpha[x] + wide[x, plane] * (np.float32(1) - alpha[x])
