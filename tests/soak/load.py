"""Jobs in numbers, and what is measured meanwhile."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from acetate.protocol.codec import to_json
from acetate.protocol.events import JobState
from tests.engine.process import PATIENCE, EngineProcess, identity_request


@dataclass(frozen=True)
class Load:
    """Of one process, at one moment."""

    memory: int  # bytes that it has in memory
    descriptors: int
    threads: int

    @staticmethod
    def of(pid: int) -> Load:
        process = Path(f"/proc/{pid}")
        resident = int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
        return Load(resident, len(list((process / "fd").iterdir())), len(list((process / "task").iterdir())))

    def growth(self, later: Load) -> tuple[float, float, float]:
        """Of each, as a share."""
        pairs = zip(vars(self).values(), vars(later).values(), strict=True)
        memory, descriptors, threads = (after / before - 1.0 for before, after in pairs)
        return memory, descriptors, threads


def client(engine: EngineProcess) -> httpx.Client:
    token = {"Authorization": f"Bearer {engine.connection.token}"}
    return httpx.Client(base_url=engine.connection.url, headers=token, timeout=PATIENCE, trust_env=False)


def run_jobs(engine: EngineProcess, count: int, clients: int, first: int = 0) -> int:
    """Each client sends one after the other and waits for its end; how many were done."""
    engine.upload()

    def work(number: int) -> int:
        with client(engine) as http:
            return sum(_one(http, seed) for seed in range(first + number, first + count, clients))

    with ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(work, range(clients)))


def _one(http: httpx.Client, seed: int) -> bool:
    answer = http.post("/v1/jobs", json=to_json(identity_request(seed=seed)))
    job = answer.json()["id"]
    while True:
        state = JobState(http.get(f"/v1/jobs/{job}").json()["state"])
        if state.is_final:
            return state is JobState.DONE
        time.sleep(0.05)


@contextmanager
def timing_health(engine: EngineProcess, every: float = 0.05) -> Iterator[list[float]]:
    """Seconds of each answer of /health while the block runs."""
    seconds: list[float] = []
    over = threading.Event()

    def look() -> None:
        with client(engine) as http:
            while not over.wait(every):
                seconds.append(timed(lambda: http.get("/health")))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seconds
    finally:
        over.set()
        thread.join()


def timed(call: Callable[[], httpx.Response]) -> float:
    began = time.perf_counter()
    answer = call()
    assert answer.status_code < 400, answer.text
    return time.perf_counter() - began


def percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def fill_queue(engine: EngineProcess, count: int, clients: int) -> list[str]:
    """Jobs that wait: the worker is stopped. Their ids."""
    engine.upload()

    def work(number: int) -> list[str]:
        with client(engine) as http:
            requests = (to_json(identity_request(seed=seed)) for seed in range(number, count, clients))
            return [http.post("/v1/jobs", json=request).json()["id"] for request in requests]

    with ThreadPoolExecutor(clients) as pool:
        return [job for jobs in pool.map(work, range(clients)) for job in jobs]


@dataclass(frozen=True)
class Cost:
    """Of one kind of call."""

    seconds: list[float]  # by the clock, of each
    computed: float  # seconds that the engine computed, of each on average


def time_calls(engine: EngineProcess, waiting: list[str], times: int) -> dict[str, Cost]:
    """Submitting, cancelling and listing beside a queue."""
    with client(engine) as http:
        calls: dict[str, Callable[[int], httpx.Response]] = {
            "submit": lambda seed: http.post("/v1/jobs", json=to_json(identity_request(seed=seed))),
            "cancel": lambda index: http.delete(f"/v1/jobs/{waiting[index]}"),
            "list": lambda _: http.get("/v1/jobs"),
            "look at one": lambda index: http.get(f"/v1/jobs/{waiting[-1 - index]}"),
        }
        return {name: _cost(engine, call, times) for name, call in calls.items()}


def _cost(engine: EngineProcess, call: Callable[[int], httpx.Response], times: int) -> Cost:
    before = computed(engine.process.pid)
    seconds = [timed(lambda index=index: call(index)) for index in range(times)]  # type: ignore[misc]
    return Cost(seconds, (computed(engine.process.pid) - before) / times)


def computed(pid: int) -> float:
    """Seconds of a processor that the process has had, without its children."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
