"""A published file from the hub: resumed where it broke off, checked, and only then put onto its shelf."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acetate.protocol.errors import AcetateError, CheckpointError, FileError
from acetate.protocol.library import Origin
from acetate_engine.models.families.places import Shelf
from acetate_engine.models.library.origins import check, keep, read_kept, sha256_of
from acetate_engine.models.library.published import Published
from acetate_engine.paths import models_dir

if TYPE_CHECKING:
    from huggingface_hub.file_download import HfFileMetadata

_SHA256 = re.compile(r"[0-9a-f]{64}")
Advance = Callable[[int, int], None]


class DownloadCancelled(Exception):
    """By the painter."""


def fetch(file: Published, advance: Advance, checking: Callable[[], None]) -> Path:
    """Where it lies now. `advance` is told the bytes that are there and those there will be, and may raise.

    Raises FileError where the hub cannot be reached or there is no room, CheckpointError where it is another file.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    endpoint = os.environ.get("HF_ENDPOINT")
    target = models_dir() / Shelf.LAYERS.value[0] / file.name
    try:
        url = hf_hub_url(file.repository, file.name, endpoint=endpoint)
        said = get_hf_file_metadata(url, token=False, endpoint=endpoint)  # False: nothing of the painter's goes along
        came = _come(file.name, said, advance)
    except (AcetateError, DownloadCancelled):
        raise
    except Exception as error:  # whatever the library's own library for HTTP raises: no file came
        raise FileError(f"{file.name} could not be had from {file.repository} ({_short(error)})", _AGAIN) from error
    checking()
    digest = said.etag if _SHA256.fullmatch(said.etag or "") else ""
    return _take_in(came, target, digest or "", f"{file.repository}@{said.commit_hash}")


def _come(name: str, said: HfFileMetadata, advance: Advance) -> Path:
    """The file as far as it is there, gone on with: the library's own way keeps nothing of what broke off."""
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # its documentation names it

    version = re.sub(r"[^0-9A-Za-z]", "", said.etag or "")[:64]
    coming = models_dir() / ".coming" / f"{name}.{version}"
    coming.parent.mkdir(parents=True, exist_ok=True)
    total = said.size or 0
    with coming.open("ab") as part:
        there = part.tell()
        advance(there, total)
        if there != total or not total:
            bar = _bar(advance, total)
            headers = build_hf_headers(token=False)
            http_get(said.location, part, resume_size=there, headers=headers, expected_size=said.size, tqdm_class=bar)
    return coming


_AGAIN = "Check network and disk, then again: what has come stays, and is gone on with."


def _take_in(came: Path, target: Path, said: str, source: str) -> Path:
    digest = sha256_of(came)
    try:
        origin = check(target.name, digest, read_kept(target), said)
    except CheckpointError:
        came.unlink()
        raise
    target.parent.mkdir(parents=True, exist_ok=True)
    came.replace(target)
    if origin is not Origin.UNVERIFIED:
        keep(target, digest, origin, source)
    return target


def _bar(advance: Advance, total: int) -> type[Any]:
    """What huggingface-hub takes for a progress bar."""
    from tqdm.auto import tqdm  # type: ignore[import-untyped]  # no stubs among our tools

    class _Told(tqdm):
        """Says nothing on the screen."""

        def __init__(self, *args: Any, **named: Any) -> None:
            named.pop("name", None)
            super().__init__(*args, **{**named, "disable": True})
            self._there = int(named.get("initial") or 0)

        def update(self, n: float | None = 1) -> bool | None:
            self._there += int(n or 0)
            advance(self._there, total)
            return None

    return _Told


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
