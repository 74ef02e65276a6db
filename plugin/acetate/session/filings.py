"""What the painter says of results, kept beside their jobs: starred, thrown away, put into a document."""

from __future__ import annotations

from dataclasses import replace

from acetate.client import api
from acetate.coroutines import Lock
from acetate.language import mark
from acetate.protocol.filing import Filing, Refiling
from acetate.session.engine_link import EngineLink
from acetate.session.flow import Flow
from acetate.session.history import Alternative, History, HistoryEntry
from acetate.session.messages import undoable

DISCARDED = mark("A result is discarded")


class Filings:
    def __init__(self, engine: EngineLink, flow: Flow, history: History) -> None:
        self._engine = engine
        self._flow = flow
        self._history = history
        self._telling = Lock()  # the engine hears of changes in the order in which the painter wished them

    def star(self, entry: HistoryEntry, *, is_wanted: bool) -> None:
        """It is kept longest."""
        stars = {*entry.filing.starred, entry.image} if is_wanted else {*entry.filing.starred} - {entry.image}
        kept = tuple(sorted(stars))
        self._refile(entry, replace(entry.filing, starred=kept), Refiling(starred=kept))

    def discard(self, entry: HistoryEntry) -> None:
        """It is listed no more, here nor later, unless the painter takes that back at once."""
        older = self._history.after(entry)
        others = [other for other in self._history.of_job(entry.result.job) if other.image != entry.image]
        gone = tuple(sorted({*entry.filing.discarded, entry.image}))
        filing = replace(entry.filing, listed=bool(others), discarded=gone)
        self._refile(entry, filing, Refiling(listed=bool(others), discarded=gone))
        self._flow.message.value = undoable(DISCARDED, entry.result.name, lambda: self._put_back(entry, older))

    def _put_back(self, entry: HistoryEntry, older: Alternative | None) -> None:
        """Before the one that it stood before."""
        others = self._history.of_job(entry.result.job)
        now = others[0].filing if others else entry.filing  # stars and the like may have come meanwhile
        kept = tuple(image for image in now.discarded if image != entry.image)
        filing = replace(now, listed=True, discarded=kept)
        self._history.put_back(replace(entry, filing=filing), older)
        self._refile(entry, filing, Refiling(listed=True, discarded=kept))

    def mark_applied(self, result: Alternative) -> None:
        """Where room has to be made, it goes before those that nobody has put anywhere."""
        for entry in self._history.of_job(result.job):
            if entry.result.layers == result.layers and not entry.is_applied:
                applied = tuple(sorted({*entry.filing.applied, entry.image}))
                self._refile(entry, replace(entry.filing, applied=applied), Refiling(applied=applied))

    def _refile(self, entry: HistoryEntry, filing: Filing, change: Refiling) -> None:
        job = entry.result.job
        self._history.refile(job, filing)

        async def tell() -> None:
            async with self._telling:
                await self._engine.call(lambda connection: api.refile(connection, job, change))

        self._flow.run(tell())
