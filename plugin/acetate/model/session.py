"""What the docker can ask for. One session a docker."""

from __future__ import annotations

import json
import traceback
from collections.abc import Coroutine
from typing import Any

from acetate.canvas.document import OpenDocument, active_document
from acetate.canvas.selection import region
from acetate.client.launcher import Launcher
from acetate.coroutines import Future, Loop, Post
from acetate.model.conditions import conditions
from acetate.model.engine import Engine, EngineState
from acetate.model.generation import Generation, Work
from acetate.model.history import History, Result
from acetate.model.jobs import Job, Phase
from acetate.model.messages import ENGINE_LOST, Message, done_otherwise, unexpected
from acetate.model.observable import Observable, Signal
from acetate.model.results import Results
from acetate.model.settings import Saved, Settings
from acetate.protocol.codec import from_json, to_json
from acetate.protocol.errors import AcetateError, DocumentError, MalformedMessage
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import Task


class Session:
    """On the GUI thread, which it never holds for longer than one of Krita's own calls takes."""

    def __init__(self, post: Post) -> None:
        self._loop = Loop(post)
        self.engine = Engine(self._loop, Launcher())
        self.settings = Settings()
        self.history = History()
        self.jobs: list[Job] = []  # those that have not ended, the oldest first
        self.jobs_changed: Signal[None] = Signal()
        self._has_recalled = False
        self._seen: set[str] = set()  # documents
        self.message: Observable[Message] = Observable(None)
        self._generation = Generation(self._loop, self.engine)
        self._results = Results(self._loop, self.engine, self.history)
        self.engine.state.changed.connect(self._tell_of_engine)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What the chosen model can do, as far as the models are known."""
        known = {model.name: model.tasks for model in self.engine.models.value}
        return known.get(self.settings.model.value, tuple(Task))

    def warm_up(self) -> None:
        """Brings up the engine before it is needed. An error would only disturb now: Generate will show it."""
        if self.engine.state.value is EngineState.OFF:
            self._loop.run(self.engine.connection())

    def generate(self) -> None:
        """Starts a job with the settings as they are, on the active document."""
        self.message.value = None
        self.settings.roll_seed()
        try:
            work = self._prepare()
        except AcetateError as error:
            self.message.value = error
            return
        self.jobs.append(work.job)
        self.jobs_changed.emit(None)
        self._run(self._carry_out(work))

    def cancel(self) -> None:
        """The oldest job that goes on."""
        if self.jobs:
            self._run(self._generation.cancel(self.jobs[0]))

    def insert(self, result: Result) -> None:
        """Puts a result of the history above the active layer of the active document."""
        self.message.value = None
        try:
            document = _open_document()
            place = document.place()
        except AcetateError as error:
            self.message.value = error
            return
        self._run(self._results.insert(result, document, place, expected=None))

    def enter_document(self) -> None:
        """Takes up the settings that the active document keeps, the first time that it is seen."""
        document = active_document()
        if document is None or document.id in self._seen:
            return
        self._seen.add(document.id)
        try:
            if data := document.annotation():
                self.settings.restore(from_json(Saved, json.loads(data)))
        except (ValueError, MalformedMessage) as error:
            self.message.value = DocumentError(f"its Acetate settings cannot be read ({error})", "Set them anew.")

    def _prepare(self) -> Work:
        document, settings = _open_document(), self.settings
        place, task = document.place(), settings.task.value
        wanted = conditions(task, settings.background.value, settings.foreground.value, place)
        pixel_format = PixelFormat.RGBA8 if document.colour_space.depth == "U8" else PixelFormat.RGBA16
        request = settings.request(region(document), wanted.placeholders, pixel_format)
        request.validate()
        if task is Task.BACKGROUND_BEHIND_FOREGROUND and wanted.foreground:
            place = document.place_below(wanted.foreground.layer)
        return Work(Job(request), document, place, wanted, settings.saved())

    async def _carry_out(self, work: Work) -> None:
        job = work.job
        try:
            await self._generation.run(work)
            if job.result:
                notes = await self._results.take(job, job.result, work.document, work.place)
                work.document.annotate(json.dumps(to_json(work.settings)).encode())
                self.message.value = done_otherwise((*job.result.notes, *notes))
                job.enter(Phase.DONE)
            elif job.error:
                raise job.error
        finally:
            self.jobs.remove(job)
            self.jobs_changed.emit(None)

    def _tell_of_engine(self, state: EngineState) -> None:
        if state is EngineState.LOST and self.jobs:
            self.message.value = ENGINE_LOST
        elif state is EngineState.READY:
            self._greet_engine()

    def _greet_engine(self) -> None:
        if self.message.value is ENGINE_LOST:
            self.message.value = None
        if not self._has_recalled:
            self._has_recalled = True
            self._run(self._results.recall())

    def _run(self, coroutine: Coroutine[Future[Any], None, object]) -> None:
        """Starts it; an error of it is shown."""
        outcome = self._loop.run(coroutine)
        outcome.then(lambda: self._show_error(outcome))

    def _show_error(self, outcome: Future[Any]) -> None:
        try:
            outcome.result()
        except AcetateError as error:
            self.message.value = error
        except Exception as error:  # noqa: BLE001  # a bug: the painter sees it, and the log has the traceback
            traceback.print_exception(error)
            self.message.value = unexpected(error)


def _open_document() -> OpenDocument:
    document = active_document()
    if document is None:
        raise DocumentError("no document is open", "Open or create a picture first.")
    return document
