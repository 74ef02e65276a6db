"""`acetate generate`."""

from __future__ import annotations

from typing import Annotated

import typer

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.requests import Task
from acetate_engine.commands.generating import How, Saving, generating, making
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
from acetate_engine.commands.output import layer_below

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
    acetate generate -p "a campfire" --size 512x512 --seed 7 -o campfire.png
    acetate generate --task foreground_on_background --background room.psd \\
        --region 400,120,512x512 -p "a lamp" --settle -o room-lamp.psd
    acetate generate --task joint -p "a kite" --background-prompt "a cloudy sky" -o kite.ora
    acetate generate -m dream -p "a fox" --style ink:0.8 --image-prompt reference.png:0.6 -o fox.png
    acetate generate -m dream -p "a fox" --control edges:sketch.png -o fox.png
    """
    from acetate_engine.sources import seen

    with making(out, json, engine, saving) as run:
        run.reads(background, foreground, *how.files)
        if task in _ELSEWHERE:
            raise InvalidRequest(f"{task.value} has a command of its own", f"Use `{_ELSEWHERE[task]}`.")
        below = seen(background)
        result = run.engine.generate(
            prompt,
            task=task,
            size=parse_size(size),
            region=parse_region(region),
            background=below,
            foreground=foreground,
            reporter=run.bar,
            background_prompt=background_prompt,
            foreground_prompt=foreground_prompt,
            blended_prompt=blended_prompt,
            settle=settle,
            **how.arguments,
        )
        run.save(result, layer_below(background, below, out))
