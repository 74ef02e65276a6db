"""`acetate inpaint`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acetate.protocol.requests import Task
from acetate_engine.commands.generating import How, Saving, generating, rework_into
from acetate_engine.commands.options import AsJson, Out, Prompt, Strength, UseEngine


@generating
def inpaint(
    layer: Annotated[Path, typer.Argument(help="The layer: a transparent picture, or a document.")],
    mask: Annotated[Path, typer.Option(help="What to repaint: white, or opaque where it has transparency.")],
    out: Out,
    prompt: Prompt,
    strength: Strength = 1.0,
    *,
    how: How,
    saving: Saving,
    engine: UseEngine = False,
    json: AsJson = False,
) -> None:
    """Repaint a layer inside a mask; outside of it every pixel stays.

    \b
    acetate inpaint bottle.png --mask label.png -p "a paper label" -o labelled.png
    acetate inpaint bottle.png --mask label.png -m dream -p "a label" --image-prompt label.jpg -o labelled.png
    """
    rework_into(
        out,
        json,
        engine,
        saving,
        prompt,
        task=Task.INPAINT,
        foreground=layer,
        mask=mask,
        strength=strength,
        **how.arguments,
    )
