"""PUT, GET and HEAD /v1/images/{sha256}."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, Response

from acetate.protocol.errors import MalformedMessage, PayloadTooLarge, UnknownImage
from acetate.protocol.pixels import MAX_PIXELS, MEDIA_TYPE, read_header
from acetate_engine.api.dependencies import EngineOf
from acetate_engine.api.pixels import PixelsResponse
from acetate_engine.api.problems import problem
from acetate_engine.jobs.images import Upload

MAX_BODY = 64 + 8 * MAX_PIXELS  # bytes: the header, and 16 bits a channel
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_PNG = "image/png"

router = APIRouter()


@router.put("/{sha256}", status_code=201, response_class=Response, responses={200: {"description": "It was there."}})
async def put_image(sha256: str, request: Request, engine: EngineOf) -> Response:
    """Stores an image: protocol pixels or PNG, named by the SHA-256 of the body. Sending it again changes nothing."""
    engine.images.path(sha256)
    if int(request.headers.get("content-length", "0")) > MAX_BODY:
        raise _too_large()
    with engine.images.incoming() as upload:
        try:
            size = await _receive(request, upload)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        is_new = await asyncio.to_thread(_check_and_keep, upload, sha256, size)
    return Response(status_code=201 if is_new else 200)


async def _receive(request: Request, upload: Upload) -> int:
    """How many bytes came. Raises PayloadTooLarge, ClientDisconnect."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise _too_large()
        upload.write(chunk)
    return size


def _check_and_keep(upload: Upload, sha256: str, size: int) -> bool:
    upload.flush()
    check_body(upload.path, size)
    return upload.keep(sha256)


def check_body(path: Path, size: int) -> None:
    """Raises MalformedMessage where the file is neither a whole protocol image nor a whole PNG."""
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(_PNG_MAGIC):
        _check_png(path)
        return
    extent, pixel_format, offset = read_header(start)
    expected = offset + extent.area * pixel_format.bytes_per_pixel
    if size != expected:
        raise MalformedMessage(
            f"{extent} pixels of {pixel_format.value} make a body of {expected} bytes, and {size} came",
            "Send the image again.",
        )


def _check_png(path: Path) -> None:
    from PIL import Image

    try:
        with Image.open(path, formats=["PNG"]) as image:
            width, height = image.size
            image.verify()
    except Image.DecompressionBombError:
        raise PayloadTooLarge("the PNG has too many pixels", "Send it as protocol pixels.") from None
    except Exception as error:  # Pillow raises whatever a broken file makes it stumble over
        raise MalformedMessage(
            f"the PNG cannot be read: {type(error).__name__}: {error}", "Send the image again."
        ) from error
    if width * height > MAX_PIXELS:
        raise PayloadTooLarge(f"the PNG is {width}×{height}", f"Send at most {MAX_PIXELS} pixels.")


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge(f"the body has more than {MAX_BODY} bytes", f"Send at most {MAX_PIXELS} pixels.")


@router.get("/{sha256}", response_class=FileResponse)
@router.head("/{sha256}", response_class=FileResponse)
async def get_image(sha256: str, engine: EngineOf) -> Response:
    """The body as it was stored; HEAD asks whether it is there."""
    try:
        path = engine.images.found(sha256)
    except UnknownImage as error:
        return problem(error, 404)
    return PixelsResponse(path, media_type=media_type(path))


def media_type(path: Path) -> str:
    with path.open("rb") as file:
        return _PNG if file.read(8) == _PNG_MAGIC else MEDIA_TYPE
