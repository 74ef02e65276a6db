"""Colour models of files ↔ sRGB, through ICC profiles: in float where they are curves and a matrix (`icc`), through
Pillow's LittleCMS, in 8 bit, where they are tables."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from acetate.protocol.errors import FileError
from acetate_engine.compositing.pixels import eight, sixteen
from acetate_engine.documents.icc import SRGB_MATRIX, Shaper, decoded, encoded, shaper

Samples = NDArray[Any]
"""uint8, uint16, or float32 of linear light; numpy's stubs lose the union at every operation."""
Encoded = NDArray[Any]
"""uint8 or uint16."""
Plane = NDArray[Any]
"""(h, w, planes) float32, 0..1."""

PLANES = {"RGB": 3, "GRAY": 1, "CMYK": 4, "LAB": 3}
_PILLOW = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "LAB": "LAB"}
_SIGNATURES = {"RGB": b"RGB ", "GRAY": b"GRAY", "CMYK": b"CMYK", "LAB": b"Lab "}  # of ICC.1:2022
NO_PROFILE = "its colour profile cannot be read and is left out"
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601


@dataclass(frozen=True)
class ColourSpace:
    """`model` is RGB, GRAY, CMYK (0 = full ink, as Photoshop stores it) or LAB (a and b around the middle of the
    range); `profile` its ICC profile, sRGB or plain inversion where None; `linear` where values are linear light of
    the profile's primaries (32 bit); `working` what Photoshop took for the light of RGB without a profile (sRGB where
    None): other programs show its values as sRGB all the same.
    """

    model: str
    profile: bytes | None = None
    linear: bool = False
    working: Callable[[], Shaper | None] | None = field(default=None, compare=False)

    @property
    def planes(self) -> int:
        return PLANES[self.model]

    @property
    def white(self) -> Plane:
        return np.array([1.0, 128 / 255, 128 / 255] if self.model == "LAB" else [1.0] * self.planes, np.float32)

    def to_srgb(self, samples: Samples) -> Encoded:
        """(h, w, planes) → (h, w, 3) sRGB of the same depth; float32 becomes uint16."""
        if samples.dtype == np.float32:
            return (self._float_to_srgb(samples) * 65535.0 + 0.5).astype(np.uint16)
        if self.is_srgb:
            return samples
        if self.model == "GRAY" and self._shaper is None:
            return np.repeat(samples, 3, -1)
        if self._shaper is not None and (samples.dtype == np.uint16 or self.linear):
            top = np.iinfo(samples.dtype).max
            return (self._float_to_srgb(samples / np.float32(top)) * top + 0.5).astype(samples.dtype)
        return self._through_pillow(samples, to_srgb=True)

    def from_srgb(self, rgb: Encoded) -> Samples:
        """(h, w, 3) sRGB → (h, w, planes) of the same depth, float32 where `linear`."""
        if self.linear:
            light = decoded(rgb / np.float32(np.iinfo(rgb.dtype).max))
            return self._linear_shaper.from_srgb_light(light) if self._linear_shaper else self._grey_or_rgb(light)
        if self.is_srgb:
            return rgb
        if self.model == "GRAY" and self._shaper is None:
            return ((rgb @ _LUMA) + 0.5).astype(rgb.dtype)[..., None]
        if self._shaper is not None and rgb.dtype == np.uint16:
            light = self._shaper.from_srgb_light(decoded(rgb / np.float32(65535)))
            return (np.clip(self._shaper.encoded(light), 0.0, 1.0) * 65535.0 + 0.5).astype(np.uint16)
        return self._through_pillow(rgb, to_srgb=False)

    def converted(self, samples: Samples, to: ColourSpace) -> Samples:
        """Straight colour of this space → of another, through sRGB."""
        return samples if to == self else to.from_srgb(self.to_srgb(samples))

    def light(self, values: Plane) -> Plane:
        """Encoded RGB 0..1 → linear light of its own primaries."""
        return self._light.linear(values) if self._light else decoded(np.clip(values, 0.0, 1.0))

    def from_light(self, values: Plane) -> Plane:
        return self._light.encoded(values) if self._light else encoded(values)

    @property
    def primaries(self) -> NDArray[np.float64]:
        """(3, 3): linear light of its RGB → XYZ of D50."""
        return self._light.matrix if self._light else SRGB_MATRIX

    def _float_to_srgb(self, values: Plane) -> Plane:
        if self.linear:
            own = self._linear_shaper
            return encoded(own.to_srgb_light(values) if own else np.broadcast_to(values, (*values.shape[:2], 3)))
        own = self._shaper
        if own is not None:
            return encoded(own.to_srgb_light(own.linear(np.clip(values, 0.0, 1.0))))
        if self.model in ("RGB", "GRAY"):
            return np.clip(np.broadcast_to(values, (*values.shape[:2], 3)), 0.0, 1.0)
        eight = (np.clip(np.nan_to_num(values), 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
        return self._through_pillow(eight, to_srgb=True) / np.float32(255)

    def _grey_or_rgb(self, light: Plane) -> Plane:
        return light if self.model == "RGB" else (light @ _LUMA)[..., None]

    @cached_property
    def _shaper(self) -> Shaper | None:
        found = shaper(self.profile) if self.profile and self.model in ("RGB", "GRAY") else None
        return found if found is not None and len(found.curves) == self.planes else None

    @cached_property
    def _light(self) -> Shaper | None:
        return self.working() if self.working and self.profile is None else self._shaper

    @property
    def _linear_shaper(self) -> Shaper | None:
        """Only its primaries count there."""
        return self._shaper if self.model == "RGB" else None

    @cached_property
    def is_srgb(self) -> bool:
        """Whether its samples are sRGB as they are."""
        if self.model != "RGB" or self.linear:
            return False
        return not self.profile or (self._shaper is not None and self._shaper.is_srgb)

    def _through_pillow(self, samples: Encoded, *, to_srgb: bool) -> Encoded:
        """8 bit, whatever the depth of the samples."""
        own = _PILLOW[self.model]
        mode, target = (own, "RGB") if to_srgb else ("RGB", own)
        transform = _transform(self.profile, own, to_srgb)
        narrow = eight(samples)
        image = _image(narrow, mode)
        converted = ImageCms.applyTransform(image, transform) if transform else image.convert(target)
        assert converted is not None  # it was not done in place
        array = _array(converted, target)
        return array if samples.dtype == np.uint8 else sixteen(array)


SRGB = ColourSpace("RGB")


def _image(values: NDArray[np.uint8], mode: str) -> Image.Image:
    """Pillow's CMYK counts ink; its Lab keeps the bytes of a file only plane by plane."""
    values = 255 - values if mode == "CMYK" else values
    planes = [Image.fromarray(np.ascontiguousarray(values[..., index])) for index in range(values.shape[-1])]
    return Image.merge(mode, planes) if len(planes) > 1 else planes[0]


def _array(image: Image.Image, mode: str) -> NDArray[np.uint8]:
    values = np.stack([np.asarray(band) for band in image.split()], -1)
    return 255 - values if mode == "CMYK" else values


@cache
def srgb_profile() -> bytes:
    """ICC. Its date (bytes 24 to 35 of the header, ICC.1:2022) is a fixed one: equal pictures make equal files."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    return bytes(profile)


@cache
def usable_profile(profile: bytes | None, model: str) -> bytes | None:
    """None where it is broken, or of another model than the pixels': viewers leave such a profile out."""
    if not profile or profile[16:20] != _SIGNATURES[model]:
        return None
    try:
        return profile if model == "LAB" or shaper(profile) or _transform(profile, _PILLOW[model], True) else None
    except FileError:
        return None  # broken: left out, as viewers do


@cache
def _transform(profile: bytes | None, mode: str, to_srgb: bool) -> ImageCms.ImageCmsTransform | None:
    """None without a profile: Pillow's own conversion. Lab needs none of its own."""
    if profile is None and mode != "LAB":
        return None
    own = ImageCms.createProfile("LAB") if mode == "LAB" else _opened(profile or b"")
    srgb = ImageCms.createProfile("sRGB")
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    try:
        if to_srgb:
            return ImageCms.buildTransform(own, srgb, mode, "RGB", intent, flags)
        return ImageCms.buildTransform(srgb, own, "RGB", mode, intent, flags)
    except ImageCms.PyCMSError as error:
        raise FileError(f"the colour profile does not fit {mode} pixels: {error}", "Assign a fitting one.") from error


@cache
def _opened(profile: bytes) -> ImageCms.ImageCmsProfile:
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (OSError, ImageCms.PyCMSError, ValueError) as error:
        raise FileError(f"the colour profile cannot be read: {error}", "Assign another profile.") from error
