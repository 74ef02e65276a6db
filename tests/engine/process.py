"""A real engine process in a private home, and a client for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from acetate.protocol.codec import from_json, to_json
from acetate.protocol.connection import Connection, read_connection
from acetate.protocol.events import Event, JobState, JobStatus, decode_event
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelBuffer, PixelFormat, digest
from acetate.protocol.requests import GenerateRequest, Task

PATIENCE = 200.0  # seconds; the machine may be busy
PIXELS = PixelBuffer(Extent(5, 3), PixelFormat.RGBA8, bytes(range(60)))


MAKE_AGAIN = {"ACETATE_MAKE_AGAIN": "1"}  # equal requests are equal work, not a look at what was made before


def private_environment(root: Path) -> dict[str, str]:
    """An environment in which nothing of the user's is touched."""
    places = {f"XDG_{kind}_HOME": str(root / kind.lower()) for kind in ("DATA", "CONFIG", "CACHE", "STATE")}
    home = {"HOME": str(root), "XDG_RUNTIME_DIR": str(root / "run")}
    return {**os.environ, **places, **home}


def identity_request(**changes: Any) -> GenerateRequest:
    """Gives PIXELS back; they must have been uploaded."""
    fields = {"task": Task.IDENTITY, "bounds": Bounds(-2, 7, 5, 3), "seed": 1, "foreground": digest(PIXELS.encode())}
    return GenerateRequest(**{**fields, **changes})


def wait_until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {patience} s"
        time.sleep(0.01)
    return value


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def is_worker(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return not is_gone(pid) and b"jobs.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


class EngineProcess:
    """`acetate serve` in `root`; `start` after `kill` takes up the same data."""

    started_in: Path | None = None  # its working folder; that of the tests where None

    def __init__(self, root: Path, *arguments: str, **environment: str) -> None:
        self.root = root
        self.arguments = arguments
        self.environment = {**private_environment(root), **MAKE_AGAIN, **environment}
        self.connection_file = root / "run" / "acetate" / "connection.json"
        self.paused: list[int] = []
        self.log = root / "state" / "acetate" / "log" / "engine.log"
        self.start()

    def start(self) -> None:
        """Returns as soon as /health answers; measures how long that took."""
        self.connection_file.unlink(missing_ok=True)
        began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "acetate_engine", "serve", *self.arguments],
            env=self.environment,
            cwd=self.started_in,
            stdout=subprocess.DEVNULL,
        )
        wait_until(self._is_announced, "a connection file")
        connection = read_connection(self.connection_file)
        assert connection is not None
        self.connection: Connection = connection
        self.http = httpx.Client(
            base_url=connection.url, headers={"Authorization": f"Bearer {connection.token}"}, timeout=PATIENCE,
            trust_env=False,
        )  # fmt: skip
        self.health()
        self.seconds_to_health = time.monotonic() - began
        user, system = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        self.cpu_seconds_to_health = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _is_announced(self) -> bool:
        """Raises AssertionError where it ended before."""
        assert self.process.poll() is None, f"the engine ended with {self.process.returncode} while it started"
        return self.connection_file.exists()

    def health(self) -> dict[str, Any]:
        answer = self.http.get("/health")
        assert answer.status_code == 200
        return answer.json()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ends it the polite way; its exit status. Workers that were paused and outlived their engine end with it."""
        self.http.close()
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(PATIENCE)
        for worker in filter(is_worker, self.paused):
            os.kill(worker, signal.SIGKILL)
        return status

    # worker

    @property
    def worker(self) -> int:
        """The process id of the worker, once there is one that lives.

        And that is past its exec: the engine waits for that, and would wait for ever for one that was stopped before.
        """
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        living = lambda: [int(pid) for pid in children.read_text().split() if is_worker(int(pid))]  # noqa: E731
        return wait_until(living, "a worker")[0]

    def wait_ready(self) -> int:
        wait_until(lambda: self.health()["worker"] == "ready", "a ready worker")
        return self.worker

    def pause_worker(self) -> int:
        """Nothing that it is sent from now on happens before it is killed or resumed."""
        worker = self.worker
        os.kill(worker, signal.SIGSTOP)
        self.paused.append(worker)
        return worker

    # jobs

    def upload(self, image: PixelBuffer = PIXELS) -> str:
        body = image.encode()
        assert self.http.put(f"/v1/images/{digest(body)}", content=body).status_code in (200, 201)
        return digest(body)

    def post(self, request: GenerateRequest, **headers: str) -> httpx.Response:
        return self.http.post("/v1/jobs", json=to_json(request), headers=headers)

    def submit(self, request: GenerateRequest) -> str:
        answer = self.post(request)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def status(self, job: str) -> JobStatus:
        return from_json(JobStatus, self.http.get(f"/v1/jobs/{job}").json())

    def wait_for(self, job: str, state: JobState) -> JobStatus:
        """Raises AssertionError where the job ends in another state."""

        def there() -> JobStatus | None:
            status = self.status(job)
            assert status.state is state or not status.state.is_final, status
            return status if status.state is state else None

        return wait_until(there, f"job {job} to be {state.value}")

    def events(self, job: str, last: int | None = None) -> Iterator[tuple[int, Event]]:
        """Numbers and events as they come, to the end of the stream."""
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        with self.http.stream("GET", f"/v1/jobs/{job}/events", headers=headers) as answer:
            assert answer.status_code == 200, answer.read()
            yield from parse_events(answer.iter_lines())


def parse_events(lines: Iterator[str]) -> Iterator[tuple[int, Event]]:
    """Server-sent events, each with its id."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line and name:
            fields[name] = value
        elif "data" in fields:
            yield int(fields["id"]), decode_event(fields["event"], fields["data"])
            fields = {}


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """The problem+json of a refused request, complete by RFC 9457 and with our remedy."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = json.loads(answer.text)
    assert problem["status"] == answer.status_code
    assert problem["detail"] and problem["remedy"] and problem["title"] and problem["type"].endswith(problem["code"])
    return problem
