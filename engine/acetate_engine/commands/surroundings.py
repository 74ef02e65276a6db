"""`acetate expand`, `light`: what lies beyond a picture, and the light of a background on a layer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.pictures import Light
from acetate.protocol.requests import MAX_SEED, Task
from acetate_engine.commands.generating import Saving, generating, making
from acetate_engine.commands.options import AsJson, Out, Prompt, UseEngine
from acetate_engine.commands.output import is_flat

Margins = tuple[int, int, int, int]  # left, top, right, bottom; pixels


@generating
def expand(
    picture: Annotated[Path, typer.Argument(help="A picture or a document; of a document, what it shows.")],
    out: Out,
    by: Annotated[
        str, typer.Option(help="How far, in pixels or %: one number, two (sides, top and bottom), or four.")
    ] = ("25%"),
    prompt: Prompt = "",
    model: Annotated[str, typer.Option("--model", "-m", help="Goes on from what is found; mini does not.")] = "mini",
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Same seed, same pixels.")] = 0,
    engine: UseEngine = False,
    json: AsJson = False,
    *,
    saving: Saving,
) -> None:
    """Paint what lies beyond the edge of a picture: a layer over that edge, in a larger document.

    Four numbers are left, top, right and bottom. A PNG or WebP shows the larger picture.

    \b
    acetate expand photo.jpg -o wider.psd
    acetate expand photo.jpg --by 200,0 -o wider.png
    acetate expand photo.jpg --by 0,40%,0,0 -m dream -p "a cloudy sky" -o higher.ora
    """
    import numpy as np

    from acetate_engine.documents.tree import PixelLayer, cropped
    from acetate_engine.sources import seen

    with making(out, json, engine, saving) as run:
        run.reads(picture)
        shown = seen(picture)
        left, top, right, bottom = margins(by, *shown.pixels.shape[1::-1])
        large = np.pad(shown.pixels, ((top, bottom), (left, right), (0, 0)))
        fields = {"task": Task.EXPAND, "foreground": large, "model": model, "seed": seed}
        result = run.engine.generate(prompt, reporter=run.bar, **fields).noting(shown.notes)  # type: ignore[arg-type]
        run.save(result, [PixelLayer(picture.stem, source=cropped(left, top, shown.pixels))])


def margins(text: str, width: int, height: int) -> Margins:
    """ "25%", "200,0" or "0,10%,0,40" of a picture of this size. Raises InvalidRequest."""
    found = [re.fullmatch(r"(\d{1,5}(?:\.\d+)?)\s*(%?)", part.strip()) for part in text.split(",")]
    if len(found) not in (1, 2, 4) or None in found:
        raise InvalidRequest(f"{text!r} says no margins", "Give pixels or per cent: 25% or 200,0 or 0,10%,0,40.")
    listed = [match for match in found if match] * (4 // len(found))
    sides = (width, height, width, height)
    left, top, right, bottom = (
        round(float(match[1]) / 100 * side) if match[2] else round(float(match[1]))
        for match, side in zip(listed, sides, strict=True)
    )
    return left, top, right, bottom


@generating
def light(
    layer: Annotated[Path, typer.Argument(help="The layer: a transparent picture, or a document.")],
    background: Annotated[Path, typer.Option(help="What it stands in front of, as large.")],
    out: Out,
    amount: Annotated[float, typer.Option(min=0.0, max=1.0, help="How much of that light.")] = 0.5,
    engine: UseEngine = False,
    json: AsJson = False,
    *,
    saving: Saving,
) -> None:
    """Put the light of a background on a layer: a layer clipped to it, above it, which can be painted on.

    A PSD, an ORA or a folder gets the background, the layer as it is, and its light; a PNG or WebP the light alone.

    \b
    acetate light fox.png --background forest.png -o lit.psd
    """
    from acetate_engine.documents.tree import Memory, PixelLayer
    from acetate_engine.sources import seen

    with making(out, json, engine, saving) as run:
        run.reads(layer, background)
        front, behind, how = seen(layer), seen(background), Light(opacity=amount)
        fields = {"task": Task.MATCH_LIGHT, "foreground": front, "background": behind, "seed": 0, "light": how}
        result = run.engine.generate(reporter=run.bar, **fields)  # type: ignore[arg-type]
        named = () if is_flat(out) else ((background.stem, behind), (layer.stem, front))
        run.save(result, [PixelLayer(name, source=Memory.at(0, 0, shown.pixels)) for name, shown in named])
