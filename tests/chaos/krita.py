"""Krita dies while its job is under way: the job ends without it, once, and the next Krita begins no other."""

from __future__ import annotations

import random
import time
from pathlib import Path

from acetate.protocol.events import JobState
from acetate.protocol.requests import Task
from tests.chaos.ledger import Outcome, jobs_in, store_of
from tests.krita.harness.display import Display
from tests.krita.harness.engine import Engine
from tests.krita.harness.fresh import fresh_home
from tests.krita.harness.painter import Painter
from tests.krita.harness.process import KritaProcess
from tests.krita.harness.waiting import wait_until


def kill_kritas(root: Path, count: int, dice: random.Random) -> Outcome:
    """In a home of its own; `root` stays empty."""
    with Display.virtual() as display, fresh_home(display) as home:
        painter, engine, outcome = Painter(KritaProcess(home, display)), Engine(home), Outcome()
        try:
            for seed in range(1, count + 1):
                outcome += _kill(painter, engine, store_of(home.root), seed, dice)
        finally:
            painter.krita.quit()
    return outcome


def _kill(painter: Painter, engine: Engine, store: Path, seed: int, dice: random.Random) -> Outcome:
    painter.show_docker()
    painter.new_document(64, 64)
    painter.set_up("a green pear", Task.FOREGROUND, seed)
    before = jobs_in(store)
    job = engine.new_job(painter.press_generate)
    time.sleep(dice.uniform(0.0, 1.0))
    painter.krita.kill()
    painter.restart_krita()
    painter.new_document(64, 64)
    painter.hands.click("acetate_prompt")  # whoever is about to type needs an engine: the one before may have ended
    engine_ends = lambda: engine.has_ended(job)  # noqa: E731
    wait_until(engine_ends, "the job to end", 180.0)
    new = jobs_in(store) - before
    return Outcome(
        jobs=1,
        lost=engine.state(job) != JobState.DONE.value,
        twice=len(new) - 1,
        falsely_cancelled=engine.state(job) == JobState.CANCELLED.value,
    )
