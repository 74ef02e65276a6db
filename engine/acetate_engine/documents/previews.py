"""The pictures of all layers that Krita and OpenRaster documents carry: where a new layer shows, they change."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from acetate.protocol.geometry import Bounds
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.documents.archive import opened
from acetate_engine.documents.colour import SRGB, ColourSpace, Samples
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.planes import unit
from acetate_engine.documents.raster import encode_picture
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.tree import Layer, LayeredDocument

_MERGED = "mergedimage.png"
_THUMBNAILS = ("preview.png", "Thumbnails/thumbnail.png")


def patched_previews(
    source: Path, document: LayeredDocument, edited: Path, layers: Sequence[Layer], changed: Bounds
) -> tuple[dict[str, bytes], bool]:
    """New contents of the previews by member; whether any pixel of them rests on layers that Acetate draws otherwise
    than their program did. Raises FileError.
    """
    if document.merged is None or changed.is_empty:
        return {}, False
    fresh, is_guessed = _fresh(document, read_document(edited), layers, changed)
    with opened(source) as archive:
        merged = archive.read(_MERGED)
        data = _with_pixels(merged, changed, fresh)
        found = {_MERGED: data}
        for name in _THUMBNAILS:
            if name in archive.names:
                found[name] = _thumbnail(archive.read(name), data, changed, document)
    return found, is_guessed


def _fresh(
    document: LayeredDocument, edited: LayeredDocument, layers: Sequence[Layer], changed: Bounds
) -> tuple[Samples, bool]:
    """(h, w, 4) straight sRGB 0..1, NaN where nothing changes: see psd_merged."""
    depth, space = document.depth, document.space
    before, after = (flatten(one.layers, changed, depth=depth, space=space) for one in (document, edited))
    assert document.merged is not None
    stored = _premultiplied(document.merged.read(changed))
    coverage = unit(flatten(layers, changed, depth=depth, space=space)[..., 3:])
    old, new = _premultiplied(before), _premultiplied(after)
    is_changed = (before != after).any(-1, keepdims=True)
    patched = np.clip(new + (stored - old) * (1.0 - coverage), 0.0, 1.0)
    alpha = patched[..., 3:]
    straight = np.divide(patched[..., :3], alpha, out=np.zeros_like(patched[..., :3]), where=alpha > 0.0)
    unlike = np.abs(stored - old).max(-1, keepdims=True) > 2.5 / 255
    result = np.concatenate([np.clip(straight, 0.0, 1.0), alpha], -1)
    return np.where(is_changed, result, np.nan), bool((unlike & is_changed & (coverage < 1.0)).any())


def _premultiplied(pixels: Pixels) -> Samples:
    values = unit(pixels)
    return np.concatenate([values[..., :3] * values[..., 3:], values[..., 3:]], -1)


def _with_pixels(png: bytes, place: Bounds, fresh: Samples) -> bytes:
    """The PNG with other pixels in `place`, in its own depth and with its own profile."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        profile, mode = image.info.get("icc_profile"), image.mode
        values = _values(png, image)
    space = ColourSpace("RGB", profile) if profile and profile[16:20] == b"RGB " else SRGB
    top = np.iinfo(values.dtype).max
    wanted = np.nan_to_num(fresh)
    colour = space.from_srgb((wanted[..., :3] * top + 0.5).astype(values.dtype))
    pixels = np.concatenate([colour, (wanted[..., 3:] * top + 0.5).astype(values.dtype)], -1)
    window = (slice(place.y, place.bottom), slice(place.x, place.right))
    values[window] = np.where(np.isnan(fresh[..., :1]), values[window], pixels)
    return _encoded(values, profile if mode in ("RGB", "RGBA") else None)


def _values(png: bytes, image: Image.Image) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """(h, w, 4), as they are stored."""
    if png[24] == 16 and png[25] in (2, 6):
        values = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
        assert values is not None  # Pillow has read it
        rgb = values[..., 2::-1]
        alpha = values[..., 3:] if values.shape[-1] == 4 else np.full_like(values[..., :1], 65535)
        return np.concatenate([rgb, alpha], -1)
    return np.array(image.convert("RGBA"))


def _encoded(values: NDArray[np.uint8] | NDArray[np.uint16], profile: bytes | None) -> bytes:
    if values.dtype == np.uint8:
        stream = io.BytesIO()
        Image.fromarray(values).save(stream, "PNG", icc_profile=profile)
        return stream.getvalue()
    data: bytes = cv2.imencode(".png", values[..., [2, 1, 0, 3]])[1].tobytes()
    return data if profile is None else _with_profile(data, profile)


def _with_profile(png: bytes, profile: bytes) -> bytes:
    """OpenCV writes 16 bit and no profile: an iCCP chunk behind the header (PNG specification, 11.3.2.3)."""
    body = b"iCCP" + b"profile\0\0" + zlib.compress(profile)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:33] + chunk + png[33:]


def _thumbnail(old: bytes, merged: bytes, changed: Bounds, document: LayeredDocument) -> bytes:
    """Drawn anew where the new layers lie."""
    with Image.open(io.BytesIO(old), formats=["PNG"]) as image, Image.open(io.BytesIO(merged)) as whole:
        kept = image.convert("RGBA")
        scaled = whole.convert("RGBA").resize(kept.size, Image.Resampling.LANCZOS)
    x, y = kept.width / document.extent.width, kept.height / document.extent.height
    box = (int(changed.x * x), int(changed.y * y), int(-(-changed.right * x // 1)), int(-(-changed.bottom * y // 1)))
    kept.paste(scaled.crop(box), box)
    return encode_picture(np.asarray(kept))
