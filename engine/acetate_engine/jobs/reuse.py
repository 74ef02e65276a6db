"""Results that were made before: the same request, of the same files and versions, is not made again.

What is kept is one row a result: its layers are those of the job that made it, and go when that goes (storage.py).
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from acetate.protocol.errors import UnknownJob
from acetate.protocol.events import Done, JobState
from acetate.protocol.kept import to_record
from acetate.protocol.requests import GenerateRequest, Task
from acetate.protocol.version import __version__
from acetate_engine.jobs.images import ImageStore
from acetate_engine.jobs.store import JobStore
from acetate_engine.models.families import model_for
from acetate_engine.models.families.base import Model, stamped
from acetate_engine.paths import models_dir, resources_dir, wildcards_dir

OFF = "ACETATE_MAKE_AGAIN"  # in the environment of the engine: every job is carried out
NOTE = "made before: these are the layers of an equal request, which was not carried out again"
_LIBRARIES = ("torch", "diffusers", "transformers", "numpy", "opencv-python-headless")

log = logging.getLogger("reuse")


class Reuse:
    """In threads; each call asks the disk."""

    def __init__(self, store: JobStore, images: ImageStore) -> None:
        self._store = store
        self._images = images
        self._is_on = not os.environ.get(OFF)

    def identity(self, request: GenerateRequest, model: Model | None = None) -> str | None:
        """Of all that decides the result, as it is now; None where that cannot be told, or nothing is to be kept.

        `model`: that of the request, where it was looked for just now.
        """
        if not self._is_on or request.task is Task.IDENTITY:
            return None
        try:
            files = (model or model_for(request)).files if request.task.needs_model else ()
            beside = stamped([models_dir() / "parts", wildcards_dir(), *_presets()])
        except Exception as error:  # noqa: BLE001  # nothing to compare with: the job is run, and says what is wrong
            log.info("it cannot be told what decides a result: %s", error)
            return None
        decides = [to_record(request), _software(), [_described(*file) for file in (*files, *beside)]]
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()

    def find(self, identity: str | None) -> Done | None:
        """What an equal request gave, where every layer of it is whole."""
        try:
            return self._whole(identity)
        except Exception as error:  # noqa: BLE001  # whatever it is: the job is run
            log.warning("an earlier result cannot be used again: %s", error)
            return None

    def _whole(self, identity: str | None) -> Done | None:
        """Raises LayerDamaged, UnknownImage."""
        job = self._store.made_as(identity) if identity else None
        if job is None:
            return None
        status = self._store.status(job)
        for layer in status.layers:
            self._images.verified(layer.digest)
        if status.state is not JobState.DONE or not status.layers:
            return None
        return Done(status.layers, (*(note for note in status.notes if note != NOTE), NOTE))

    def keep(self, job: str, request: GenerateRequest, began_as: str | None) -> None:
        """That `job` is done; `began_as` is its identity from before, which may not be what it ended as."""
        if began_as is not None and self.identity(request) == began_as:
            with suppress(UnknownJob):  # swept meanwhile
                self._store.note_made(job, began_as)


def _presets() -> Iterator[Path]:
    """Those of tasks; what lies in folders beside them is for training and measuring."""
    return (resources_dir() / "presets").glob("*.json")


def _described(path: Path, modified: int) -> list[str | int]:
    """Name, time of modification and size; -1 of one that is gone meanwhile."""
    try:
        size = path.stat().st_size
    except OSError:
        size = -1  # gone meanwhile, which is a state of its own
    return [str(path), modified, size]


@cache
def _software() -> list[object]:
    """Versions, and the engine's own files as they were when it started."""
    own = stamped([Path(__file__).parents[1]])
    newest = max(modified for path, modified in own if path.suffix == ".py")
    return [__version__, newest, *map(_version, _LIBRARIES)]


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:  # a worker on another machine may have it
        return ""
