"""What the docker can ask for. One session a Krita, shared by the dockers of all its windows."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from acetate.client import another_engine, api
from acetate.client.launcher import Launcher
from acetate.coroutines import Future, Loop, Post
from acetate.host import Document, Host
from acetate.picture import Picture
from acetate.protocol.errors import AcetateError, DocumentError
from acetate.protocol.events import ModelInfo
from acetate.protocol.filing import Filing, Refiling
from acetate.protocol.requests import GenerateRequest, Task
from acetate.session import desks
from acetate.session.control_layers import ControlLayer
from acetate.session.delivery import Placed, Placing
from acetate.session.desks import Desks, open_document
from acetate.session.diagnostics import Section, collect
from acetate.session.earlier import Earlier
from acetate.session.engine_link import EngineLink, EngineState
from acetate.session.filings import Filings
from acetate.session.flow import Flow, Work
from acetate.session.history import Alternative, History
from acetate.session.jobs import Job
from acetate.session.library import LibraryDesk
from acetate.session.live import Live, Sketch
from acetate.session.messages import (
    ENGINE_LOST,
    ENGINE_TROUBLED,
    MASKED,
    MASKS,
    UNMASKED,
    Message,
    Notice,
    done_otherwise,
    unread,
)
from acetate.session.observable import Observable, Signal
from acetate.session.pictures import Pictures
from acetate.session.preferences import Preferences
from acetate.session.presets import Presets
from acetate.session.recipe_keeping import RecipeKeeping
from acetate.session.recipes import recipe_of
from acetate.session.results import Apply, Results
from acetate.session.sending import Sending
from acetate.session.settings import Settings
from acetate.session.stack_session import StackSession
from acetate.session.storing import Storing
from acetate.session.vocabulary import PromptWords
from acetate.session.work import prepare, prepare_again, prepare_edges

T = TypeVar("T")


class Session:
    """On the GUI thread, which it never holds for longer than one of Krita's own calls takes."""

    def __init__(self, post: Post, host: Host, launcher: Launcher, preferences: Preferences | None = None) -> None:
        self._loop = Loop(post)
        self._host = host
        self.preferences = preferences or Preferences()
        self.engine = EngineLink(self._loop, launcher)
        self.storing = Storing(self.engine)
        self.library = LibraryDesk(self._loop, self.engine)
        self.settings = Settings()
        self.presets = Presets(self.settings)
        self._unread = unread(
            (*self.preferences.reasons, *self.presets.unread.value, *another_engine.unread())
        )  # still to be told
        self.model: Observable[ModelInfo | None] = Observable(None)  # the chosen one, once the engine has told of it
        self.words = PromptWords(self._loop, self.engine, self.model, self.settings.prompt)
        self.history = History()
        self.prompt_wanted: Signal[None] = Signal()  # the keyboard, for its words
        self.entered: Signal[bool] = Signal()  # the active document has been looked at anew; whether it is another
        self.sending = Sending(self._loop, host, self.settings)
        self._desks = Desks(self.settings)
        self._recipes = RecipeKeeping(self._loop)
        self._flow = Flow(self._loop, self.engine, self)
        self._results = Results(self._loop, self.engine, self.history)
        self._placing = Placing(self._loop, self._results)
        self.filings = Filings(self.engine, self._flow, self.history)
        self.earlier = Earlier(self.engine, self._flow, self._results, self.history)
        self.live = Live(self._loop, host, self.settings, self._flow, self._results, self._prepare)
        self.stack = StackSession(host, self.settings, self._flow, self._placing)
        for setting in self.settings.values.values():
            setting.changed.connect(lambda _: self._flow.forget_refusal())
        self.engine.state.changed.connect(self._tell_of_engine)
        self.engine.troubles.changed.connect(self._tell_of_troubles)
        self.engine.models.changed.connect(lambda _: self._choose_model())
        self.settings.model.changed.connect(lambda _: self._choose_model())

    @property
    def jobs(self) -> list[Job]:
        """Those that have not ended, the oldest first."""
        return self._flow.jobs

    @property
    def jobs_changed(self) -> Signal[None]:
        return self._flow.jobs_changed

    @property
    def message(self) -> Observable[Message]:
        return self._flow.message

    def warm_up(self) -> None:
        """Brings up the engine before it is needed. An error would only disturb now: Generate will show it."""
        if self.engine.state.value is EngineState.OFF:
            self._loop.run(self.engine.connection())

    def list_models(self) -> None:
        """What the painter has put into their folders meanwhile. An error would only disturb now, too."""
        self._loop.run(self.engine.list_models())

    # this machine

    def run(self, work: Coroutine[Future[Any], None, object]) -> None:
        """Of storage or library, which bring up the engine where it does not run; an error of it is shown."""
        self._flow.run(work)

    def diagnose(self, program: Section, done: Callable[[str], None]) -> None:
        """What a report of a fault needs, empty where it could not be had; takes seconds."""

        async def look() -> None:
            text = ""
            try:
                text = await self._loop.thread(lambda: collect(program))
            finally:
                done(text)

        self._flow.run(look())

    # what makes layers

    def generate(self) -> None:
        """Starts a job with the settings as they are, on the active document."""
        self.follow()  # the press itself may have brought its window to the front
        self.settings.roll_seed()
        self._start(self._prepare)

    def keep_sketch(self) -> None:
        """What Live shows becomes a layer."""
        sketch = self.live.take()
        if sketch is not None:
            self._flow.attempt(lambda: self._flow.run(self._keep_sketch(sketch)))

    def do(self, task: Task) -> None:
        """This task, with the other settings as they are."""
        self.follow()
        self.settings.task.value = task
        self.generate()

    def regenerate(self, *, is_varied: bool) -> None:
        """What made the active layer, once more; with another seed where `is_varied`."""

        def again(document: Document) -> Work:
            layer = document.place().anchor
            recipe = recipe_of(document, layer)
            return prepare_again(recipe, document, layer, self._placing, is_varied=is_varied)

        self._start(again)

    def request_of_active(self) -> GenerateRequest | None:
        """What made the active layer; None where that is not known."""
        document = self._host.active_document()
        try:
            return recipe_of(document, document.place().anchor).request if document else None
        except AcetateError:
            return None  # nobody has asked for anything yet; who does is told

    def vary(self, result: Alternative) -> None:
        """A result of the history with another seed, above the active layer."""
        recipe = self._recipes.of(result)
        self._start(lambda document: prepare_again(recipe, document, None, self._placing, is_varied=True))

    def make_edges(self, index: int) -> None:
        """A layer of the edges of a control layer, which takes its place as hint."""
        hint = self.settings.controls.value[index]
        self._start(
            lambda document: prepare_edges(document, hint, self._placing),
            lambda placed: self._hint_with(hint, placed.layers[0]),
        )

    @property
    def jobs_here(self) -> list[Job]:
        """Those of the active document, the oldest first."""
        document = self._host.active_document()
        return [job for job in self.jobs if document and job.document and job.document.is_same(document)]

    def cancel(self) -> None:
        """The oldest job of the active document; others go on."""
        for job in self.jobs_here[:1]:
            self.cancel_job(job)

    def cancel_job(self, job: Job) -> None:
        self._flow.cancel(job)

    def cancel_all(self) -> None:
        """Those of every document; the message offers to send them again."""
        self._flow.cancel_all()

    def move_to_front(self, job: Job) -> None:
        """Of all that wait."""
        self._flow.move_to_front(job)

    # results

    def insert(self, result: Alternative, how: Apply = Apply.ABOVE) -> None:
        """Puts a result of the history into the active document."""
        self._flow.attempt(lambda: self._flow.run(self._insert(result, open_document(self._host), how)))

    def is_of_document(self, result: Alternative) -> bool:
        """Whether it was made for the active document."""
        document = self._host.active_document()
        return document is not None and result.document == self._flow.names.of(document)

    def peek(self, result: Alternative, make: Callable[[Picture], T], show: Callable[[T], None]) -> None:
        """The topmost layer of a result of the history, no larger than a screen; where it is gone, nothing.

        `make`, of what is shown, is called in a thread.
        """

        async def fetch() -> None:
            picture = await self._results.peek(result)
            if picture is not None:
                show(await self._loop.thread(lambda: make(picture)))

        self._flow.run(fetch())

    # settings

    def copy_settings(self) -> None:
        """Of what made the active layer."""

        def copy() -> None:
            document = open_document(self._host)
            recipe = recipe_of(document, document.place().anchor)
            self.settings.copy_from(recipe.request)
            if "controls" in self.settings.used.value:
                self.settings.controls.value = recipe.followed

        self._flow.attempt(copy)

    def copy_settings_of(self, result: Alternative) -> None:
        """Of a result of the history."""
        self._flow.attempt(lambda: self.settings.copy_from(result.request))

    def toggle_mask(self) -> None:
        """Whether the transparency of new layers is a mask; the message tells what holds now."""
        self.settings.as_mask.value = is_on = not self.settings.as_mask.value
        self.message.value = Notice(MASKS, MASKED if is_on else UNMASKED)

    def enter_document(self) -> None:
        """Takes up the settings of the active document, and forgets layers that it does not have."""
        document = self._host.active_document()
        is_other = self._desks.is_other(document)
        kept = self._desks.enter(document)
        if is_other:
            self.message.value, self._unread = self._unread, None
            self.jobs_changed.emit(None)
        if document is not None:
            self.settings.forget_layers([layer.id for layer in document.layers()])
        if kept and kept.reasons:
            reasons = "; ".join(kept.reasons)
            self.message.value = DocumentError(
                f"the Acetate settings of this document cannot all be read ({reasons})", "Set them anew."
            )
        self.entered.emit(is_other)

    def follow(self) -> None:
        """Another document may have come to the front."""
        if self._desks.is_other(self._host.active_document()):
            self.enter_document()

    def look(self) -> None:
        """Shows anew what would be sent, and whether what was wrong still is."""
        self._flow.recheck()
        self._flow.run(self.sending.look())

    # told by the flow

    def seen(self, work: Work, pictures: Pictures) -> None:
        if work.draft.request.task is not Task.STACK:
            self._flow.run(self.sending.show(pictures, work.draft.request.covered))

    async def made(self, work: Work, pictures: Pictures) -> None:
        await self._recipes.note(work, pictures)

    def delivered(self, placed: Placed) -> None:
        self.filings.mark_applied(placed.result)

    # how

    def _choose_model(self) -> None:
        known = {model.name: model for model in self.engine.models.value}
        self.model.value = model = known.get(self.settings.model.value)
        if model is not None:
            self.settings.native = model.native

    def _start(self, prepare: Callable[[Document], Work], then: Callable[[Placed], None] = lambda placed: None) -> None:
        settings = self.settings.saved()

        def delivered(work: Work, placed: Placed) -> None:
            self._recipes.keep(placed, work.document)
            desks.keep(work.document, settings)
            then(placed)

        self._flow.start(lambda: prepare(open_document(self._host)), delivered)

    def _prepare(self, document: Document) -> Work:
        return prepare(self.settings, document, self._placing)

    async def _keep_sketch(self, sketch: Sketch) -> None:
        work, settings = sketch.work, self.settings.saved()
        work.job.filing = Filing(self._flow.names.of(work.document))
        await self.made(work, sketch.seen.pictures)
        await self.engine.call(lambda connection: api.refile(connection, work.job.id, Refiling(listed=True)))
        await self._flow.until_idle(work.document, is_asked=True)
        placed = await work.delivery.deliver(work.job, sketch.done, sketch.seen)
        self._recipes.keep(placed, work.document)
        self.delivered(placed)
        self._flow.names.keep(work.document)
        desks.keep(work.document, settings)
        self.message.value = done_otherwise(placed.notes)

    async def _insert(self, result: Alternative, document: Document, how: Apply) -> None:
        await self._flow.until_idle(document, is_asked=True)
        document.check_open()
        if how is Apply.REPLACE:
            placed = await self._placing.replace_with(result, document, document.place().anchor)
        else:
            place = document.place_inside() if how is Apply.INSIDE else document.place()
            is_masked = self.settings.as_mask.value
            placed = await self._placing.insert(result, document, place, None, is_masked=is_masked)
        self._recipes.keep(placed, document)
        self.delivered(placed)
        self.message.value = done_otherwise(placed.notes)

    def _hint_with(self, old: ControlLayer, layer: str) -> None:
        hints = self.settings.controls.value
        self.settings.controls.value = tuple(replace(hint, layer=layer) if hint == old else hint for hint in hints)

    def _tell_of_engine(self, state: EngineState) -> None:
        if state is EngineState.LOST and self.jobs:
            self.message.value = ENGINE_LOST
        elif state is EngineState.READY:
            self._greet_engine()

    def _tell_of_troubles(self, reasons: tuple[str, ...]) -> None:
        """Takes back what it has said once all is well."""
        told = isinstance(self.message.value, Notice) and self.message.value.title == ENGINE_TROUBLED
        if reasons:
            self.message.value = Notice(ENGINE_TROUBLED, "\n".join(reasons))
        elif told:
            self.message.value = None

    def _greet_engine(self) -> None:
        if self.message.value is ENGINE_LOST:
            self.message.value = None
        self.earlier.recall()
