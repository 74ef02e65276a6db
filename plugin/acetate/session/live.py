"""Drafts while the painter goes on painting: shown over the canvas, kept with one click, never in the document before.

The program is looked at some times a second, cheaply. What has changed is read once it has settled for a moment; one
draft is made at a time, and the newest wish takes the place of all that wait. What the painter asks for goes first.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from acetate.coroutines import Loop
from acetate.host import Document, Host
from acetate.language import mark
from acetate.picture import Picture
from acetate.protocol.errors import AcetateError
from acetate.protocol.events import Done
from acetate.protocol.filing import Filing
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, Preset
from acetate.session.delivery import Seen
from acetate.session.flow import Flow, Work
from acetate.session.following import CanvasGeometry
from acetate.session.jobs import Job
from acetate.session.messages import headline, unexpected
from acetate.session.observable import Observable
from acetate.session.results import Results, results_of
from acetate.session.settings import Saved, Settings
from acetate.session.views import Place

OFF = mark("drafts while you paint")
WATCHING = mark("paint, or change the prompt")
DRAWING = mark("drawing…")
SHOWN = mark("shown on the canvas")
WAITS = mark("waits for your jobs")
STATES = (WATCHING, DRAWING, SHOWN, WAITS)  # while it is on and nothing is wrong
_SKETCH = Filing(priority=-1, listed=False)  # behind all else, and nobody looks for it later
_PATIENCE = 8  # looks after which a draft is made though the painter has not paused


@dataclass(frozen=True)
class Sketch:
    """A draft that is shown."""

    work: Work
    seen: Seen
    done: Done
    picture: Picture  # its topmost layer, no larger than a screen

    @property
    def bounds(self) -> Bounds:
        """Canvas pixels that `picture` covers."""
        return self.done.layers[-1].bounds


@dataclass(frozen=True)
class Wish:
    """All that decides a draft, as far as it is known without reading a pixel."""

    document: Document
    place: Place
    settings: Saved
    changes: object  # of the canvas

    def is_same(self, other: Wish | None) -> bool:
        return other is not None and self.asks_the_same(other) and self.changes == other.changes

    def asks_the_same(self, other: Wish) -> bool:
        """Whatever the canvas shows."""
        same = (self.place, self.settings) == (other.place, other.settings)
        return same and self.document.is_same(other.document)


class Live:
    """One draft at most is under way."""

    def __init__(
        self,
        loop: Loop,
        host: Host,
        settings: Settings,
        flow: Flow,
        results: Results,
        prepare: Callable[[Document], Work],
    ) -> None:
        self.is_on = Observable(False)
        self.sketch: Observable[Sketch | None] = Observable(None)
        self.state = Observable(OFF)
        self._loop, self._host, self._settings = loop, host, settings
        self._flow, self._results, self._prepare = flow, results, prepare
        self._last: Wish | None = None  # at the last look
        self._taken: Wish | None = None  # what a draft is, or was, made for
        self._request: GenerateRequest | None = None  # of the last draft that was made
        self._job: Job | None = None  # at the engine
        self._is_busy = False
        self._unsettled = 0  # looks in a row at which something had changed
        self.is_on.changed.connect(lambda _: self._switch())

    def look(self) -> None:
        """To be called some times a second while it is on, best when no stroke is under way."""
        if not self.is_on.value:
            return
        if self._flow.jobs:
            self._give_way()
            return
        wish = self._wish()
        has_settled = self._has_settled(wish)
        self._last = wish
        if wish is None:
            self._drop()
        elif not wish.is_same(self._taken):
            self._drop_what_is_stale(wish)
            if has_settled and not self._is_busy:
                self._loop.run(self._draw(wish))

    @property
    def is_up_to_date(self) -> bool:
        """Whether nothing is to be drawn, as far as the last look told."""
        return not self._is_busy and self._last is not None and self._last.is_same(self._taken)

    def take(self) -> Sketch | None:
        """What is shown, for good; it is shown no more."""
        sketch, self.sketch.value = self.sketch.value, None
        if sketch:
            self.state.value = WATCHING
        return sketch

    # what is wished for

    def _wish(self) -> Wish | None:
        document = self._host.active_document()
        if document is None:
            return None
        try:
            place = document.place()
        except AcetateError:
            return None  # nothing to draft on; a press of Generate says why
        return Wish(document, place, self._settings.saved(), document.changes())

    def _has_settled(self, wish: Wish | None) -> bool:
        is_same = wish is not None and wish.is_same(self._last)
        self._unsettled = 0 if is_same else self._unsettled + 1
        return is_same or self._unsettled >= _PATIENCE

    def _drop_what_is_stale(self, wish: Wish) -> None:
        """A draft under way for the same words is finished: strokes that come meanwhile would starve it for ever."""
        taken = self._taken
        if taken is None:
            return
        if not wish.document.is_same(taken.document):
            self._drop()
        elif not wish.asks_the_same(taken) or self._is_waiting:
            self._end_job()

    @property
    def _is_waiting(self) -> bool:
        return self._job is not None and self._job.is_waiting

    # drafts

    async def _draw(self, wish: Wish) -> None:
        self._is_busy, self._taken, self._unsettled = True, wish, 0
        try:
            await self._make(wish)
        except AcetateError as error:
            self._say(wish, headline(error)[0])
        except Exception as error:  # noqa: BLE001  # a bug costs this draft; the log has the traceback
            traceback.print_exception(error)
            self._say(wish, unexpected(error).detail)
        finally:
            self._is_busy, self._job = False, None

    async def _make(self, wish: Wish) -> None:
        work = _as_draft(self._prepare(wish.document))
        # without looking at layers: a canvas that is turned or cropped is drawn for anew
        geometry = CanvasGeometry(wish.document.current_extent(), {}, wish.document.image_steps())
        request, pictures = await work.draft.read(wish.document, self._loop)
        seen = Seen(pictures, geometry)
        if request == self._request or not self._is_wanted(wish):
            return
        work.job.request = request
        self._job, self.state.value = work.job, DRAWING
        await self._flow.send(work.job, tuple(pictures.values()))
        if work.job.error:
            raise work.job.error
        if work.job.result:
            await self._show(wish, work, seen, work.job.result)
        else:  # cancelled
            self._taken = None

    async def _show(self, wish: Wish, work: Work, seen: Seen, done: Done) -> None:
        picture = await self._results.peek(results_of(work.job.id, work.job.request, done.layers)[0])
        if picture is not None and self._is_wanted(wish):
            self._request = work.job.request
            self.sketch.value, self.state.value = Sketch(work, seen, done, picture), SHOWN
        elif self.state.value == DRAWING:
            self.state.value = WATCHING

    def _is_wanted(self, wish: Wish) -> bool:
        """Whether it has to do with what the painter does now."""
        return self.is_on.value and self._last is not None and wish.asks_the_same(self._last)

    def _say(self, wish: Wish, words: str) -> None:
        if self._is_wanted(wish):
            self._request = self.sketch.value = None
            self.state.value = words

    # ending

    def _switch(self) -> None:
        self._last = self._taken = None
        self._unsettled = 0
        self._drop()
        self.state.value = WATCHING if self.is_on.value else OFF

    def _give_way(self) -> None:
        """The painter waits for something else; what is shown stays."""
        if self._job is not None:
            self._taken = None  # begun anew afterwards
        self._end_job()
        self.state.value = WAITS

    def _drop(self) -> None:
        self._end_job()
        self._request = self.sketch.value = self._taken = None

    def _end_job(self) -> None:
        if self._job is not None and not self._job.is_cancel_wanted:
            self._loop.run(self._flow.stop(self._job))


def _as_draft(work: Work) -> Work:
    """The same as quickly as can be."""
    request = replace(work.draft.request, preset=Preset.DRAFT, images=1, finish=False)
    return replace(work, job=Job(request, work.document, _SKETCH), draft=replace(work.draft, request=request))
