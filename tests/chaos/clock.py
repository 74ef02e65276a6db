"""A clock that jumps under a running engine, and between two runs of it: nothing gets too old, nothing ends early.

The engine and its worker see another `time.time` than the rest of the machine; their steady clock goes on, as it does
where a real clock is set.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from tests.chaos.ledger import Ledger, Outcome
from tests.chaos.scenarios import engine_in, wait_for_progress, work
from tests.engine.process import EngineProcess

DAY = 86400  # seconds
JUMPS = (-3650, -366, -31, -1, 1, 31, 366, 3650)  # days
_SITE = """
import time

def jumped(real=time.time):
    with open({path!r}) as file:
        return real() + float(file.read())

time.time = jumped
"""


class Clock:
    """Of whoever has its `environment`: `folder` says how far it is ahead."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._ahead = folder / "ahead"
        self.set(0)
        (folder / "sitecustomize.py").write_text(_SITE.format(path=str(self._ahead)))
        self.environment = {"PYTHONPATH": os.pathsep.join((str(folder), os.environ.get("PYTHONPATH", "")))}

    def set(self, days: int) -> None:
        fresh = self._ahead.with_suffix(".new")
        fresh.write_text(str(days * DAY))
        fresh.replace(self._ahead)


def jump_clocks(root: Path, count: int, dice: random.Random) -> Outcome:
    """Every third time the engine is not there meanwhile. Limits are looked at once more after each jump."""
    clock = Clock(root / "clock")
    with engine_in(root, **clock.environment) as engine:
        ledger = Ledger(dice)
        for number in range(count):
            work(ledger, engine)
            time.sleep(dice.uniform(0.0, 0.2))
            days = dice.choice(JUMPS)
            _jump(engine, clock, days, restart=number % 3 == 2)
            work(ledger, engine)
            assert _is_about(days, engine), "the engine looks at another clock"
            wait_for_progress(engine)
        return ledger.audit(engine)


def _jump(engine: EngineProcess, clock: Clock, days: int, *, restart: bool) -> None:
    if restart:
        engine.stop()
    clock.set(days)
    if restart:
        engine.start()
    limits = engine.http.get("/v1/storage").json()
    engine.http.put("/v1/storage", json={"limit": limits["limit"], "days": 1 + limits["days"] % 30})


def _is_about(days: int, engine: EngineProcess) -> bool:
    """Whether the newest job was accepted on that day."""
    (job,) = engine.http.get("/v1/jobs", params={"limit": 1}).json()["jobs"]
    return bool(abs(job["created"] - time.time() - days * DAY) < DAY / 2)
