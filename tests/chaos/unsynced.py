"""Copies of the data folder as a power cut leaves it: what was written since the last fsync of its file is zeros.

strace tells what the engine and its worker write, and what they sync.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.chaos.ledger import Outcome
from tests.chaos.scenarios import copies_of, engine_in, state_of
from tests.engine.process import EngineProcess, wait_until

_CALL = re.compile(
    r"(?P<pid>\d+) +(?P<call>pwrite64|fsync|fdatasync)\(\d+<(?P<path>[^>]+)>(?:, \"\"\.{0,3}, (?P<range>\d+, \d+))?"
)
_RESUMED = re.compile(r"(?P<pid>\d+) +<\.\.\. (?P<call>fsync|fdatasync) resumed")
Ranges = dict[str, list[tuple[int, int]]]  # by path: first byte, and how many


def copy_unsynced(root: Path, count: int, dice: random.Random) -> Outcome:
    with engine_in(root) as engine:
        engine.wait_ready()
        log = root.with_name("calls")
        with _traced(engine, log) as tracer:

            def lose(copy: Path) -> None:
                wait_until(lambda: _is_idle(tracer), "all calls to be written down")
                for path, ranges in unsynced(log.read_text(errors="replace")).items():
                    _forget(copy / Path(path).relative_to(root), ranges)

            return copies_of(engine, count, dice, lose)


@contextmanager
def _traced(engine: EngineProcess, log: Path) -> Iterator[int]:
    """Gives the process id of strace, once it follows every thread."""
    watched = [option for pid in (engine.process.pid, engine.worker) for option in ("-p", str(pid))]
    calls = "trace=pwrite64,fsync,fdatasync"
    command = ["strace", "-f", "-y", "-q", "-s", "0", "-e", calls, "-e", "signal=none", "-o", f"|cat > {log}", *watched]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for pid in (engine.process.pid, engine.worker):
            wait_until(lambda pid=pid: _is_followed(pid, tracer.pid), "strace to follow it")  # type: ignore[misc]
        yield tracer.pid
    finally:
        tracer.terminate()
        tracer.wait()


def _is_followed(pid: int, tracer: int) -> bool:
    """Every thread of it."""
    told = (thread / "status" for thread in Path(f"/proc/{pid}/task").iterdir())
    with suppress(OSError):  # a thread has just ended
        return all(f"TracerPid:\t{tracer}\n" in status.read_text() for status in told)
    return False


def _is_idle(tracer: int) -> bool:
    """Whether strace, and what it writes through, wait for calls: of processes that are stopped, none is missing."""
    process = Path(f"/proc/{tracer}")
    writers = (Path("/proc", child) for child in (process / f"task/{tracer}/children").read_text().split())
    return all(state_of(one) == "S" for one in (process, *writers))


def unsynced(calls: str) -> Ranges:
    """What was written to each file since its last sync returned."""
    written: Ranges = defaultdict(list)
    syncing: dict[str, str] = {}  # by thread
    for line in calls.splitlines():
        if call := _CALL.match(line):
            if call["range"]:
                length, offset = map(int, call["range"].split(", "))
                written[call["path"]].append((offset, length))
            elif "<unfinished" in line:
                syncing[call["pid"]] = call["path"]
            elif call["call"] != "pwrite64":
                written.pop(call["path"], None)
        elif resumed := _RESUMED.match(line):
            written.pop(syncing.pop(resumed["pid"], ""), None)
    return dict(written)


def _forget(path: Path, ranges: list[tuple[int, int]]) -> None:
    if not path.exists():
        return
    with path.open("r+b") as file:
        size = path.stat().st_size
        for offset, length in ranges:
            if offset < size:
                file.seek(offset)
                file.write(bytes(min(length, size - offset)))
