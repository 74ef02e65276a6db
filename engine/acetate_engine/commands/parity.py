"""`acetate parity DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from acetate_engine.verification.comparison import Comparison
from acetate_engine.verification.golden_runs import FILE, compare_runs
from acetate_engine.verification.parity import compare


def parity(
    directory: Annotated[Path, typer.Argument(help="Directory with parameters.json and the golden vectors.")],
) -> None:
    """Compare every network, and whole jobs, with golden vectors; exit status 1 if any differs too much."""
    comparisons = list(compare(directory))
    if (directory / FILE).is_file():
        comparisons += compare_runs(directory)
    else:
        typer.echo(f"{directory} has no {FILE}: whole jobs are not compared.", err=True)
    Console().print(_table(comparisons))
    if not all(row.passed for row in comparisons):
        raise typer.Exit(1)


def _table(comparisons: list[Comparison]) -> Table:
    table = Table()
    for column in ("vector", "output", "largest error", "allowed", ""):
        table.add_column(column, overflow="fold")
    for row in comparisons:
        kind = "relative" if row.relative else "absolute"
        verdict = "ok" if row.passed else "[red]differs[/red]"
        table.add_row(row.vector, row.output, f"{row.error:.2e} {kind}", f"{row.tolerance:.0e}", verdict)
    return table
