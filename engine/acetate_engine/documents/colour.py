"""Colour models of files ↔ sRGB, through ICC profiles (Pillow's LittleCMS)."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from acetate.protocol.errors import FileError

Samples = NDArray[Any]
"""uint8, uint16, or float32 of linear light; numpy's stubs lose the union at every operation."""
Encoded = NDArray[Any]
"""uint8 or uint16."""

PLANES = {"RGB": 3, "GRAY": 1, "CMYK": 4}
_PILLOW = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


@dataclass(frozen=True)
class ColourSpace:
    """`model` is RGB, GRAY or CMYK (255 = full ink); `profile` its ICC profile, sRGB or plain inversion where None."""

    model: str
    profile: bytes | None = None

    def to_srgb(self, samples: Samples) -> Encoded:
        """(h, w, planes) → (h, w, 3) sRGB of the same depth; float32 is linear light and becomes uint16.

        16 bit goes through an 8 bit transform where a profile other than sRGB must be applied.
        """
        if samples.dtype == np.float32:
            return self._to_srgb(_encoded(samples))
        return self._to_srgb(samples)

    def from_srgb(self, rgb: Encoded) -> Encoded:
        """(h, w, 3) sRGB → (h, w, planes)."""
        if self._is_srgb:
            return rgb
        if self.model == "GRAY" and self._profile is None:
            return _grey(rgb)
        return self._transformed(rgb, _transform(self._profile, _PILLOW[self.model], False), "RGB")

    def _to_srgb(self, samples: Encoded) -> Encoded:
        if self._is_srgb:
            return samples
        if self.model == "GRAY" and self._profile is None:
            return np.repeat(samples, 3, -1)
        return self._transformed(samples, _transform(self._profile, _PILLOW[self.model], True), _PILLOW[self.model])

    @property
    def _profile(self) -> bytes | None:
        return self.profile if self.profile and not _names_srgb(self.profile) else None

    @property
    def _is_srgb(self) -> bool:
        return self.model == "RGB" and self._profile is None

    def _transformed(self, samples: Encoded, transform: ImageCms.ImageCmsTransform | None, mode: str) -> Encoded:
        eight = samples if samples.dtype == np.uint8 else (samples >> 8).astype(np.uint8)
        image = Image.fromarray(np.ascontiguousarray(eight[..., 0] if mode == "L" else eight), mode)
        target = "RGB" if mode != "RGB" or self.model == "RGB" else _PILLOW[self.model]
        converted = ImageCms.applyTransform(image, transform) if transform else image.convert(target)
        array = np.asarray(converted)
        array = array if array.ndim == 3 else array[..., None]
        return array if samples.dtype == np.uint8 else array.astype(np.uint16) * 257


def _encoded(linear: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Linear light → sRGB's transfer function (IEC 61966-2-1), uint16."""
    value = np.clip(np.nan_to_num(linear, nan=0.0), 0.0, 1.0)
    curve = np.where(value <= 0.0031308, value * 12.92, 1.055 * np.power(value, 1 / 2.4) - 0.055)
    return (curve * 65535.0 + 0.5).astype(np.uint16)


def linear(encoded: Encoded) -> NDArray[np.float32]:
    """sRGB-encoded → linear light, float32 0..1."""
    value = encoded.astype(np.float32) / np.iinfo(encoded.dtype).max
    return np.where(value <= 0.04045, value / 12.92, np.power((value + 0.055) / 1.055, 2.4)).astype(np.float32)


def _grey(rgb: Encoded) -> Encoded:
    luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    return (luma + 0.5).astype(rgb.dtype)[..., None]


@cache
def srgb_profile() -> bytes:
    """ICC. Its date (bytes 24 to 35 of the header, ICC.1:2022) is a fixed one: equal pictures make equal files."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    return bytes(profile)


@cache
def _names_srgb(profile: bytes) -> bool:
    """Whether the profile is sRGB under one of its names; elle-V2's linear variants are not."""
    name = _opened(profile)[1].lower()
    return "srgb" in name and "linear" not in name and "g10" not in name and "rec709" not in name


@cache
def _transform(profile: bytes | None, mode: str, to_srgb: bool) -> ImageCms.ImageCmsTransform | None:
    """None without a profile: Pillow's own conversion."""
    if profile is None:
        return None
    own, srgb = _opened(profile)[0], ImageCms.createProfile("sRGB")
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    try:
        if to_srgb:
            return ImageCms.buildTransform(own, srgb, mode, "RGB", intent)
        return ImageCms.buildTransform(srgb, own, "RGB", mode, intent)
    except ImageCms.PyCMSError as error:
        raise FileError(f"the colour profile does not fit {mode} pixels: {error}", "Assign a fitting one.") from error


@cache
def _opened(profile: bytes) -> tuple[ImageCms.ImageCmsProfile, str]:
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return opened, ImageCms.getProfileDescription(opened)
    except (OSError, ImageCms.PyCMSError, ValueError) as error:
        raise FileError(f"the colour profile cannot be read: {error}", "Assign another profile.") from error
