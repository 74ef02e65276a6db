"""Flat pictures: everything that Pillow reads, as viewers show it; PNG and WebP out."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Extent
from acetate_engine.documents.broken import MAX_PICTURE, broken_file
from acetate_engine.documents.colour import ColourSpace, Encoded, Samples, usable_profile
from acetate_engine.documents.files import contents
from acetate_engine.documents.formats import format_of, printable
from acetate_engine.documents.tree import LayeredDocument, Memory, PixelLayer

# Not those that start another program (EPS), only name a library (the stubs), or have a reader of their own (PSD)
_LEFT_OUT = {"EPS", "WMF", "PSD", "BUFR", "GRIB", "HDF5", "FPX", "MIC", "MPEG"}
SEVERAL = "it holds several pictures (an animation, or pages), of which the first is used"
_MODELS = {"RGB": "RGB", "RGBA": "RGB", "L": "GRAY", "LA": "GRAY", "CMYK": "CMYK", "LAB": "LAB"}


def read_raster(path: Path) -> LayeredDocument:
    """One layer named after the file. Raises FileError where Pillow does not read it, or it is broken or too large."""
    data = contents(path)
    pixels = decode_picture(data, printable(path.name))
    layer = PixelLayer(path.stem, source=Memory.at(0, 0, pixels))
    extent = Extent(pixels.shape[1], pixels.shape[0])
    remarks = (SEVERAL,) if _has_several(data) else ()
    return LayeredDocument(extent, (layer,), 8 * pixels.dtype.itemsize, merged=layer.source, path=path, remarks=remarks)


def _has_several(data: bytes) -> bool:
    """Whether a painter may miss some of its pictures; a phone's MPO holds one, and smaller ones of it."""
    with Image.open(io.BytesIO(data), formats=readable()) as image:
        try:
            return image.format != "MPO" and bool(getattr(image, "is_animated", False))
        except (OSError, ValueError, SyntaxError, EOFError, struct.error):
            return False  # what follows the first one is broken


def decode_picture(data: bytes, name: str, formats: list[str] | None = None) -> Encoded:
    """(h, w, 4) straight sRGB, uint8 or, where the file is deeper, uint16; `name` is what an error calls it."""
    with broken_file(name):
        try:
            opened = Image.open(io.BytesIO(data), formats=formats or readable())
        except UnidentifiedImageError as error:
            raise FileError(f"{name} is {format_of(data)}", "Save it as PNG.") from error
        with opened as image:
            if image.width * image.height > MAX_PICTURE:
                raise FileError(f"{name} is {image.width}×{image.height}", f"Use at most {MAX_PICTURE} pixels.")
            return _oriented(_pixels(image, data), image)


def readable() -> list[str]:
    Image.init()
    return [kind for kind in Image.ID if kind not in _LEFT_OUT]


def _pixels(image: Image.Image, data: bytes) -> Encoded:
    profile = image.info.get("icc_profile")
    deep = _deep(image, data)
    if deep is not None:
        model = "RGB" if deep.shape[-1] > 2 else "GRAY"
        return _in_srgb(deep, ColourSpace(model, usable_profile(profile, model)))
    if image.mode == "La":
        image = image.convert("LA")
    if image.mode not in _MODELS or "transparency" in image.info:
        image = image.convert("RGBA")
    values = np.stack([np.asarray(band) for band in image.split()], -1)
    if image.mode == "CMYK":
        values = 255 - values
    if not image.mode.endswith("A"):
        values = np.concatenate([values, np.full_like(values[..., :1], 255)], -1)
    return _in_srgb(values, ColourSpace(_MODELS[image.mode], usable_profile(profile, _MODELS[image.mode])))


def _deep(image: Image.Image, data: bytes) -> NDArray[np.uint16] | None:
    """16 bit grey or RGB with alpha, of pictures of more than 8 bit."""
    if image.mode.startswith("I;16"):
        grey = _whole(np.asarray(image).astype(np.uint16), image)
    elif image.mode == "I":
        values = np.asarray(image).astype(np.int64)
        most = (1 << 31) - 1
        if _of_tiff(image, 339) in (None, 1) and _of_tiff(image, 258) == 32:
            values, most = values & 0xFFFFFFFF, (1 << 32) - 1  # Pillow knows signed ones only
        top = 65535 if values.max(initial=0) <= 65535 else most
        grey = (np.clip(values, 0, top) * 65535 // top).astype(np.uint16)
    elif image.mode == "F":
        grey = (np.clip(np.nan_to_num(np.asarray(image)), 0.0, 1.0) * 65535.0 + 0.5).astype(np.uint16)
    else:
        return _deep_png(image, data)
    clear = image.info.get("transparency")
    alpha = np.where(grey == clear, 0, 65535) if isinstance(clear, int) else np.full_like(grey, 65535)
    return np.stack([grey, alpha.astype(np.uint16)], -1)


def _whole(grey: NDArray[np.uint16], image: Image.Image) -> NDArray[np.uint16]:
    """Over all of 16 bits, white at the top: Pillow leaves TIFF's 12 bits and its "white is zero" as they are."""
    if _of_tiff(image, 258) == 12:
        grey = (grey.astype(np.uint32) * 65535 // 4095).astype(np.uint16)
    return 65535 - grey if _of_tiff(image, 262) == 0 else grey


def _of_tiff(image: Image.Image, tag: int) -> int | None:
    """The first value of a tag of TIFF 6.0; None where the picture is of another format, or has none."""
    found = getattr(image, "tag_v2", {}).get(tag)
    return int(found[0] if isinstance(found, tuple) else found) if found is not None else None


def _deep_png(image: Image.Image, data: bytes) -> NDArray[np.uint16] | None:
    """Pillow halves the depth of 16 bit RGB."""
    is_deep = image.format == "PNG" and len(data) > 26 and data[24] == 16 and data[25] in (2, 6)
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if is_deep else None
    if values is None or values.dtype != np.uint16 or values.shape[:2] != (image.height, image.width):
        return None
    if values.shape[-1] == 3:
        return np.concatenate([values[..., ::-1], np.full_like(values[..., :1], 65535)], -1)
    return values[..., [2, 1, 0, 3]]


def _in_srgb(values: Samples, space: ColourSpace) -> Encoded:
    return np.concatenate([space.to_srgb(values[..., :-1]), values[..., -1:]], -1)


def _oriented(pixels: Encoded, image: Image.Image) -> Encoded:
    """As the camera was held: EXIF's tag 274."""
    turns = {2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False)}
    orientation = image.getexif().get(274, 1)
    if orientation not in turns:
        return pixels
    quarter_turns, mirrored = turns[orientation]
    turned = np.rot90(pixels, quarter_turns)
    return np.ascontiguousarray(turned[:, ::-1] if mirrored else turned)


def encode_picture(pixels: NDArray[np.uint8], kind: str = "PNG", xmp: bytes = b"") -> bytes:
    """PNG or lossless WebP of (h, w, 4) straight sRGB; colour under alpha 0 survives. `xmp`: a packet, or empty."""
    stream, texts = io.BytesIO(), PngInfo()
    if xmp:
        texts.add_itxt("XML:com.adobe.xmp", xmp.decode())
    options = {"PNG": {"compress_level": 6, "pnginfo": texts}, "WEBP": {"lossless": True, "exact": True, "xmp": xmp}}
    Image.fromarray(pixels).save(stream, kind, **options[kind])
    return stream.getvalue()
