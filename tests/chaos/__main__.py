"""`make chaos`: every scenario with its count, bounded in time; one table at the end."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.chaos import scenarios
from tests.chaos.krita import kill_kritas
from tests.chaos.ledger import Outcome
from tests.chaos.unsynced import copy_unsynced

NAMES = {
    "kills of the worker": scenarios.kill_workers,
    "kills of the engine": scenarios.kill_engines,
    "kills of Krita": kill_kritas,
    "frozen copies": scenarios.copy_frozen,
    "copies without unsynced bytes": copy_unsynced,
    "fill levels of the disk": scenarios.fill_disk,
    "store locked for 30 s": scenarios.lock_store,
    "hangs of the worker": scenarios.hang_workers,
}
FULL = (60, 30, 5, 50, 50, 20, 3, 20)


def chaos(
    counts: Annotated[str, typer.Option(help=f"How often each, in this order: {', '.join(NAMES)}.")] = ",".join(
        map(str, FULL)
    ),
    seed: Annotated[int, typer.Option(help="Of the dice; another each time where it is 0.")] = 0,
    minutes: Annotated[float, typer.Option(help="After these no other scenario is begun.")] = 60.0,
) -> None:
    seed = seed or random.SystemRandom().randrange(1, 1 << 31)
    console, began = Console(), time.monotonic()
    console.print(f"seed {seed}")
    table = Table("", "times", "jobs", "lost", "twice", "falsely cancelled", "other pixels", "seconds")
    is_clean = True
    for (name, scenario), count in zip(NAMES.items(), map(int, counts.split(",")), strict=True):
        if count == 0 or time.monotonic() - began > 60 * minutes:
            table.add_row(name, "not done")
            continue
        try:
            outcome, seconds = run(scenario, count, random.Random(f"{seed} {name}"))
        except Exception:  # noqa: BLE001  # the others are still to come
            console.print_exception()
            table.add_row(name, str(count), "broke off")
            is_clean = False
            continue
        is_clean = is_clean and outcome.is_clean
        table.add_row(name, str(count), *map(str, vars(outcome).values()), f"{seconds:.0f}")
        console.print(f"{name}: {count} times, {outcome}")
    console.print(table)
    console.print(f"seed {seed}")
    sys.exit(not is_clean)


def run(scenario: scenarios.Scenario, count: int, dice: random.Random) -> tuple[Outcome, float]:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="acetate-chaos-") as folder:
        outcome = scenario(Path(folder) / "home", count, dice)
    return outcome, time.monotonic() - began


if __name__ == "__main__":
    typer.run(chaos)
