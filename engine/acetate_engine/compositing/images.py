"""Image bodies (protocol pixels or PNG) ↔ numpy arrays."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from acetate.protocol.errors import MalformedMessage
from acetate.protocol.geometry import Extent
from acetate.protocol.pixels import MAX_PIXELS, PixelBuffer, PixelFormat, header
from acetate_engine.compositing.pixels import Pixels

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def decode_image(body: bytes) -> Pixels:
    """(height, width, 4) straight sRGB, uint8 or uint16; (height, width) uint8 for an A8 body.

    Raises MalformedMessage where `body` is neither protocol pixels nor a readable PNG.
    """
    if body.startswith(PNG_MAGIC):
        return _decode_png(body)
    buffer = PixelBuffer.decode(body)
    shape = (buffer.extent.height, buffer.extent.width)
    if buffer.format is PixelFormat.A8:
        return np.frombuffer(buffer.data, np.uint8).reshape(shape)
    if buffer.format is PixelFormat.RGBA8:
        return np.frombuffer(buffer.data, np.uint8).reshape(*shape, 4)
    return np.frombuffer(buffer.data, np.dtype("<u2")).astype(np.uint16, copy=False).reshape(*shape, 4)


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
            return np.asarray(image.convert("RGBA"))
    except (OSError, SyntaxError, ValueError) as error:
        raise MalformedMessage(f"the PNG cannot be read: {error}", "Send the image again.") from error
