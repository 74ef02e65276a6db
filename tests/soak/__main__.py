"""`make soak`: the numbers of a long day, in one table."""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.engine.process import EngineProcess
from tests.soak.load import Load, fill_queue, percentile, run_jobs, time_calls, timing_health

PARTS = ("jobs", "queue")


def soak(
    parts: Annotated[list[str] | None, typer.Argument(help=f"Of {', '.join(PARTS)}; both where none is named.")] = None,
    jobs: Annotated[int, typer.Option(help="That are carried out.")] = 2000,
    clients: Annotated[int, typer.Option(help="That send them at once.")] = 16,
    waiting: Annotated[
        int, typer.Option(help="Jobs in the queue, beside which others are sent and cancelled.")
    ] = 10_000,
) -> None:
    wanted = parts or PARTS
    if unknown := set(wanted) - set(PARTS):
        raise typer.BadParameter(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    table = Table("", "")
    with tempfile.TemporaryDirectory(prefix="acetate-soak-") as folder:
        engine = EngineProcess(Path(folder), ACETATE_HANG_SECONDS="3600")
        try:
            if "jobs" in wanted:
                _carry_out(engine, jobs, clients, table)
            if "queue" in wanted:
                _wait_beside(engine, waiting, clients, table)
        finally:
            engine.stop()
    table.add_row("load of the machine, 1 min", f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    Console(width=120).print(table)


def _carry_out(engine: EngineProcess, jobs: int, clients: int, table: Table) -> None:
    processes = {"engine": engine.process.pid, "worker": engine.wait_ready()}
    early = min(200, jobs // 10)
    done = run_jobs(engine, early, clients)
    before = {name: Load.of(pid) for name, pid in processes.items()}
    with timing_health(engine) as seconds:
        done += run_jobs(engine, jobs - early, clients, early)
    table.add_row("jobs done", f"{done} of {jobs}")
    table.add_row(f"/health under {clients} clients, p50, p99", _milliseconds(seconds))
    for name, pid in processes.items():
        growth = before[name].growth(Load.of(pid))
        said = ", ".join(f"{what} {share:+.1%}" for what, share in zip(vars(before[name]), growth, strict=True))
        table.add_row(f"{name}, job {early} to {jobs}", said)


def _wait_beside(engine: EngineProcess, waiting: int, clients: int, table: Table) -> None:
    engine.pause_worker()
    queue = fill_queue(engine, waiting, clients)
    for name, cost in time_calls(engine, queue, min(200, waiting)).items():
        said = f"{_milliseconds(cost.seconds)}; computed {1000 * cost.computed:.1f} ms"
        table.add_row(f"{name} beside {waiting} waiting, p50, p99", said)


def _milliseconds(seconds: list[float]) -> str:
    return f"{1000 * statistics.median(seconds):.1f}, {1000 * percentile(seconds, 99):.1f} ms"


if __name__ == "__main__":
    typer.run(soak)
