"""What `acetate models` prints: lines that fit 80 columns, with paths on lines of their own, never cut."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

import typer

from acetate.protocol.errors import CheckpointError
from acetate.protocol.events import ModelInfo
from acetate_engine.documents.formats import printable
from acetate_engine.models.checkpoints.info import FileInfo
from acetate_engine.models.families.places import Item, roots
from acetate_engine.models.parts.shelf import all_parts

_COLUMNS = 80
_INDENT = "    "
_UNBROKEN = "\N{NO-BREAK SPACE}"


def print_models(found: Iterable[ModelInfo]) -> None:
    typer.secho("Models", bold=True)
    for info in found:
        named = info.name if info.title == info.name else f"{info.name} · {info.title}"
        typer.echo(f"\n{printable(named)}")
        for line in _lines(info):
            _say(line)


def _lines(info: ModelInfo) -> Iterator[str]:
    if not info.installed:
        yield f"not installed: {info.reason}"
    if info.tasks:
        yield f"tasks: {', '.join(task.value for task in info.tasks)}"
    for what, names in _add_ons(info):
        if names:
            yield f"{what}: {', '.join(names)}"
    size = f"{info.native}×{info.native}" if info.native else ""
    yield ", ".join(text for text in (size, info.licence) if text)
    if info.note:
        yield info.note


def _add_ons(info: ModelInfo) -> Iterator[tuple[str, tuple[str, ...]]]:
    """By the options of the command line that take them."""
    yield "control", tuple(kind.value for kind in info.controls)
    yield "IP-Adapter", info.image_prompts
    yield "style", info.styles


def print_parts() -> None:
    typer.secho("\nParts", bold=True)
    for part in all_parts():
        typer.echo(f"\n{part.name} · {part.title}")
        _say("there" if part.is_there else f"missing: acetate models get {part.name}")
        _say(f"for {part.serves}, {part.licence}")


def print_files(files: Iterable[tuple[Item, FileInfo | CheckpointError]]) -> None:
    for index, (item, what) in enumerate(files):
        if index == 0:
            typer.secho("\nFiles", bold=True)
        typer.echo(f"\n{printable(str(item.path))}")
        usable = isinstance(what, FileInfo) and not what.problem
        _say(_said(what), None if usable else typer.colors.RED, item.path.name)


def _said(what: FileInfo | CheckpointError) -> str:
    if isinstance(what, CheckpointError):
        return f"{what.detail}. {what.remedy}."
    sampling = f", {what.sampling}" if str(what.sampling) else ""
    return f"{what}{sampling}. {what.problem}." if what.problem else f"{what}{sampling}"


def _say(text: str, colour: str | None = None, name: str = "") -> None:
    """Wrapped between words; paths stay whole, also those with blanks in them or longer than a line.

    `name`: of the file that it is about.
    """
    text = printable(text)
    for whole in map(printable, filter(None, (*map(str, roots()), name))):
        text = text.replace(whole, whole.replace(" ", _UNBROKEN))
    lines = textwrap.wrap(text, _COLUMNS - len(_INDENT), break_long_words=False, break_on_hyphens=False)
    for line in lines:
        typer.secho(_INDENT + line.replace(_UNBROKEN, " "), fg=colour)
