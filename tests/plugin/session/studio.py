"""A whole session beside a real engine, in a painting program that is not Krita."""

from __future__ import annotations

import numpy as np

from acetate.client import api
from acetate.client.http import exchange
from acetate.client.launcher import Launcher
from acetate.protocol.codec import from_answer
from acetate.protocol.connection import Connection
from acetate.protocol.events import JobList, JobStatus
from acetate.protocol.geometry import Bounds
from acetate.session.session import Session
from tests.plugin.gui_thread import EventLoop
from tests.plugin.session.paper import Node, Paper

RED, GREEN, BLUE = (200, 30, 40, 255), (20, 180, 60, 255), (30, 60, 220, 128)
AREA = Bounds(8, 6, 20, 16)


class Studio:
    """A session, its engine and its program."""

    def __init__(self, events: EventLoop) -> None:
        self.events = events
        self.paper = Paper()
        self.session = Session(events.loop.post, self.paper, Launcher())

    def wait(self) -> None:
        self.events.run_until(lambda: not self.session.jobs)

    def generate(self) -> None:
        self.session.generate()
        self.wait()

    def sent(self) -> list[JobStatus]:
        """All that the engine has, the newest first."""

        async def ask() -> tuple[JobStatus, ...]:
            connection = await self.session.engine.connection()
            return await self.events.loop.thread(lambda: _jobs(connection))

        return list(self.events.run(ask()))


def _jobs(connection: Connection) -> tuple[JobStatus, ...]:
    with exchange(connection, "GET", "/v1/jobs?limit=500", timeout=30) as response:
        return from_answer(JobList, api.parsed(response.read())).jobs


def pixels_of(node: Node) -> np.ndarray:
    assert node.pixels is not None
    return node.pixels
