"""Flat pictures through Pillow: PNG, WebP and JPEG in; PNG and WebP out."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Extent
from acetate_engine.documents.colour import ColourSpace
from acetate_engine.documents.tree import Document, Memory, PixelLayer

MAX_PICTURE = 1 << 27  # pixels of a picture that must be decoded whole: 512 MB of RGBA8
_FORMATS = ("PNG", "WEBP", "JPEG")


def read_raster(path: Path) -> Document:
    """One layer named after the file. Raises FileError where it is no PNG, WebP or JPEG, broken, or too large."""
    with path.open("rb") as file:
        pixels = decode_picture(file.read(), path.name)
    layer = PixelLayer(path.stem, source=Memory.at(0, 0, pixels))
    return Document(Extent(pixels.shape[1], pixels.shape[0]), (layer,), merged=layer.source, path=path)


def decode_picture(data: bytes, name: str) -> NDArray[np.uint8]:
    """(h, w, 4) straight sRGB; `name` is what an error calls it."""
    with broken_file(name), Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        if image.width * image.height > MAX_PICTURE:
            raise FileError(f"{name} is {image.width}×{image.height}", f"Use at most {MAX_PICTURE} pixels.")
        return _srgb(image)


def _srgb(image: Image.Image) -> NDArray[np.uint8]:
    profile = image.info.get("icc_profile")
    if image.mode not in ("RGB", "RGBA", "L", "LA", "CMYK") or not profile:
        return np.asarray(image.convert("RGBA"))
    model = {"RGB": "RGB", "RGBA": "RGB", "L": "GRAY", "LA": "GRAY", "CMYK": "CMYK"}[image.mode]
    values = np.asarray(image)
    values = values if values.ndim == 3 else values[..., None]
    has_alpha = image.mode.endswith("A")
    rgb = ColourSpace(model, profile).to_srgb(values[..., :-1] if has_alpha else values)
    alpha = values[..., -1:] if has_alpha else np.full((*rgb.shape[:2], 1), 255, np.uint8)
    return np.concatenate([rgb, alpha], -1).astype(np.uint8)


def encode_picture(pixels: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    """PNG or lossless WebP of (h, w, 4) straight sRGB; colour under alpha 0 survives."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, compress_level=6, lossless=True, exact=True)  # each takes its own
    return stream.getvalue()


@contextmanager
def broken_file(name: str) -> Iterator[None]:
    """Whatever a broken file makes a library raise becomes a FileError that names it."""
    try:
        yield
    except FileError:
        raise
    except UnidentifiedImageError as error:
        raise FileError(f"{name} is no PNG, WebP or JPEG picture", "Choose a picture.") from error
    except Image.DecompressionBombError as error:
        raise FileError(f"{name} is too large: {error}", f"Use at most {MAX_PICTURE} pixels.") from error
    except _BROKEN as error:
        reason = str(error) or type(error).__name__
        raise FileError(f"{name} cannot be read: {reason[:300]}", "Save it again in its program.") from error


_BROKEN = (
    *(OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, EOFError, ArithmeticError, SyntaxError),
    *(struct.error, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, AssertionError, RecursionError),
)
