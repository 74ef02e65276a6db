"""`acetate refine`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acetate.protocol.requests import Task
from acetate_engine.commands.generating import How, Saving, generating, rework_into
from acetate_engine.commands.options import AsJson, Out, Prompt, Strength, UseEngine


@generating
def refine(
    layer: Annotated[Path, typer.Argument(help="The layer: a transparent picture, or a document.")],
    out: Out,
    prompt: Prompt,
    strength: Strength = 0.5,
    *,
    how: How,
    saving: Saving,
    engine: UseEngine = False,
    json: AsJson = False,
) -> None:
    """Make another version of a layer; its alpha may change with it.

    \b
    acetate refine campfire.png -p "a campfire with green flames" --strength 0.6 -o green.png
    acetate refine campfire.png -m dream -p "a campfire" --style watercolour -o painted.png
    """
    rework_into(
        out,
        json,
        engine,
        saving,
        prompt,
        task=Task.REFINE,
        foreground=layer,
        strength=strength,
        **how.arguments,
    )
