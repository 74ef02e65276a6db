"""What is done to the engine. Each scenario gives the outcome of all the jobs that were accepted meanwhile."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from tests.chaos.ledger import Ledger, Outcome, done, store_of
from tests.engine.disks import fill
from tests.engine.process import EngineProcess, wait_until

Scenario = Callable[[Path, int, random.Random], Outcome]
_AHEAD = 3  # jobs that wait when something happens


@contextmanager
def engine_in(root: Path, **environment: str) -> Iterator[EngineProcess]:
    engine = EngineProcess(root, **environment)
    try:
        yield engine
    finally:
        engine.stop()


def kill_workers(root: Path, count: int, dice: random.Random) -> Outcome:
    with engine_in(root) as engine:
        ledger = Ledger(dice)
        for _ in range(count):
            work(ledger, engine)
            time.sleep(dice.uniform(0.0, 0.4))
            os.kill(engine.worker, signal.SIGKILL)
            wait_for_progress(engine)
        return ledger.audit(engine)


def kill_engines(root: Path, count: int, dice: random.Random) -> Outcome:
    """While jobs are sent, too."""
    with engine_in(root) as engine:
        ledger = Ledger(dice)
        for _ in range(count):
            work(ledger, engine)
            killer = threading.Timer(dice.uniform(0.0, 0.4), engine.kill)
            killer.start()
            sender = threading.Thread(target=work, args=(ledger, engine))
            sender.start()
            killer.join()
            engine.start()
            sender.join()
            wait_for_progress(engine)
        return ledger.audit(engine)


def hang_workers(root: Path, count: int, dice: random.Random) -> Outcome:
    """Stopped for good, at any moment of a job."""
    with engine_in(root, ACETATE_HANG_SECONDS="6") as engine:
        ledger = Ledger(dice)
        for _ in range(count):
            engine.wait_ready() if not _is_busy(engine) else None
            work(ledger, engine)
            time.sleep(dice.uniform(0.0, 0.2))
            engine.pause_worker()
            wait_for_progress(engine)
        return ledger.audit(engine)


def lock_store(root: Path, count: int, dice: random.Random, seconds: float = 30.0) -> Outcome:
    """By another program, while jobs run."""
    with engine_in(root) as engine:
        ledger = Ledger(dice)
        for _ in range(count):
            work(ledger, engine)
            time.sleep(dice.uniform(0.0, 0.2))
            with closing(sqlite3.connect(store_of(root), isolation_level=None, timeout=30)) as database:
                database.execute("BEGIN IMMEDIATE")
                time.sleep(seconds)
                database.execute("ROLLBACK")
        return ledger.audit(engine)


def fill_disk(root: Path, count: int, dice: random.Random) -> Outcome:
    """A disk of its own, full but for some bytes, each time of another number; then room again."""
    root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "acetate-chaos", root], check=True)
    try:
        with engine_in(root) as engine:
            ledger = Ledger(dice)
            for level in range(count):
                work(ledger, engine)
                filler = fill(root, free=dice.choice((0, 4096 * level, dice.randrange(1 << 20))))
                work(ledger, engine)
                time.sleep(dice.uniform(0.2, 1.5))
                filler.unlink()
                wait_for_progress(engine)
            return ledger.audit(engine)
    finally:
        subprocess.run(["umount", "-l", root], check=True)


Lose = Callable[[Path], None]  # what a copy lacks


def copy_frozen(root: Path, count: int, dice: random.Random) -> Outcome:
    """The data folder as a kill of everything leaves it, each copy taken up by an engine of its own."""
    with engine_in(root) as engine:
        return copies_of(engine, count, dice, lambda copy: None)


def copies_of(engine: EngineProcess, count: int, dice: random.Random, lose: Lose) -> Outcome:
    """`lose` is called while the engine is stopped."""
    ledger, copies = Ledger(dice), []
    for number in range(count):
        work(ledger, engine)
        time.sleep(dice.uniform(0.0, 0.15))
        noted = _noted(ledger)
        copies.append((_frozen_copy(engine, engine.root.with_name(f"copy-{number}"), lose), noted))
        wait_for_progress(engine)
    outcome = ledger.audit(engine)
    engine.stop()
    for copy, noted in copies:
        with engine_in(copy) as engine:
            outcome += noted.audit(engine)
        shutil.rmtree(copy)
    return outcome


def _frozen_copy(engine: EngineProcess, target: Path, lose: Lose) -> Path:
    processes = (engine.process.pid, engine.worker)
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    for process in processes:
        wait_until(lambda pid=process: _is_stopped(pid), "it to stop")  # type: ignore[misc]
    try:
        shutil.copytree(engine.root, target, ignore=shutil.ignore_patterns("run"))
        lose(target)
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)
    return target


def _is_stopped(pid: int) -> bool:
    """Every thread of it: one that still writes would be copied in the middle of that."""
    with suppress(OSError):  # a thread has just ended
        return all(state_of(thread) in "Tt" for thread in Path(f"/proc/{pid}/task").iterdir())
    return False


def state_of(process: Path) -> str:
    """The letter that the system says of a process, or a thread, by its folder in /proc."""
    return (process / "stat").read_text().rpartition(")")[2].split()[0]


def _noted(ledger: Ledger) -> Ledger:
    return Ledger(ledger.dice, dict(ledger.accepted), dict(ledger.wanted))


def work(ledger: Ledger, engine: EngineProcess) -> None:
    for _ in range(_AHEAD):
        ledger.submit(engine)


def _is_busy(engine: EngineProcess) -> bool:
    return bool(engine.health()["worker"] == "busy")


def wait_for_progress(engine: EngineProcess) -> None:
    """Until one more job is done: else one job would be hit again and again, and fail with reason."""
    before = done(engine.root)
    waits = lambda: done(engine.root) > before or not _is_waiting(engine)  # noqa: E731
    wait_until(waits, "one more job to be done")


def _is_waiting(engine: EngineProcess) -> bool:
    jobs = engine.http.get("/v1/jobs", params={"limit": 20}).json()["jobs"]
    return any(job["state"] in ("queued", "running") for job in jobs)
