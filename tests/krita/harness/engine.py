"""The engine that the plugin started, as the tests see it from outside."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from acetate.protocol.codec import from_json
from acetate.protocol.connection import Connection, read_connection
from acetate.protocol.events import JobState, JobStatus, LayerResult, ModelList
from acetate.protocol.pixels import MEDIA_TYPE, PixelBuffer
from acetate.protocol.requests import DEFAULT_MODEL, GenerateRequest, Task
from tests.krita.harness.home import Home
from tests.krita.harness.waiting import PATIENCE, wait_until

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Engine:
    """Found through the connection file of a private HOME; there may be none."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.connection_file = home.runtime / "acetate" / "connection.json"
        self._store = home.root / "data" / "acetate" / "jobs.sqlite"

    @property
    def connection(self) -> Connection | None:
        return read_connection(self.connection_file)

    @property
    def pid(self) -> int | None:
        """Of a live engine process; None where there is none."""
        connection = self.connection
        return connection.pid if connection and is_alive(connection.pid) else None

    def health(self) -> dict[str, Any] | None:
        connection = self.connection
        if connection is None:
            return None
        with suppress(OSError), _DIRECT.open(f"{connection.url}/health", timeout=2) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
        return None

    # its jobs

    def new_job(self, action: Callable[[], None], timeout: float = PATIENCE) -> str:
        """The id of the job that `action` makes the plugin send."""
        before = set(self.jobs())
        action()
        new = wait_until(lambda: set(self.jobs()) - before, "a new job in the engine's store", timeout)
        return new.pop()

    def newest(self) -> str:
        """The id of the job that was accepted last."""
        return list(self.jobs())[-1]

    def state(self, job: str) -> str:
        return self.jobs()[job]

    def has_ended(self, job: str) -> bool:
        return JobState(self.state(job)).is_final

    def wait_for(self, job: str, state: str, timeout: float = PATIENCE) -> None:
        """Raises AssertionError where the job ends in another state."""

        def there() -> bool:
            now = self.state(job)
            assert now == state or not JobState(now).is_final, f"job {job} is {now}, not {state}"
            return now == state

        wait_until(there, f"job {job} to be {state}", timeout, every=0.01)

    def priority(self, job: str) -> int:
        with closing(sqlite3.connect(f"file:{self._store}?mode=ro", uri=True)) as database:
            (found,) = database.execute("SELECT priority FROM jobs WHERE id = ?", (job,)).fetchone()
            return int(found)

    def done_and_listed(self) -> list[str]:
        """What a painter has to find in the list of results."""
        if not self._store.exists():
            return []
        with closing(sqlite3.connect(f"file:{self._store}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT id FROM jobs WHERE state = 'done' AND listed").fetchall()
            return [job for (job,) in rows]

    def jobs(self) -> dict[str, str]:
        """Id → state, oldest first: read from the store, because a killed engine answers nobody."""
        if not self._store.exists():
            return {}
        with closing(sqlite3.connect(f"file:{self._store}?mode=ro", uri=True)) as database:
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'jobs'").fetchone():
                return {}  # the engine is starting for the first time
            return dict(database.execute("SELECT id, state FROM jobs ORDER BY number").fetchall())

    def layers(self, job: str) -> tuple[LayerResult, ...]:
        """Of a finished job, bottom to top."""
        return from_json(JobStatus, json.loads(self._get(f"/v1/jobs/{job}"))).layers

    def picture(self, job: str, index: int) -> PixelBuffer:
        """Of one layer of a finished job."""
        return PixelBuffer.decode(self._get(f"/v1/jobs/{job}/layers/{index}", Accept=MEDIA_TYPE))

    def request(self, job: str) -> GenerateRequest:
        """As the plugin sent it."""
        request = from_json(JobStatus, json.loads(self._get(f"/v1/jobs/{job}"))).request
        assert request is not None
        return request

    def image(self, digest: str | None) -> PixelBuffer:
        """A condition as the engine received it."""
        return PixelBuffer.decode(self._get(f"/v1/images/{digest}"))

    def tasks(self) -> tuple[Task, ...]:
        """What the embedded model can do."""
        models = from_json(ModelList, json.loads(self._get("/v1/models"))).models
        return next(model.tasks for model in models if model.name == DEFAULT_MODEL)

    def _get(self, path: str, **headers: str) -> bytes:
        connection = self.wait_ready()
        headers["Authorization"] = f"Bearer {connection.token}"
        with _DIRECT.open(urllib.request.Request(connection.url + path, headers=headers), timeout=PATIENCE) as response:
            body: bytes = response.read()
            return body

    # its life

    def wait_ready(self, timeout: float = PATIENCE) -> Connection:
        wait_until(self.health, "a healthy engine", timeout)
        connection = self.connection
        assert connection is not None
        return connection

    @contextmanager
    def started_by_hand(self, **variables: str) -> Iterator[Connection]:
        """The command that the plugin would run, run by someone else, with more in its environment; ended behind the
        block.
        """
        command = json.loads((self._home.config / "acetate" / "engine.json").read_text())["command"]
        environment = {**self._home.environment(""), "PATH": os.environ["PATH"], **variables}
        with (self._home.root / "engine-by-hand.log").open("ab") as log:
            process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield self.wait_ready()
        finally:
            process.terminate()
            process.wait(PATIENCE)

    def kill(self) -> int:
        """As a crash or the system's memory killer would: no goodbye. The process id that was."""
        pid = self.pid
        assert pid is not None, "there is no engine to kill"
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), "the engine to be gone")
        return pid

    def kill_worker(self) -> None:
        """The process that holds the models: the engine's only child with torch in it."""
        pid = self.pid
        assert pid is not None, "there is no engine"
        (worker,) = [child for child in children(pid) if "worker" in command_line(child)]
        os.kill(worker, signal.SIGKILL)

    @contextmanager
    def worker_held(self) -> Iterator[None]:
        """Its worker stands still: no job gets on, however fast the machine. Where none runs, it has to start first."""
        engine = self.pid
        workers = children(engine) if engine is not None else []
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        try:
            yield
        finally:
            for worker in workers:
                os.kill(worker, signal.SIGCONT)

    def worker_seconds(self) -> float:
        """Processor time that the worker has used; 0 where no engine runs."""
        pid = self.pid
        workers = [child for child in children(pid) if "worker" in command_line(child)] if pid else []
        return sum(map(processor_seconds, workers))

    def stop(self) -> None:
        """As the operating system does when the painter logs out; does nothing where no engine runs."""
        pid = self.pid
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not is_alive(pid), "the engine to stop")


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def processor_seconds(pid: int) -> float:
    """User and system time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def is_alive(pid: int) -> bool:
    """Zombies do not count: nobody may be there to reap an engine that was killed."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")
