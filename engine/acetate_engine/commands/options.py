"""Options that several commands have, and what they need of them; generating.py has those of all that generate."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds

Prompt = Annotated[str, typer.Option("--prompt", "-p", help="What should appear.")]
Background = Annotated[
    Path | None, typer.Option(help="Picture or document below: PSD, ORA, KRA, PNG, WebP.", show_default=False)
]
Foreground = Annotated[Path | None, typer.Option(help="Transparent picture or document.", show_default=False)]
Size = Annotated[str | None, typer.Option(help="Width×height in pixels, as 640x480.", show_default="the pictures'")]
Region = Annotated[str | None, typer.Option(help="Part of the canvas, as 100,40,512x512.", show_default="all of it")]
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


def parse_region(text: str | None) -> Bounds | None:
    """ "X,Y,WxH" in canvas pixels. Raises InvalidRequest."""
    if text is None:
        return None
    match = re.fullmatch(r"(-?\d{1,6}),(-?\d{1,6}),(\d{1,6})[xX×](\d{1,6})", text.replace(" ", ""))
    if match is None:
        raise InvalidRequest(f"the region {text!r} is not one", "Give corner and size in pixels, as 100,40,512x512.")
    return Bounds(*(int(group) for group in match.groups()))
