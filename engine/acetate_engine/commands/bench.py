"""`acetate bench`."""

from __future__ import annotations

from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table

from acetate_engine.verification.bench import EQUAL, Timing, sharing_steps


def bench(
    size: Annotated[int, typer.Option(help="Pixels a side, a multiple of 64.")] = 512,
    steps: Annotated[int, typer.Option(min=1, help="Timed steps of each way, after one that is not timed.")] = 2,
    small: Annotated[bool, typer.Option(help="A narrow UNet instead of the full size of SD1.5.")] = False,
    bf16_size: Annotated[
        int | None, typer.Option(help="Pixels a side with bf16; smaller where the processor does not compute in it.")
    ] = None,
) -> None:
    """Time a denoising step of layers, merged and cached against the published way; exit status 1 if they differ."""
    console = Console()
    console.print(
        f"SD1.5 {'narrow' if small else 'full size'}, random weights, {size}×{size}, CPU threads: {_threads()}"
    )
    rows = []
    for timing in sharing_steps(size, steps, small, bf16_size):
        took = f"{timing.seconds:.2f} s, of CPU {timing.cpu_seconds:.2f} s, difference {timing.error:.1e}"
        console.print(f"  {timing.case}, {timing.size}², {timing.way}, {timing.dtype}: {took}")
        rows.append(timing)
    console.print(_table(rows))
    if any(row.dtype == "float32" and not row.error <= EQUAL for row in rows):
        console.print(f"[red]Merged and published outputs differ by more than {EQUAL}.[/red]")
        raise typer.Exit(1)


def _threads() -> int:
    return torch.get_num_threads()


def _table(rows: list[Timing]) -> Table:
    table = Table("case", "size", "way", "dtype", "s a step", "CPU s", "speed-up in CPU s", "difference")
    first: dict[tuple[str, int], float] = {}
    for row in rows:
        faster = f"{first.setdefault((row.case, row.size), row.cpu_seconds) / row.cpu_seconds:.2f}"
        seconds, cpu_seconds = f"{row.seconds:.2f}", f"{row.cpu_seconds:.2f}"
        table.add_row(row.case, f"{row.size}²", row.way, row.dtype, seconds, cpu_seconds, faster, f"{row.error:.1e}")
    return table
