"""ICC profiles that are curves and a matrix (ICC.1:2022), computed in float: Pillow's LittleCMS knows 8 bit only."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
"""float32."""

_STEPS = 4096
_SAMPLES = np.linspace(0.0, 1.0, _STEPS, dtype=np.float32)
# sRGB's primaries adapted to D50 (the colorants of its profile)
SRGB_MATRIX = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]], np.float64
)
_WHITE = np.array([0.9642, 1.0, 0.8249])  # D50


@dataclass(frozen=True, eq=False)
class Shaper:
    """`curves`: _STEPS values of linear light over encoded ones, for each channel; `matrix`: to XYZ of D50."""

    curves: tuple[Values, ...]
    matrix: NDArray[np.float64]

    @property
    def is_srgb(self) -> bool:
        alike = all(np.abs(curve - decoded(_SAMPLES)).max() < 2e-3 for curve in self.curves)
        return alike and self.matrix.shape[1] == 3 and bool(np.abs(self.matrix - SRGB_MATRIX).max() < 2e-3)

    def linear(self, values: Values) -> Values:
        """Encoded (…, channels) 0..1 → linear light of its own primaries."""
        planes = [np.interp(values[..., i], _SAMPLES, curve) for i, curve in enumerate(self.curves)]
        return np.stack(planes, -1).astype(np.float32)

    def encoded(self, values: Values) -> Values:
        planes = [np.interp(values[..., i], curve, _SAMPLES) for i, curve in enumerate(self.curves)]
        return np.stack(planes, -1).astype(np.float32)

    def to_srgb_light(self, values: Values) -> Values:
        """Linear light of its own primaries → that of sRGB's, (…, 3); out of gamut below 0 or above 1."""
        own = self.matrix if self.matrix.shape[1] == 3 else self.matrix * np.ones(3) / 3.0
        light = values if values.shape[-1] == 3 else np.repeat(values, 3, -1)
        if self.matrix.shape[1] == 1:
            return light
        return (light @ (np.linalg.inv(SRGB_MATRIX) @ own).T.astype(np.float32)).astype(np.float32)

    def from_srgb_light(self, values: Values) -> Values:
        if self.matrix.shape[1] == 1:
            return (values @ SRGB_MATRIX[1].astype(np.float32))[..., None]
        return (values @ (np.linalg.inv(self.matrix) @ SRGB_MATRIX).T.astype(np.float32)).astype(np.float32)


def _of_gamma(gamma: float, *matrix: list[float]) -> Shaper:
    return Shaper((np.power(_SAMPLES, np.float32(gamma)),) * 3, np.array(matrix))


# Bruce Lindbloom, "RGB Working Space Information": adapted to D50
ADOBE_RGB = _of_gamma(563 / 256, [0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457])
PROPHOTO_RGB = _of_gamma(1.8, [0.79767, 0.13519, 0.03135], [0.28804, 0.71187, 0.00009], [0.0, 0.0, 0.82521])


def encoded(linear: Values) -> Values:
    """Linear light → sRGB's transfer function (IEC 61966-2-1), clipped to 0..1."""
    value = np.clip(np.nan_to_num(linear, nan=0.0), 0.0, 1.0)
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * np.power(value, 1 / 2.4) - 0.055).astype(np.float32)


def decoded(value: Values) -> Values:
    """sRGB-encoded 0..1 → linear light."""
    return np.where(value <= 0.04045, value / 12.92, np.power((value + 0.055) / 1.055, 2.4)).astype(np.float32)


@cache
def shaper(profile: bytes) -> Shaper | None:
    """None where the profile is a table rather than curves and a matrix, or broken."""
    try:
        tags = _tags(profile)
        if profile[16:20] == b"GRAY" and b"kTRC" in tags:
            return Shaper((_curve(tags[b"kTRC"]),), _WHITE[:, None])
        if profile[16:20] != b"RGB " or b"A2B0" in tags:
            return None
        colorants = [_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
        curves = tuple(_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
        matrix = np.stack(colorants, -1)
        np.linalg.inv(matrix)
    except (KeyError, ValueError, IndexError, struct.error, np.linalg.LinAlgError):
        return None  # not a matrix profile: littlecms converts it
    return Shaper(curves, matrix)


def _tags(profile: bytes) -> dict[bytes, bytes]:
    count = struct.unpack_from(">I", profile, 128)[0]
    entries = [struct.unpack_from(">4sII", profile, 132 + 12 * index) for index in range(min(count, 200))]
    return {name: profile[start : start + size] for name, start, size in entries}


def _xyz(tag: bytes) -> NDArray[np.float64]:
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536.0


def _curve(tag: bytes) -> Values:
    """Raises ValueError where it is of an unknown kind."""
    if tag[:4] == b"curv":
        return _table(tag)
    if tag[:4] != b"para":
        raise ValueError(f"a curve of type {tag[:4]!r}")
    kind = struct.unpack_from(">H", tag, 8)[0]
    values = [value / 65536.0 for value in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)]
    g, a, b, c, d, e, f = (values + [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0][len(values) - 1 :])[:7]
    x = _SAMPLES.astype(np.float64)
    power = np.power(np.maximum(a * x + b, 0.0), g)
    match kind:
        case 0:
            result = np.power(x, g)
        case 1:
            result = np.where(x >= -b / a, power, 0.0)
        case 2:
            result = np.where(x >= -b / a, power + c, c)
        case 3:
            result = np.where(x >= d, power, c * x)
        case _:
            result = np.where(x >= d, power + e, c * x + f)
    return result.astype(np.float32)


def _table(tag: bytes) -> Values:
    count = struct.unpack_from(">I", tag, 8)[0]
    if count == 0:
        return _SAMPLES
    if count == 1:
        return np.power(_SAMPLES, struct.unpack_from(">H", tag, 12)[0] / 256.0).astype(np.float32)
    table = np.frombuffer(tag, ">u2", count, 12).astype(np.float32) / np.float32(65535)
    return np.interp(_SAMPLES, np.linspace(0.0, 1.0, count), table).astype(np.float32)
