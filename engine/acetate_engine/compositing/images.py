"""Image bodies (protocol pixels or PNG) ↔ numpy arrays."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from acetate.protocol.errors import MalformedMessage
from acetate.protocol.geometry import Extent
from acetate.protocol.pixels import MAX_PIXELS, PixelFormat, check_length, header, read_header
from acetate_engine.compositing.pixels import Pixels

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_STRIP = 1 << 20  # pixels that are converted at once


def decode_image(body: bytes) -> Pixels:
    """(height, width, 4) straight sRGB, uint8 or uint16; (height, width) uint8 for an A8 body.

    Raises MalformedMessage where `body` is neither protocol pixels nor a readable PNG.
    """
    if body.startswith(PNG_MAGIC):
        return _decode_png(body)
    extent, pixel_format, offset = read_header(body)
    check_length(extent, pixel_format, len(body) - offset)
    shape = (extent.height, extent.width)
    if pixel_format is PixelFormat.RGBA16:
        values = np.frombuffer(body, np.dtype("<u2"), offset=offset).astype(np.uint16, copy=False)
        return np.require(values, requirements="A").reshape(*shape, 4)  # the header may have an odd length
    bytes_of = np.frombuffer(body, np.uint8, offset=offset)  # a view: pictures are large
    return bytes_of.reshape(shape if pixel_format is PixelFormat.A8 else (*shape, 4))


def encode_image(pixels: Pixels) -> bytes:
    """The protocol body of an array as `decode_image` gives it."""
    return b"".join(image_pieces(pixels))


def image_pieces(pixels: Pixels) -> tuple[bytes, memoryview]:
    """The body of `encode_image` as header and pixels, which are not copied where they lie in one piece."""
    height, width = pixels.shape[:2]
    if pixels.ndim == 2:
        pixel_format = PixelFormat.A8
    else:
        pixel_format = PixelFormat.RGBA8 if pixels.dtype == np.uint8 else PixelFormat.RGBA16
    little = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
    return header(Extent(width, height), pixel_format), np.ascontiguousarray(little).reshape(-1).view(np.uint8).data


def encode_png(rgba: NDArray[np.uint8]) -> bytes:
    """PNG of (height, width, 4) straight sRGB uint8, fast rather than small."""
    stream = io.BytesIO()
    Image.fromarray(rgba, "RGBA").save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _decode_png(body: bytes) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(body), formats=["PNG"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise MalformedMessage(f"the PNG is {image.width}×{image.height}", f"Send at most {MAX_PIXELS} pixels.")
            return _unpacked(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise MalformedMessage(f"the PNG cannot be read: {error}", "Send the image again.") from error


def _unpacked(image: Image.Image) -> NDArray[np.uint8]:
    """Strip by strip: Pillow's conversions would hold a large picture three times."""
    rgba = np.empty((image.height, image.width, 4), np.uint8)
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        rgba[top : top + rows] = np.asarray(strip.convert("RGBA"))
    return rgba
