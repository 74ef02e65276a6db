"""What is on its way: a thread each, told of by name, cancelled by name."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from acetate.protocol.errors import AcetateError, InvalidRequest
from acetate.protocol.library import Download, DownloadState
from acetate_engine.models.library.adding import checked, copy, link
from acetate_engine.models.library.fetching import DownloadCancelled, fetch
from acetate_engine.models.library.published import published
from acetate_engine.models.parts import fetching as parts
from acetate_engine.models.parts.shelf import all_parts

log = logging.getLogger("library")
MOST = 4  # at once


@dataclass
class _Task:
    told: Download
    is_cancelled: threading.Event = field(default_factory=threading.Event)


Fetch = Callable[["_Task"], None]


class Downloads:
    """Any thread."""

    def __init__(self) -> None:
        self._tasks: dict[str, _Task] = {}
        self._lock = threading.Lock()

    def all(self) -> tuple[Download, ...]:
        """The ended ones too, until they are dismissed."""
        with self._lock:
            return tuple(task.told for task in self._tasks.values())

    def fetch(self, name: str) -> Download:
        """A published file or a part. Raises InvalidRequest where there is none of that name."""
        if name in published():
            return self._begin(name, lambda task: self._from_hub(name, task))
        part = next((part for part in all_parts() if part.name == name), None)
        if part is None:
            raise InvalidRequest(f"no file is published as {name[:80]!r}", "Choose one of those that are missing.")
        return self._begin(name, lambda task: parts.fetch(part))

    def add(self, path: str, *, as_link: bool) -> Download:
        """A file of this machine. Raises FileError, CheckpointError at once where it cannot be used."""
        source, target = checked(path)
        if as_link:
            link(source, target)
            return Download(target.name, DownloadState.DONE)
        size = source.stat().st_size
        return self._begin(
            target.name,
            lambda task: copy(source, target, lambda more: self._advance(task, task.told.done + more, size)),
        )

    def cancel(self, name: str) -> None:
        """Ends it; what has come of a download stays, to be gone on with. An ended one is dismissed."""
        with self._lock:
            task = self._tasks.get(name)
            if task is not None and task.told.state.is_final:
                del self._tasks[name]
            elif task is not None:
                task.is_cancelled.set()

    def _begin(self, name: str, work: Fetch) -> Download:
        with self._lock:
            running = [task for task in self._tasks.values() if not task.told.state.is_final]
            known = self._tasks.get(name)
            if known in running and known is not None:
                return known.told
            if len(running) >= MOST:
                raise InvalidRequest(f"{MOST} files are on their way already", "Wait until one of them is there.")
            task = self._tasks[name] = _Task(Download(name, DownloadState.RUNNING))
        threading.Thread(target=self._run, args=(task, work), name=f"download {name}", daemon=True).start()
        return task.told

    def _run(self, task: _Task, work: Fetch) -> None:
        try:
            work(task)
        except DownloadCancelled:
            self._tell(task, DownloadState.CANCELLED)
        except AcetateError as error:
            self._tell(task, DownloadState.FAILED, f"{error.detail}. {error.remedy}")
        except Exception as error:  # of a type that nobody foresaw: said, and no other download ends with it
            log.exception("a download ended")
            self._tell(task, DownloadState.FAILED, f"{type(error).__name__}: {error}")
        else:
            self._tell(task, DownloadState.DONE)

    def _from_hub(self, name: str, task: _Task) -> None:
        fetch(
            published()[name],
            lambda done, total: self._advance(task, done, total),
            lambda: self._tell(task, DownloadState.CHECKING),
        )

    def _advance(self, task: _Task, done: int, total: int) -> None:
        if task.is_cancelled.is_set():
            raise DownloadCancelled
        task.told = replace(task.told, done=done, total=total)

    def _tell(self, task: _Task, state: DownloadState, reason: str = "") -> None:
        task.told = replace(task.told, state=state, reason=reason)
