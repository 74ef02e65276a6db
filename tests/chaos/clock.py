"""A clock that jumps under a running engine, and between two runs of it: nothing gets too old, nothing ends early.

libfaketime (Debian's package faketime) gives the engine and its worker a clock of their own.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

from tests.chaos.ledger import Ledger, Outcome
from tests.chaos.scenarios import engine_in, wait_for_progress, work
from tests.engine.process import EngineProcess

DAY = 86400  # seconds
JUMPS = (-3650, -366, -31, -1, 1, 31, 366, 3650)  # days


def library() -> Path | None:
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def jump_clocks(root: Path, count: int, dice: random.Random) -> Outcome:
    """Every third time the engine is not there meanwhile. Limits are looked at once more after each jump."""
    fake = library()
    assert fake is not None, "libfaketime is not there: install the package faketime"
    root.mkdir()
    now = root / "now"
    _set(now, 0)
    environment = {
        "LD_PRELOAD": str(fake),
        "FAKETIME_TIMESTAMP_FILE": str(now),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",  # its older name
    }
    with engine_in(root, **environment) as engine:
        ledger = Ledger(dice)
        for number in range(count):
            work(ledger, engine)
            time.sleep(dice.uniform(0.0, 0.2))
            days = dice.choice(JUMPS)
            _jump(engine, now, days, restart=number % 3 == 2)
            work(ledger, engine)
            assert _is_about(days, engine), "libfaketime has moved no clock"
            wait_for_progress(engine)
        return ledger.audit(engine)


def _jump(engine: EngineProcess, now: Path, days: int, *, restart: bool) -> None:
    if restart:
        engine.stop()
    _set(now, days * DAY)
    if restart:
        engine.start()
    limits = engine.http.get("/v1/storage").json()
    engine.http.put("/v1/storage", json={"limit": limits["limit"], "days": 1 + limits["days"] % 30})


def _is_about(days: int, engine: EngineProcess) -> bool:
    """Whether the newest job was accepted on that day."""
    (job,) = engine.http.get("/v1/jobs", params={"limit": 1}).json()["jobs"]
    return bool(abs(job["created"] - time.time() - days * DAY) < DAY / 2)


def _set(now: Path, seconds: int) -> None:
    fresh = now.with_suffix(".new")
    fresh.write_text(f"{seconds:+d}")
    fresh.replace(now)
