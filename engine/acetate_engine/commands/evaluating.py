"""What all commands of `acetate eval` share: what they say meanwhile, and what they need."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.requests import Preset

if TYPE_CHECKING:
    from acetate_engine.evaluation.report import Measured
    from acetate_engine.evaluation.saying import Say

ModelName = Annotated[str, typer.Option("--model", help="See `acetate models`.")]
Quality = Annotated[Preset, typer.Option("--preset", help="How to sample.")]
Data = Annotated[Path, typer.Option("--data", help="Folder with fg.jsonl, bg.jsonl and their pictures.")]
Split = Annotated[str, typer.Option("--split", help="Which of its splits.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Where to write it.")]


@contextmanager
def measuring(model: str, data: Path, split: str, preset: Preset) -> Iterator[tuple[Measured, Say]]:
    """What is measured, and how to say what is being done."""
    require("scipy", "skimage", "pymatting")
    from acetate_engine.evaluation.report import subject_of

    with saying() as say:
        yield subject_of(model, data, split, preset, say), say


def require(*packages: str) -> None:
    """Raises InvalidRequest where one is not installed."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise InvalidRequest(f"{', '.join(missing)} cannot be imported", "Install them: pip install 'acetate[eval]'.")


@contextmanager
def saying() -> Iterator[Say]:
    """What is being done: on a terminal one line that changes, elsewhere a line each."""
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("loading") as status:
        yield status.update if console.is_terminal else console.print
