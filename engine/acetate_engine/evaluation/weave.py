"""The weave: ripples of an autoencoder's patches on what should be flat, as amplitudes in the spectrum.

A window counts where a picture is opaque all over it and its coarse shading is nearly a smooth surface, so that what
is left is hardly any drawing. Real pictures have a little there, too: figures are to be compared with theirs. They are
medians over windows, for a single edge in a few windows would outweigh all ripples. Where means count, windows have to
be even: by the mean of what is flat, real pictures have as much energy at 16 pixels as layers of `mini` (51.6 and 51.2
millionths of a channel's square, in 6,916 and 811 windows), in what is even 7.4 against 19.3 (3,192 and 361).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from acetate_engine.compositing.pixels import Floats
from acetate_engine.evaluation import alpha as measure
from acetate_engine.training.datasets import Bytes

Place2D = tuple[slice, slice]

PERIODS = (4, 16)  # pixels: the first space-to-depth step of `mini`, and all of them
WINDOW, _STRIDE = 32, 8  # pixels
_OPAQUE = 0.97
_FLAT = 0.015  # of coarse shading around its surface, standard deviation in 0..1
_EVEN = 0.006  # the same, 1.5 of 255, where drawing does not outweigh the ripples
_COARSE = 3.0  # pixels, sigma
_GRAIN = 12.0  # pixels: whatever ripples faster is grain


def evaluate_weave(made: Bytes, real: Bytes) -> dict[str, float | None]:
    """`weave` of generated layers and of real ones (N, H, W, 4), and how many times as much the former have."""
    ours, theirs = weave(made), weave(real)
    figures: dict[str, float | None] = {}
    for name, value in ours.items():
        other = theirs[name]
        figures |= {name: value, f"{name}_real": other, f"{name}_ratio": value / other if value and other else None}
    return figures


def weave(pictures: Bytes) -> dict[str, float | None]:
    """Of straight RGBA (N, H, W, 4): amplitudes at each period and of the grain, 0..1 of a channel's range.

    None where nothing is flat.
    """
    names = [*(f"weave_{period}" for period in PERIODS), "grain"]
    found = [window for picture in pictures for window in flat_windows(picture)]
    if not found:
        return dict.fromkeys(names)
    middle = np.median([energies(window) for window in found], axis=0)
    return {name: float(np.sqrt(energy)) for name, energy in zip(names, middle, strict=True)}


def weave_left(before: Bytes, after: Bytes) -> dict[str, float | None]:
    """How many times as much energy (N, H, W, 4) has `before` something was done than `after`, in the same windows.

    At each period by the median and by the mean of the windows that are flat before, and of those that are even; None
    where there are none.
    """
    flat, even = [], []
    for picture, later in zip(before, after, strict=True):
        for place, window in flat_places(picture):
            flat.append((energies(window), energies(flattened(later, place))))
            if _unevenness(window) < _EVEN:
                even.append(flat[-1])
    return {**times_less(flat), **{f"even_{name}": value for name, value in times_less(even).items()}}


def times_less(pairs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> dict[str, float | None]:
    """Of `energies` before and after, window by window: the ratio of their medians and of their means, by period."""
    figures: dict[str, float | None] = {"windows": float(len(pairs))}
    for index, period in enumerate(PERIODS):
        was, now = ([pair[side][index] for pair in pairs] for side in (0, 1))
        for name, middle in (("median", np.median), ("mean", np.mean)):
            figures[f"weave_{period}_{name}"] = float(middle(was) / max(middle(now), 1e-12)) if pairs else None
    return figures


def flat_windows(picture: Bytes) -> list[Floats]:
    """(WINDOW, WINDOW, 3) in 0..1 less their surfaces, as many as are opaque and flat; they overlap."""
    return [window for _, window in flat_places(picture)]


def even_places(picture: Bytes) -> Iterator[tuple[Place2D, Floats]]:
    """Those of them that hardly have any drawing."""
    return ((place, window) for place, window in flat_places(picture) if _unevenness(window) < _EVEN)


def flat_places(picture: Bytes) -> Iterator[tuple[Place2D, Floats]]:
    """The same windows with where they are."""
    alpha = measure.alpha_of(picture[None])[0]
    rows, columns = (range(0, side - WINDOW + 1, _STRIDE) for side in alpha.shape)
    for place in (np.s_[y : y + WINDOW, x : x + WINDOW] for y in rows for x in columns):
        if alpha[place].min() >= _OPAQUE and _unevenness(window := flattened(picture, place)) < _FLAT:
            yield place, window


def flattened(picture: Bytes, place: Place2D) -> Floats:
    """The window there less its surface."""
    return less_surface(picture[place][..., :3].astype(np.float32) / np.float32(255))


def less_surface(window: Floats) -> Floats:
    """Less the quadratic surface that fits each channel best."""
    rest: Floats = window - (_SURFACES @ (_SURFACES.T @ window.reshape(-1, 3))).reshape(window.shape)
    return rest


def _unevenness(window: Floats) -> float:
    return float(ndimage.gaussian_filter(window, (_COARSE, _COARSE, 0)).std())


def _surfaces() -> NDArray[np.float32]:
    """(WINDOW ** 2, 6): an orthonormal basis."""
    y, x = (axis.ravel() / WINDOW for axis in np.mgrid[:WINDOW, :WINDOW])
    return np.linalg.qr(np.stack([np.ones_like(x), y, x, y * y, x * x, x * y], 1))[0].astype(np.float32)


def energies(window: Floats) -> list[float]:
    """Mean squares over the channels: of the ripples at each period, along rows or columns, and of the grain."""
    spectrum = np.abs(np.fft.fft2(window * _TAPER[..., None], axes=(0, 1))) ** 2 / (_TAPER**2).sum() / WINDOW**2
    return [float(spectrum[mask].sum(0).mean()) for mask in _MASKS]


def _ripples(period: int) -> NDArray[np.bool_]:
    """Frequencies of the period along one axis; none along the other, or as little as the taper spreads."""
    frequency = np.abs(np.fft.fftfreq(WINDOW, 1 / WINDOW))
    there, none = frequency == WINDOW / period, frequency <= 1
    return np.outer(there, none) | np.outer(none, there)


def _grain() -> NDArray[np.bool_]:
    frequency = np.fft.fftfreq(WINDOW)
    return np.hypot(frequency[:, None], frequency) > 1 / _GRAIN


_SURFACES = _surfaces()
_TAPER = np.outer(np.hanning(WINDOW), np.hanning(WINDOW)).astype(np.float32)
_MASKS = [*(_ripples(period) for period in PERIODS), _grain()]
