"""`acetate inpaint`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acetate.protocol.requests import Preset, Task
from acetate_engine.commands.options import (
    AsJson,
    Guidance,
    ModelName,
    Negative,
    Out,
    Prompt,
    Quality,
    Seed,
    Steps,
    Strength,
    UseEngine,
)
from acetate_engine.commands.output import rework_into


def inpaint(
    layer: Annotated[Path, typer.Argument(help="The layer: a transparent picture, or a document.")],
    mask: Annotated[Path, typer.Option(help="What to repaint: white, or opaque where it has transparency.")],
    out: Out,
    prompt: Prompt,
    strength: Strength = 1.0,
    seed: Seed = None,
    preset: Quality = Preset.DRAFT,
    model: ModelName = "mini",
    negative_prompt: Negative = "",
    steps: Steps = None,
    guidance_scale: Guidance = None,
    engine: UseEngine = False,
    json: AsJson = False,
) -> None:
    """Repaint a layer inside a mask; outside of it every pixel stays.

    \b
    acetate inpaint bottle.png --mask label.png -p "a paper label" -o labelled.png
    """
    rework_into(
        out,
        json,
        engine,
        prompt,
        task=Task.INPAINT,
        foreground=layer,
        mask=mask,
        strength=strength,
        seed=seed,
        preset=preset,
        model=model,
        negative_prompt=negative_prompt,
        steps=steps,
        guidance_scale=guidance_scale,
    )
