"""What was asked for before this session: unfinished jobs go on, finished ones are listed."""

from __future__ import annotations

from collections.abc import Sequence

from acetate.client import api
from acetate.protocol.events import JobStatus
from acetate.session.engine_link import EngineLink
from acetate.session.flow import Flow
from acetate.session.history import History
from acetate.session.observable import Observable
from acetate.session.results import Results

RECALLED = 200  # jobs of earlier sessions at first; more when they are asked for


class Earlier:
    """Jobs of another program that runs are left to it."""

    def __init__(self, engine: EngineLink, flow: Flow, results: Results, history: History) -> None:
        self.has_older = Observable(False)  # results that are not listed yet
        self._engine = engine
        self._flow = flow
        self._results = results
        self._history = history
        self._has_recalled = False
        self._oldest = ""  # job of an earlier session that was asked for

    def recall(self) -> None:
        """Once a session, as soon as there is an engine."""
        if not self._has_recalled:
            self._has_recalled = True
            self._flow.run(self._recall())

    def list_older(self) -> None:
        self._flow.run(self._list_older())

    async def _recall(self) -> None:
        statuses = await self._asked("")
        ours = [job.request for job in self._flow.jobs]  # one that is being sent has no id yet
        for status in statuses:
            is_left = not status.state.is_final and not status.followed
            if is_left and status.request and status.request not in ours:
                self._flow.resume(status.id, status.request, status.filing, self._results.arrived)
        await self._results.recall(statuses)

    async def _list_older(self) -> None:
        await self._results.recall(await self._asked(self._history.resume() or self._oldest))

    async def _asked(self, before: str) -> Sequence[JobStatus]:
        statuses = await self._engine.call(lambda connection: api.recent(connection, RECALLED, before))
        self._oldest = statuses[-1].id if statuses else self._oldest
        self.has_older.value = len(statuses) == RECALLED
        return statuses
