"""What the generating commands have in common: their options, and what they need of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import MAX_SEED, Preset

Prompt = Annotated[str, typer.Option("--prompt", "-p", help="What should appear.")]
Negative = Annotated[str, typer.Option(help="What should not appear.")]
Background = Annotated[
    Path | None, typer.Option(help="Picture or document below: PSD, ORA, KRA, PNG, WebP.", show_default=False)
]
Foreground = Annotated[Path | None, typer.Option(help="Transparent picture or document.", show_default=False)]
Size = Annotated[str | None, typer.Option(help="Width×height in pixels, as 640x480.", show_default="the pictures'")]
Seed = Annotated[int | None, typer.Option(min=0, max=MAX_SEED, help="Same seed, same pixels.", show_default="drawn")]
Quality = Annotated[Preset, typer.Option("--preset", help="draft is quick, final is good.")]
ModelName = Annotated[str, typer.Option("--model", "-m", help="`acetate models` lists them.")]
Steps = Annotated[int | None, typer.Option(min=1, max=200, help="Denoise steps.", show_default="the preset's")]
Guidance = Annotated[float | None, typer.Option(help="Guidance scale.", show_default="the model's")]
Strength = Annotated[float, typer.Option(min=0.0, max=1.0, help="0 keeps the layer, 1 makes another.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Where to write; the suffix decides the format.")]
UseEngine = Annotated[bool, typer.Option("--engine", help="Ask the running engine instead of loading models here.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, errors too.")]


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Raises InvalidRequest."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,6})\s*[xX×]\s*(\d{1,6})", text.strip())
    if match is None or "0" in match.groups():
        raise InvalidRequest(f"the size {text!r} is not a size", "Give width and height, as 640x480.")
    return int(match[1]), int(match[2])


def parse_region(text: str) -> Bounds:
    """ "X,Y,WxH" in canvas pixels. Raises InvalidRequest."""
    match = re.fullmatch(r"(-?\d{1,6}),(-?\d{1,6}),(\d{1,6})[xX×](\d{1,6})", text.replace(" ", ""))
    if match is None:
        raise InvalidRequest(f"the region {text!r} is not one", "Give corner and size in pixels, as 100,40,512x512.")
    return Bounds(*(int(group) for group in match.groups()))
