"""GET /v1/library, and what is put into it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Body
from starlette.responses import JSONResponse, Response

from acetate.protocol.codec import is_text, to_json
from acetate.protocol.errors import FileError
from acetate.protocol.library import Download, Library
from acetate_engine.api.dependencies import EngineOf
from acetate_engine.models.families.places import note_folders, require_models_in, scanned_folders
from acetate_engine.models.library.listing import library

router = APIRouter()
_LONGEST = 4096  # characters of a path
_MOST = 32  # folders


@router.get("", response_model=Library)
async def get_library(engine: EngineOf) -> JSONResponse:
    """Model files that are there, that are missing, and that are on their way."""
    return JSONResponse(to_json(await asyncio.to_thread(library, engine.downloads.all())))


@router.post("/downloads", status_code=202, response_model=Download)
async def start_download(engine: EngineOf, name: Annotated[str, Body(embed=True)]) -> JSONResponse:
    """Fetches a file that is missing; what came of it before is gone on with. Asking again changes nothing."""
    return JSONResponse(to_json(await asyncio.to_thread(engine.downloads.fetch, name)), status_code=202)


@router.delete("/downloads/{name}", status_code=204, response_class=Response)
async def cancel_download(engine: EngineOf, name: str) -> Response:
    """Ends it; one that has ended is no longer told of."""
    engine.downloads.cancel(name)
    return Response(status_code=204)


@router.post("/files", status_code=202, response_model=Download)
async def add_file(
    engine: EngineOf, path: Annotated[str, Body(max_length=_LONGEST)], link: Annotated[bool, Body()] = False
) -> JSONResponse:
    """A safetensors file of this machine, recognised by its header; copied, or linked, into the folder of its kind."""
    added = await asyncio.to_thread(lambda: engine.downloads.add(path, as_link=link))
    return JSONResponse(to_json(added), status_code=202)


@router.put("/folders", response_model=Library)
async def set_folders(
    engine: EngineOf, folders: Annotated[list[str], Body(embed=True, max_length=_MOST)]
) -> JSONResponse:
    """Folders of other programs whose models are used where they lie; nothing in them is changed."""
    await asyncio.to_thread(_note, folders)
    return JSONResponse(to_json(await asyncio.to_thread(library, engine.downloads.all())))


def _note(folders: list[str]) -> None:
    known = {str(folder) for folder in scanned_folders()}  # one that is gone for a while may stay
    for folder in folders:
        if not is_text(folder) or "\0" in folder or not Path(folder).is_absolute():
            raise FileError(f"{folder[:200]} is no place on a disk", "Choose a folder by its whole path.")
        if folder not in known:
            require_models_in(Path(folder))
    note_folders(dict.fromkeys(map(Path, folders)))
