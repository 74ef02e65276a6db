"""`acetate refine`."""

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


def refine(
    layer: Annotated[Path, typer.Argument(help="The layer: a transparent picture, or a document.")],
    out: Out,
    prompt: Prompt,
    strength: Strength = 0.5,
    seed: Seed = None,
    preset: Quality = Preset.DRAFT,
    model: ModelName = "mini",
    negative_prompt: Negative = "",
    steps: Steps = None,
    guidance_scale: Guidance = None,
    engine: UseEngine = False,
    json: AsJson = False,
) -> None:
    """Make another version of a layer; its alpha may change with it.

    \b
    acetate refine bottle.png -p "a green glass bottle" --strength 0.6 -o green.png
    """
    rework_into(
        out,
        json,
        engine,
        prompt,
        task=Task.REFINE,
        foreground=layer,
        strength=strength,
        seed=seed,
        preset=preset,
        model=model,
        negative_prompt=negative_prompt,
        steps=steps,
        guidance_scale=guidance_scale,
    )
