"""`acetate bench`."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table

from acetate_engine.models.runtime.devices import computes_in_bf16
from acetate_engine.models.runtime.quiet import quiet_libraries
from acetate_engine.verification.table.caching import caching
from acetate_engine.verification.table.growth import growth
from acetate_engine.verification.table.jobs import job_lines
from acetate_engine.verification.table.line import Line
from acetate_engine.verification.table.networks import decoding, steps
from acetate_engine.verification.table.pictures import compositing, padding
from acetate_engine.verification.table.rooflines import CARDS, costs

_LIBRARIES = ("torch", "diffusers", "transformers", "numpy", "opencv-python-headless", "numba", "psd-tools")


def bench(
    small: Annotated[bool, typer.Option(help="Narrow networks and small pictures: to see that it runs.")] = False,
    side: Annotated[int, typer.Option(help="Pixels a side of decoding and of the SD1.5 step.")] = 512,
    json_file: Annotated[Path | None, typer.Option("--json", help="The same for programs, into this file.")] = None,
) -> None:
    """Speed, memory and growth against peers and limits, each with its goal and a verdict."""
    quiet_libraries()
    console, machine = Console(width=200), _machine()
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()), highlight=False)
    lines: list[Line] = []
    for line in _lines(small, 64 if small else side):
        console.print(f"  {line.name}: {line.today} {line.at_least} {line.why}", highlight=False)
        lines.append(line)
    console.print(_table(lines))
    console.print(_summary(lines), highlight=False)
    rooflines = [] if small else list(_rooflines())
    for text in rooflines:
        console.print(text, highlight=False)
    if json_file:
        rows = [line.record() for line in lines]
        json_file.write_text(json.dumps({"machine": machine, "lines": rows, "cards": rooflines}, indent=2) + "\n")


def _lines(small: bool, side: int) -> Iterator[Line]:
    rounds = 1 if small else 5
    yield padding(128 if small else 2048, rounds)
    yield from compositing(2, 64, 1) if small else compositing(4, 2048, 3)
    if not small:
        yield from compositing(12, 4096, 1)
    yield from decoding(side, small)
    yield from steps(side, small)
    yield caching(small)
    yield from job_lines(64, 2, 1) if small else job_lines(512, 8, rounds)
    yield from growth(small)


def _rooflines() -> Iterable[str]:
    for cost in costs():
        least = ", ".join(f"{card.name} {cost.least(card) * 1000:.1f} ms" for card in CARDS)
        yield f"  {cost.name}: {cost.flops / 1e12:.2f} Tflop, weights {cost.weights / 1e9:.2f} GB; at least: {least}"


def _machine() -> dict[str, str]:
    return {
        "processor": _processor(),
        "threads": str(torch.get_num_threads()),
        "bf16": "yes" if computes_in_bf16() else "no",
        "python": platform.python_version(),
        **{library: version(library) for library in _LIBRARIES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()  # no Linux: less is said of the processor
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _table(lines: list[Line]) -> Table:
    table = Table("line", "peer or limit", "today", "goal", "verdict", "at least", "more")
    for line in lines:
        table.add_row(line.name, line.peer, line.today, line.goal, line.verdict, line.at_least, line.why)
    return table


def _summary(lines: list[Line]) -> str:
    verdicts = Counter(line.verdict for line in lines)
    return f"{len(lines)} lines: " + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
