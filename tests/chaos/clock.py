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


def jump_clocks(root: Path, count: int, dice: random.Random) -> Outcome:
    """Every third time the engine is not there meanwhile. Limits are looked at once more after each jump."""
    root.mkdir()
    ahead = root / "ahead"  # how many seconds
    _set(ahead, 0)
    site = root / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(_SITE.format(path=str(ahead)))
    with engine_in(root, PYTHONPATH=os.pathsep.join((str(site), os.environ.get("PYTHONPATH", "")))) as engine:
        ledger = Ledger(dice)
        for number in range(count):
            work(ledger, engine)
            time.sleep(dice.uniform(0.0, 0.2))
            days = dice.choice(JUMPS)
            _jump(engine, ahead, days, restart=number % 3 == 2)
            work(ledger, engine)
            assert _is_about(days, engine), "the engine looks at another clock"
            wait_for_progress(engine)
        return ledger.audit(engine)


def _jump(engine: EngineProcess, ahead: Path, days: int, *, restart: bool) -> None:
    if restart:
        engine.stop()
    _set(ahead, days * DAY)
    if restart:
        engine.start()
    limits = engine.http.get("/v1/storage").json()
    engine.http.put("/v1/storage", json={"limit": limits["limit"], "days": 1 + limits["days"] % 30})


def _is_about(days: int, engine: EngineProcess) -> bool:
    """Whether the newest job was accepted on that day."""
    (job,) = engine.http.get("/v1/jobs", params={"limit": 1}).json()["jobs"]
    return bool(abs(job["created"] - time.time() - days * DAY) < DAY / 2)


def _set(ahead: Path, seconds: int) -> None:
    fresh = ahead.with_suffix(".new")
    fresh.write_text(str(seconds))
    fresh.replace(ahead)
