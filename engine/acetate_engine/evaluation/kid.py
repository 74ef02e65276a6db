"""Kernel distances between sets of features, with bootstrapped intervals (KID: Bińkowski et al., arXiv 1801.01401)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

_ROUNDS = 400
_INTERVAL = (2.5, 97.5)  # per cent

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A figure and the middle 95 % of its bootstrapped ones."""

    value: float
    low: float
    high: float


def kid(made: Tensor, real: Tensor, seed: int = 0) -> Interval:
    """Unbiased squared MMD of (N, d) against (M, d) features, cubic kernel; about 0 for sets of one distribution."""
    return _bootstrapped([_Kernels.between(made, real)], (1.0,), seed)


def kid_difference(first: Tensor, second: Tensor, real: Tensor, seed: int = 0) -> Interval:
    """kid(first) - kid(second), both against the same resampled `real`; below 0 where `first` is nearer."""
    return _bootstrapped([_Kernels.between(first, real), _Kernels.between(second, real)], (1.0, -1.0), seed)


@dataclass(frozen=True)
class _Kernels:
    made: Matrix
    real: Matrix
    cross: Matrix

    @staticmethod
    def between(made: Tensor, real: Tensor) -> _Kernels:
        return _Kernels(_cubic(made, made), _cubic(real, real), _cubic(made, real))

    def distance(self, made: Matrix, real: Matrix) -> float:
        """With how often each sample counts."""
        cross = made @ self.cross @ real / (made.sum() * real.sum())
        return float(_apart(self.made, made) + _apart(self.real, real) - 2 * cross)


def _cubic(a: Tensor, b: Tensor) -> Matrix:
    """Features have length 1: times the root of their number, so that the kernel is that of the paper."""
    products: Matrix = (a.double() @ b.double().T).numpy()
    return np.power(products + 1.0, 3)


def _apart(kernel: Matrix, weights: Matrix) -> float:
    """Weighted mean over pairs of two different samples: a sample drawn twice is no pair."""
    pairs = weights @ kernel @ weights - (weights**2) @ np.diag(kernel)
    return float(pairs / (weights.sum() ** 2 - (weights**2).sum()))


def _bootstrapped(kernels: list[_Kernels], signs: tuple[float, ...], seed: int) -> Interval:
    rng = np.random.default_rng(seed)
    reals = len(kernels[0].real)

    def total(real: Matrix, made: list[Matrix]) -> float:
        return sum(sign * k.distance(m, real) for sign, k, m in zip(signs, kernels, made, strict=True))

    def drawn(count: int) -> Matrix:
        counts = np.bincount(rng.integers(count, size=count), minlength=count).astype(np.float64)
        return counts if (counts > 0).sum() > 1 else drawn(count)  # a single sample makes no pair

    rounds = [total(drawn(reals), [drawn(len(k.made)) for k in kernels]) for _ in range(_ROUNDS)]
    low, high = np.percentile(rounds, _INTERVAL)
    return Interval(total(np.ones(reals), [np.ones(len(k.made)) for k in kernels]), float(low), float(high))
