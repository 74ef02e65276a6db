"""What the docker can ask for. One session a docker."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from acetate.client.launcher import Launcher
from acetate.coroutines import Future, Loop, Post
from acetate.krita.document import SETTINGS, OpenDocument, active_document
from acetate.protocol.errors import AcetateError, DocumentError
from acetate.protocol.events import Done, ModelInfo
from acetate.protocol.requests import Task
from acetate.session.conditions import Pictures
from acetate.session.engine import Engine, EngineState
from acetate.session.generation import Generation
from acetate.session.history import History, Result
from acetate.session.jobs import Job, Phase
from acetate.session.messages import ENGINE_LOST, Message, done_otherwise, unexpected
from acetate.session.observable import Observable, Signal
from acetate.session.recipes import Recipe, keep, recipe_of
from acetate.session.results import Placed, Results
from acetate.session.sending import Sending
from acetate.session.settings import ControlLayer, KeptSettings, Saved, Settings
from acetate.session.stack_session import StackSession
from acetate.session.work import Work, prepare, prepare_again, prepare_edges


class Session:
    """On the GUI thread, which it never holds for longer than one of Krita's own calls takes."""

    def __init__(self, post: Post) -> None:
        self._loop = Loop(post)
        self.engine = Engine(self._loop, Launcher())
        self.settings = Settings()
        self.model: Observable[ModelInfo | None] = Observable(None)  # the chosen one, once the engine has told of it
        self.history = History()
        self.sending = Sending(self._loop, self.settings)
        self.jobs: list[Job] = []  # those that have not ended, the oldest first
        self.jobs_changed: Signal[None] = Signal()
        self._has_recalled = False
        self._seen: set[str] = set()  # documents
        self._recipes: dict[str, Recipe] = {}  # by job
        self.message: Observable[Message] = Observable(None)
        self._generation = Generation(self._loop, self.engine)
        self._results = Results(self._loop, self.engine, self.history)
        self.stack = StackSession(
            self._loop, self.settings, self._generation, self._results, self.message, self._list_until_done
        )
        self.engine.state.changed.connect(self._tell_of_engine)
        self.engine.models.changed.connect(lambda _: self._choose_model())
        self.settings.model.changed.connect(lambda _: self._choose_model())

    def warm_up(self) -> None:
        """Brings up the engine before it is needed. An error would only disturb now: Generate will show it."""
        if self.engine.state.value is EngineState.OFF:
            self._loop.run(self.engine.connection())

    def list_models(self) -> None:
        """What the painter has put into their folders meanwhile. An error would only disturb now, too."""
        self._loop.run(self.engine.list_models())

    # what makes layers

    def generate(self) -> None:
        """Starts a job with the settings as they are, on the active document."""
        self.settings.roll_seed()
        self._start(lambda: prepare(self.settings, _open_document()))

    def do(self, task: Task) -> None:
        """This task, with the other settings as they are."""
        self.settings.task.value = task
        self.generate()

    def regenerate(self, *, is_varied: bool) -> None:
        """What made the active layer, once more; with another seed where `is_varied`."""

        def again() -> Work:
            document = _open_document()
            layer = document.place().anchor
            return prepare_again(recipe_of(document, layer), document, layer, is_varied=is_varied)

        self._start(again)

    def vary(self, result: Result) -> None:
        """A result of the history with another seed, above the active layer."""
        recipe = self._recipe(result)

        def again() -> Work:
            document = _open_document()
            return prepare_again(recipe, document, None, is_varied=True)

        self._start(again)

    def make_edges(self, index: int) -> None:
        """A layer of the edges of a control layer, which takes its place as hint."""
        hint = self.settings.controls.value[index]
        self._start(
            lambda: prepare_edges(_open_document(), hint), lambda placed: self._hint_with(hint, placed.layers[0])
        )

    def cancel(self) -> None:
        """The oldest job that goes on."""
        if self.jobs:
            self._run(self._generation.cancel(self.jobs[0]))

    def insert(self, result: Result) -> None:
        """Puts a result of the history above the active layer of the active document."""
        self._try(lambda: self._run(self._insert(result, _open_document())))

    # settings

    def copy_settings(self) -> None:
        """Of what made the active layer."""

        def copy() -> None:
            document = _open_document()
            recipe = recipe_of(document, document.place().anchor)
            self.settings.copy_from(recipe.request)
            self.settings.controls.value = recipe.followed

        self._try(copy)

    def enter_document(self) -> None:
        """Takes up the settings that the active document keeps, the first time that it is seen."""
        document = active_document()
        if document is None:
            return
        if document.id not in self._seen:
            self._seen.add(document.id)
            self._restore(document)
        self.settings.forget_layers([layer.id for layer in document.layers()])

    def _restore(self, document: OpenDocument) -> None:
        kept = KeptSettings.read(document.annotation(SETTINGS))
        self.settings.take(kept.values)
        if kept.reasons:
            reasons = "; ".join(kept.reasons)
            self.message.value = DocumentError(f"its Acetate settings cannot all be read ({reasons})", "Set them anew.")

    def look(self) -> None:
        """Shows anew what would be sent."""
        self._run(self.sending.look())

    # how

    def _choose_model(self) -> None:
        known = {model.name: model for model in self.engine.models.value}
        self.model.value = known.get(self.settings.model.value)

    def _start(self, work: Callable[[], Work], then: Callable[[Placed], None] | None = None) -> None:
        def start() -> None:
            prepared = work()
            self.jobs.append(prepared.job)
            self.jobs_changed.emit(None)
            self._run(self._carry_out(prepared, self.settings.saved(), then))

        self._try(start)

    def _list_until_done(self, job: Job, work: Coroutine[Future[Any], None, None]) -> None:
        async def listed() -> None:
            try:
                await work
            finally:
                self.jobs.remove(job)
                self.jobs_changed.emit(None)

        self.jobs.append(job)
        self.jobs_changed.emit(None)
        self._run(listed())

    def _try(self, action: Callable[[], None]) -> None:
        """An error of it is shown."""
        self.message.value = None
        try:
            action()
        except AcetateError as error:
            self.message.value = error

    async def _carry_out(self, work: Work, settings: Saved, then: Callable[[Placed], None] | None) -> None:
        job = work.job
        try:
            pictures = await self._generation.run(work, lambda seen: self._run(self.sending.show(seen)))
            if job.result:
                placed = await self._place(work, job.result, pictures)
                before = KeptSettings.read(work.document.annotation(SETTINGS))
                work.document.annotate(SETTINGS, before.write(settings))
                self.message.value = done_otherwise((*job.result.notes, *placed.notes))
                job.enter(Phase.DONE)
                if then:
                    then(placed)
            elif job.error:
                raise job.error
        finally:
            self.jobs.remove(job)
            self.jobs_changed.emit(None)

    async def _place(self, work: Work, done: Done, pictures: Pictures) -> Placed:
        self._recipes[work.job.id] = await self._loop.thread(lambda: work.recipe(pictures))
        if work.replaces:
            first = await self._results.list(work.job, done)
            mask = await self._loop.thread(lambda: work.mask_of_bounds(pictures))
            placed = await self._results.replace(first, work.document, work.replaces, mask)
        else:
            placed = await self._results.take(work.job, done, work.document, work.place)
        self._keep(placed, work.document)
        return placed

    async def _insert(self, result: Result, document: OpenDocument) -> None:
        self._keep(await self._results.insert(result, document, document.place(), expected=None), document)

    def _keep(self, placed: Placed, document: OpenDocument) -> None:
        recipe = self._recipe(placed.result)
        layers = zip(placed.layers, placed.result.layers, strict=True)
        keep(document, {layer: recipe.of_layer(made) for layer, made in layers})

    def _recipe(self, result: Result) -> Recipe:
        """Of an earlier session only the request is known."""
        return self._recipes.get(result.job, Recipe(result.request)).of_layer(result.layers[-1])

    def _hint_with(self, old: ControlLayer, layer: str) -> None:
        hints = self.settings.controls.value
        self.settings.controls.value = tuple(replace(hint, layer=layer) if hint == old else hint for hint in hints)

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
