"""`acetate stack`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from acetate.protocol.codec import from_json
from acetate.protocol.errors import FileError, InvalidRequest, MalformedMessage
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import StackLayer
from acetate_engine.commands.generating import How, Saving, generating, making
from acetate_engine.commands.options import AsJson, Background, Out, Size, UseEngine, parse_size
from acetate_engine.documents.files import read_yaml


@dataclass(frozen=True)
class PlannedLayer:
    """One entry of `layers` in a plan."""

    prompt: str
    seed: int | None = None
    bounds: Bounds | None = None  # canvas pixels

    def to_stack_layer(self) -> StackLayer:
        return StackLayer(self.prompt, self.bounds, self.seed)


@dataclass(frozen=True)
class StackFile:
    """A YAML file for `acetate stack`; options of the command line come first."""

    layers: tuple[PlannedLayer, ...]  # bottom to top
    background: str | None = None  # relative to the file
    size: str | None = None  # 640x480
    seed: int | None = None


@generating
def stack(
    out: Out,
    plan: Annotated[Path | None, typer.Argument(help="YAML file with layers, background, size, seed.")] = None,
    layer: Annotated[list[str] | None, typer.Option("--layer", "-l", help="A prompt; bottom to top.")] = None,
    background: Background = None,
    size: Size = None,
    *,
    how: How,
    saving: Saving,
    engine: UseEngine = False,
    json: AsJson = False,
) -> None:
    """Make a stack of layers, one prompt each, bottom to top; each sees what lies below it.

    The background becomes the bottom layer of a PSD or ORA, and the first PNG of a folder.

    \b
    acetate stack --background photo.png -l "a wooden table" -l "a bowl of fruit" -o still-life.psd
    acetate stack plan.yaml -o layers/
    acetate stack plan.yaml -m dream --style ink --image-prompt palette.png:0.5 -o layers/

    \b
    plan.yaml:
      background: photo.png
      layers:
        - prompt: a wooden table
        - prompt: a bowl of fruit
          seed: 7
          bounds: {x: 100, y: 80, width: 256, height: 256}
    """
    from acetate_engine.documents.tree import Memory, PixelLayer
    from acetate_engine.sources import seen

    with making(out, json, engine, saving) as run:
        run.reads(background, plan, *how.files)
        wanted = _planned(plan, layer or [])
        ground = background or _beside(plan, wanted.background)
        below = seen(ground)
        result = run.engine.stack(
            [entry.to_stack_layer() for entry in wanted.layers],
            background=below,
            size=parse_size(size or wanted.size),
            reporter=run.bar,
            **{**how.arguments, "seed": wanted.seed if how.seed is None else how.seed},
        )
        shown = [PixelLayer(ground.stem, source=Memory.at(0, 0, below.pixels))] if below and ground else []
        run.save(result, shown)


def _planned(path: Path | None, prompts: list[str]) -> StackFile:
    if path is None:
        return StackFile(tuple(PlannedLayer(prompt) for prompt in prompts))
    if prompts:
        raise InvalidRequest("there are both a plan and --layer", "Use one of them.")
    return read_plan(path)


def read_plan(path: Path) -> StackFile:
    """Raises FileError where it cannot be read, MalformedMessage where a field is wrong."""
    try:
        return from_json(StackFile, read_yaml(path))
    except MalformedMessage as error:
        raise FileError(f"{path.name}: {error.detail}", "See `acetate stack --help`.") from error


def _beside(plan: Path | None, name: str | None) -> Path | None:
    return None if plan is None or name is None else plan.parent / name
