"""What was asked of an engine, and what has to come of it: each accepted job once, with the pixels that it must have.

Those are known, because the jobs give back what they were sent.
"""

from __future__ import annotations

import random
import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from acetate.protocol.codec import to_json
from acetate.protocol.events import JobState
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelBuffer, PixelFormat, digest
from acetate.protocol.requests import GenerateRequest
from tests.engine.process import EngineProcess, identity_request, wait_until

SIDE = 96  # pixels


@dataclass
class Outcome:
    """Of one scenario; all but `jobs` should be 0."""

    jobs: int = 0
    lost: int = 0  # accepted, and not there or not done
    twice: int = 0  # carried out to more than one end, or accepted twice under one key
    falsely_cancelled: int = 0
    other_pixels: int = 0

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.twice or self.falsely_cancelled or self.other_pixels)

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))


@dataclass
class Ledger:
    """Jobs by the key that they were sent with. Pictures give themselves back, so that their pixels are known."""

    dice: random.Random
    accepted: dict[str, str] = field(default_factory=dict)  # key → id
    wanted: dict[str, bytes] = field(default_factory=dict)  # key → the layer's body

    def picture(self) -> PixelBuffer:
        return PixelBuffer(Extent(SIDE, SIDE), PixelFormat.RGBA8, self.dice.randbytes(4 * SIDE**2))

    def submit(self, engine: EngineProcess) -> str | None:
        """One more job, sent again until it is accepted or refused for want of space; its id."""
        picture, key = self.picture(), uuid.UUID(int=self.dice.getrandbits(128)).hex
        request = identity_request(foreground=digest(picture.encode()), bounds=Bounds(0, 0, SIDE, SIDE))
        try:
            self._send(engine, picture, request, key)
        except httpx.TransportError:  # the engine died: whether it was accepted is not known
            self.wanted[key] = picture.encode()
            self.again(engine, picture, request, key)
        return self.accepted.get(key)

    def again(self, engine: EngineProcess, picture: PixelBuffer, request: GenerateRequest, key: str) -> None:
        """As the plugin does: with the same key."""

        def sent() -> bool:
            try:
                self._send(engine, picture, request, key)
            except httpx.TransportError:
                return False
            return True

        wait_until(sent, "an engine to take the job")

    def _send(self, engine: EngineProcess, picture: PixelBuffer, request: GenerateRequest, key: str) -> None:
        http, body = engine.http, picture.encode()
        if http.put(f"/v1/images/{digest(body)}", content=body).status_code >= 400:
            return
        answer = http.post("/v1/jobs", json=to_json(request), headers={"Idempotency-Key": key})
        assert answer.status_code in (202, 503, 507), answer.text
        if answer.status_code == 202:
            self.accepted[key], self.wanted[key] = answer.json()["id"], body

    def audit(self, engine: EngineProcess) -> Outcome:
        """Waits until nothing is left to do; then looks at every job that was accepted."""
        wait_until(lambda: _waiting(engine.root) == 0, "the queue to be empty")
        outcome = Outcome(jobs=len(self.accepted))
        for key, job in self.accepted.items():
            self._audit(engine, key, job, outcome)
        outcome.twice += _keys_used_twice(engine.root)
        return outcome

    def _audit(self, engine: EngineProcess, key: str, job: str, outcome: Outcome) -> None:
        answer = engine.http.get(f"/v1/jobs/{job}")
        state = answer.json().get("state") if answer.status_code == 200 else None
        if state == JobState.CANCELLED.value:
            outcome.falsely_cancelled += 1
        elif state != JobState.DONE.value:
            outcome.lost += 1
        else:
            names = [event.__class__.__name__ for _, event in engine.events(job)]
            outcome.twice += names.count("Done") != 1
            outcome.other_pixels += engine.http.get(f"/v1/jobs/{job}/layers/0").content != self.wanted[key]


def store_of(root: Path) -> Path:
    return root / "data" / "acetate" / "jobs.sqlite"


def _waiting(root: Path) -> int:
    return _count(root, "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')")


def done(root: Path) -> int:
    return _count(root, "SELECT count(*) FROM jobs WHERE state = 'done'")


def _keys_used_twice(root: Path) -> int:
    return _count(root, "SELECT count(key) - count(DISTINCT key) FROM jobs")


def _count(root: Path, question: str) -> int:
    with closing(sqlite3.connect(f"file:{store_of(root)}?mode=ro", uri=True, timeout=30)) as database:
        (count,) = database.execute(question).fetchone()
        return int(count)


def jobs_in(store: Path) -> set[str]:
    """Ids; none where there is no store yet."""
    if not store.exists():
        return set()
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=30)) as database:
        return {name for (name,) in database.execute("SELECT id FROM jobs").fetchall()}
