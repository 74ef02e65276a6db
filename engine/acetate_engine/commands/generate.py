"""`acetate generate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.requests import Task
from acetate_engine.commands.generating import How, Saving, generate_into, generating
from acetate_engine.commands.options import (
    AsJson,
    Background,
    Foreground,
    Out,
    Prompt,
    Region,
    Size,
    UseEngine,
    parse_region,
    parse_size,
)
from acetate_engine.commands.output import Bar, layer_below

if TYPE_CHECKING:
    from acetate_engine.documents.tree import Layer
    from acetate_engine.engine import Engine
    from acetate_engine.results import Result

_ELSEWHERE = {Task.STACK: "acetate stack", Task.REFINE: "acetate refine", Task.INPAINT: "acetate inpaint"}


@generating
def generate(
    out: Out,
    prompt: Prompt = "",
    task: Annotated[Task, typer.Option(help="What to make of what.")] = Task.FOREGROUND,
    background: Background = None,
    foreground: Foreground = None,
    size: Size = None,
    region: Region = None,
    background_prompt: Annotated[
        str, typer.Option(help="What the background shows: joint, foreground_on_background.")
    ] = "",
    foreground_prompt: Annotated[
        str, typer.Option(help="What the foreground shows: background_behind_foreground.")
    ] = "",
    blended_prompt: Annotated[
        str, typer.Option(help="What both show together.", show_default="foreground's and background's prompt")
    ] = "",
    settle: Annotated[
        bool, typer.Option("--settle", help="foreground_on_background: with its shadow and its light, as layers.")
    ] = False,
    *,
    how: How,
    saving: Saving,
    engine: UseEngine = False,
    json: AsJson = False,
) -> None:
    """Make transparent layers from a prompt.

    A PNG or WebP gets the generated layers alone; a PSD, an ORA or a folder also the background, below them.

    \b
    acetate generate -p "a glass bottle" --size 512x512 --seed 7 -o bottle.png
    acetate generate --task foreground_on_background --background room.psd \\
        --region 400,120,512x512 -p "a lamp" --settle -o room-lamp.psd
    acetate generate --task joint -p "a kite" --background-prompt "a cloudy sky" -o kite.ora
    acetate generate -m dream -p "a fox" --style ink:0.8 --image-prompt reference.png:0.6 -o fox.png
    acetate generate -m dream -p "a fox" --control edges:sketch.png -o fox.png
    """
    from acetate_engine.sources import seen

    def make(using: Engine, bar: Bar) -> tuple[Result, tuple[Layer, ...]]:
        if task in _ELSEWHERE:
            raise InvalidRequest(f"{task.value} has a command of its own", f"Use `{_ELSEWHERE[task]}`.")
        below = seen(background)
        result = using.generate(
            prompt,
            task=task,
            size=parse_size(size),
            region=parse_region(region),
            background=below,
            foreground=foreground,
            reporter=bar,
            background_prompt=background_prompt,
            foreground_prompt=foreground_prompt,
            blended_prompt=blended_prompt,
            settle=settle,
            **how.arguments,
        )
        return result, layer_below(background, below, out)

    generate_into(out, json, engine, saving, make, reads=lambda: (background, foreground, *how.files))
