"""`acetate models`."""

from __future__ import annotations

import json as json_module

import typer

from acetate.protocol.codec import to_json
from acetate.protocol.events import ModelInfo, ModelList
from acetate_engine.commands.options import AsJson


def models(json: AsJson = False) -> None:
    """List the models, what they can do, and whether their files are there.

    \b
    acetate models
    acetate models --json
    """
    from acetate_engine.models.families import describe_models

    found = describe_models()
    if json:
        typer.echo(json_module.dumps(to_json(ModelList(tuple(found))), indent=2))
    else:
        _print(found)


def _print(found: list[ModelInfo]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Model", "Title", "Tasks", "Native", "Licence", "Files")
    for info in found:
        tasks = ", ".join(task.value for task in info.tasks)
        native = f"{info.native}×{info.native}"
        table.add_row(info.name, info.title, tasks, native, info.licence, "there" if info.installed else info.reason)
    Console().print(table)
