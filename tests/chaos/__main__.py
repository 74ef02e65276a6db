"""`make chaos`: parts with their counts, each in several engines at once, for they wait more than they compute."""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.chaos import scenarios
from tests.chaos.clock import jump_clocks
from tests.chaos.krita import kill_kritas
from tests.chaos.ledger import Outcome
from tests.chaos.unsynced import copy_unsynced

_KEPT = Path("out/chaos.json")


@dataclass(frozen=True)
class Part:
    scenario: scenarios.Scenario
    count: int
    lanes: int = 4  # engines that go through it side by side


PARTS: dict[str, dict[str, Part]] = {
    "kills": {
        "kills of the worker": Part(scenarios.kill_workers, 60),
        "kills of the engine": Part(scenarios.kill_engines, 30),
    },
    "frozen": {
        "frozen copies": Part(scenarios.copy_frozen, 50, 2),
        "copies without unsynced bytes": Part(copy_unsynced, 50, 2),
    },
    "full": {"fill levels of the disk": Part(scenarios.fill_disk, 20)},
    "locks": {"store locked for 30 s": Part(scenarios.lock_store, 3, 3)},
    "hangs": {"hangs of the worker": Part(scenarios.hang_workers, 20)},
    "clock": {"jumps of the clock": Part(jump_clocks, 20, 2)},
    "krita": {"kills of Krita": Part(kill_kritas, 5, 1)},
}


@dataclass(frozen=True)
class Row:
    times: int
    seconds: float
    seed: int
    outcome: Outcome | None = None  # none where it broke off


def chaos(
    parts: Annotated[list[str] | None, typer.Argument(help=f"Of {', '.join(PARTS)}; all where none is named.")] = None,
    share: Annotated[float, typer.Option(help="Of the full counts; at least one of each.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the dice; another each time where it is 0.")] = 0,
    minutes: Annotated[float, typer.Option(help="After these no other scenario is begun.")] = 15.0,
) -> None:
    """What was counted is kept in out/chaos.json, part by part: the table has all of it."""
    seed = seed or random.SystemRandom().randrange(1, 1 << 31)
    console, began = Console(width=120), time.monotonic()
    console.print(f"seed {seed}")
    rows = _kept()
    for name, part in _wanted(parts or list(PARTS)):
        rows.pop(name, None)
        if time.monotonic() - began > 60 * minutes:
            console.print(f"{name}: not begun, {minutes:g} minutes are over")
            continue
        rows[name] = _run(name, part, max(1, round(share * part.count)), seed, console)
        _keep(rows)
    console.print(_table(rows))
    sys.exit(not all(row.outcome and row.outcome.is_clean for row in rows.values()))


def _wanted(parts: list[str]) -> Iterator[tuple[str, Part]]:
    for part in parts:
        if part not in PARTS:
            raise typer.BadParameter(f"there is no part {part}; there are {', '.join(PARTS)}")
        yield from PARTS[part].items()


def _run(name: str, part: Part, count: int, seed: int, console: Console) -> Row:
    began, lanes = time.monotonic(), min(part.lanes, count)
    with tempfile.TemporaryDirectory(prefix="acetate-chaos-") as folder, ThreadPoolExecutor(lanes) as pool:

        def go(lane: int) -> Outcome:
            root = Path(folder) / str(lane)
            root.mkdir()
            own = count // lanes + (lane < count % lanes)
            return part.scenario(root / "home", own, random.Random(f"{seed} {name} {lane}"))

        futures = [pool.submit(go, lane) for lane in range(lanes)]
        try:
            outcome: Outcome | None = sum((future.result() for future in futures), Outcome())
        except Exception:  # noqa: BLE001  # the others are still to come
            console.print_exception()
            outcome = None
    seconds = round(time.monotonic() - began)
    console.print(f"{name}: {count} times in {seconds} s, {outcome or 'broke off'}")
    return Row(count, seconds, seed, outcome)


def _kept() -> dict[str, Row]:
    """What was counted before; of a part that is begun again, only what comes of it now."""
    if not _KEPT.exists():
        return {}
    found = json.loads(_KEPT.read_text())
    outcome = lambda row: row["outcome"] and Outcome(**row["outcome"])  # noqa: E731
    return {name: Row(**{**row, "outcome": outcome(row)}) for name, row in found.items()}


def _keep(rows: dict[str, Row]) -> None:
    _KEPT.parent.mkdir(exist_ok=True)
    _KEPT.write_text(json.dumps({name: asdict(row) for name, row in rows.items()}, indent=1))


def _table(rows: dict[str, Row]) -> Table:
    table = Table("", "times", "jobs", "lost", "twice", "falsely cancelled", "other pixels", "seconds", "seed")
    for name in (name for part in PARTS.values() for name in part):
        row = rows.get(name)
        if row is None:
            table.add_row(name, "not done")
        else:
            told = map(str, vars(row.outcome).values()) if row.outcome else ("broke off", *[""] * 4)
            table.add_row(name, str(row.times), *told, f"{row.seconds:.0f}", str(row.seed))
    return table


if __name__ == "__main__":
    typer.run(chaos)
