"""What commands print: progress on standard error, results on standard output, for people or as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from acetate.protocol.codec import to_json
from acetate.protocol.errors import AcetateError, Json
from acetate.protocol.events import Stage
from acetate_engine.pipelines.contract import JobCancelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.progress import Progress

    from acetate_engine.documents.shown import Shown
    from acetate_engine.documents.tree import Layer
    from acetate_engine.engine import Engine
    from acetate_engine.results import Result

_FLAT = (".png", ".webp")
INTERRUPTED = 130  # as a shell says it: 128 + SIGINT


@contextmanager
def reported(as_json: bool) -> Iterator[None]:
    """An AcetateError ends the command with status 1: as problem+json here, as text by `acetate_engine.cli`."""
    try:
        yield
    except AcetateError as error:
        if not as_json:
            raise
        typer.echo(json.dumps(error.to_problem(), indent=2))
        raise typer.Exit(1) from None
    except (JobCancelled, KeyboardInterrupt):
        typer.echo("Cancelled.", err=True)
        raise typer.Exit(INTERRUPTED) from None


@dataclass
class Bar:
    """A Reporter that shows a bar on a terminal, and nothing elsewhere."""

    progress_bar: Progress
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._task = self.progress_bar.add_task("starting", total=None)

    def progress(self, step: int, steps: int, stage: Stage) -> None:
        self.progress_bar.update(self._task, completed=step, total=steps, description=stage)

    def preview(self, step: int, rgba: NDArray[np.uint8]) -> None:
        pass

    def check(self) -> None:
        pass

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def end(self) -> None:
        """Leaves the terminal to what is printed next."""
        self.progress_bar.stop()


@contextmanager
def progress_bar() -> Iterator[Bar]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<8}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as shown:
        yield Bar(shown)


def engine_for(remote: bool) -> Engine:
    """In this process, or the one that runs. Raises EngineUnreachable."""
    from acetate_engine.engine import Engine

    return Engine.connect() if remote else Engine()


def is_flat(out: Path) -> bool:
    """Whether the file will be one picture, without layers."""
    return out.suffix.lower() in _FLAT


def layer_below(ground: Path | None, shown: Shown | None, out: Path) -> tuple[Layer, ...]:
    """What was given as background, for a file that holds layers; a flat one gets what was made alone."""
    from acetate_engine.documents.tree import Memory, PixelLayer

    if ground is None or shown is None or is_flat(out):
        return ()
    return (PixelLayer(ground.stem, source=Memory.at(0, 0, shown.pixels)),)


def print_result(result: Result, out: object, seconds: float, as_json: bool, notes: tuple[str, ...] = ()) -> None:
    from acetate_engine.documents.formats import printable

    request = result.request
    notes = (*result.notes, *notes)
    if as_json:
        layers = [{"name": layer.name, "role": layer.role.value, "bounds": to_json(layer.bounds), "seed": layer.seed}
                  for layer in result.layers]  # fmt: skip
        report: Json = {
            "file": str(out),
            "task": request.task.value,
            "model": request.model,
            "seed": request.seed,
            "seconds": round(seconds, 3),
            "layers": layers,  # type: ignore[dict-item]  # lists are invariant
            "notes": list(notes),
        }
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
        return
    for layer in result.layers:
        typer.echo(f"{layer.name}: {layer.bounds}, seed {layer.seed}")
    for note in notes:
        typer.echo(f"Note: {printable(note)}.", err=True)
    typer.echo(f"{out} ({seconds:.1f} s)")
