"""`acetate eval extract`, `finish` and `split`: known layers, cut out and enlarged again; pictures taken apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.requests import Preset
from acetate_engine.commands.evaluating import Data, ModelName, Out, Quality, Split, require, saying

Sheet = Annotated[Path | None, typer.Option("--sheet", help="A picture of all of it, to look at.", show_default=False)]
Count = Annotated[int, typer.Option("--count", help="How many layers.")]
_CELL = 160  # pixels of a picture in the sheet


def extract(
    data: Data,
    out: Out,
    split: Split = "val",
    count: Count = 69,
    grounds: Annotated[int, typer.Option(min=1, help="Photographs for each layer.")] = 3,
    way: Annotated[
        list[str] | None,
        typer.Option(help="One way alone, as the report calls it; may be repeated.", show_default="all"),
    ] = None,
    aside: Annotated[bool, typer.Option("--aside", help="Each layer smaller, in a corner of the picture.")] = False,
    share: Annotated[str, typer.Option(help="The second of three equal parts as 2/3.", metavar="I/N")] = "1/1",
    looked_at: Sheet = None,
) -> None:
    """Cut known layers out of pictures again: ours, the network alone, GrabCut, and matting that is told where.

    A run that was broken off goes on where it was: what is measured lies in NAME.kept beside the report. So can several
    runs at once, each with a share; one more without any then has the report of all.

    Known layers, and photographs to put them on, come by
    `acetate train gather --config resources/presets/eval/pictures.yaml --downloads packages --out pictures`.
    """
    require("scipy", "skimage")
    from acetate_engine.evaluation.cutting import WAYS, Composites, evaluate_extract, in_turns, set_aside
    from acetate_engine.evaluation.kept import Notebook
    from acetate_engine.training.datasets import load_pictures

    if unknown := [name for name in way or () if name not in WAYS]:
        raise InvalidRequest(f"there is no way {unknown[0]!r}", f"Choose of {', '.join(WAYS)}.")
    part = _parse_share(share)
    layers, grounding = (load_pictures(data, kind, split) for kind in ("fg", "bg"))
    behind = in_turns(grounding.pixels, [row["photo"] for row in grounding.rows])
    chosen = _spread(layers.pixels, count)
    composites = Composites(set_aside(chosen) if aside else chosen, behind, grounds, part)
    with saying() as say, _shown(looked_at) as show:
        report = evaluate_extract(composites, say, show, way or (), Notebook(_kept_beside(out)))
    typer.echo(f"{len(composites)} composites of {len(chosen)} layers")
    _write_report(out, report)


def finish(
    data: Data,
    out: Out,
    split: Split = "val",
    count: Count = 69,
    captions: Annotated[int, typer.Option(min=0, help="Layers of the model whose weave is measured.")] = 48,
    model: ModelName = "mini",
    preset: Quality = Preset.DRAFT,
    looked_at: Sheet = None,
) -> None:
    """Make known layers four times smaller and enlarge them again: finished, and by interpolation.

    Then what Finish leaves of the weave in a model's own layers: how many times as much energy they had before, where
    they are flat, and where they are so even that there is hardly any drawing; and where it is put on the known layers.
    """
    require("scipy", "skimage")
    from acetate_engine.evaluation.cutting import evaluate_finish
    from acetate_engine.evaluation.finished import evaluate_finished_weave
    from acetate_engine.training.datasets import load_pictures

    report: dict[str, Any] = {}
    known = _spread(load_pictures(data, "fg", split).pixels, count) if count else None
    with saying() as say:
        if known is not None:
            with _shown(looked_at) as show:
                report |= evaluate_finish(known, say, show)
        if captions:
            report |= evaluate_finished_weave(model, captions, preset, known, say)
    _write_report(out, report)


def split_again(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures or documents.")],
    out: Out,
    subjects: Annotated[int, typer.Option(min=1, max=16, help="How many subjects at most.")] = 3,
    looked_at: Sheet = None,
) -> None:
    """Split pictures into layers, and see how far these, one over the other, are from the picture, in levels of 255.

    A run that was broken off goes on where it was: what is split lies in NAME.kept beside the report.
    Twenty photographs come by
    `acetate train gather --config resources/presets/eval/photographs.yaml --downloads packages --out photographs`.
    """
    from acetate_engine.compositing.pixels import eight
    from acetate_engine.evaluation.kept import Notebook
    from acetate_engine.evaluation.splitting import evaluate_split
    from acetate_engine.sources import seen

    with saying() as say, _shown(looked_at, beside=2) as show:
        read = ((path.stem, eight(seen(path).pixels)) for path in pictures)
        report = evaluate_split(read, subjects, say, show, Notebook(_kept_beside(out)))
    _write_report(out, report)


@contextmanager
def _shown(sheet: Path | None, beside: int = 1) -> Iterator[Callable[[list[Any]], None]]:
    """Collects rows of pictures, RGBA of one size, and writes them as a sheet over a checkerboard, so many beside each
    other."""
    import numpy as np
    from PIL import Image

    from acetate_engine.training.sheets import checkerboard, grid

    rows: list[list[Any]] = []

    def keep(cells: list[Any]) -> None:
        if sheet is not None:
            rows.append(
                [Image.fromarray(cell).convert("RGBa").resize((_CELL, _CELL)).convert("RGBA") for cell in cells]
            )

    yield keep
    if sheet is not None:
        cells = np.stack([np.asarray(cell) for row in rows for cell in row])
        grid(checkerboard(cells), beside * len(rows[0])).save(sheet)


def _kept_beside(report: Path) -> Path:
    return report.with_suffix(".kept")


def _parse_share(text: str) -> tuple[int, int]:
    """Of "2/3": leave out one, and take every third from there. Raises InvalidRequest."""
    first, _, of = text.partition("/")
    if not (first.isdecimal() and of.isdecimal() and 1 <= int(first) <= int(of)):
        raise InvalidRequest(f"{text[:80]!r} is no share", "Write it as 2/3, for the second third.")
    return int(first) - 1, int(of)


def _spread(pictures: Any, count: int) -> Any:
    """So many of them, evenly out of all."""
    return pictures[:: max(1, len(pictures) // count)][:count]


def _write_report(out: Path, report: dict[str, dict[str, Any]]) -> None:
    out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for name, figures in report.items():
        shown = (f"{figure} {'none' if value is None else f'{value:.4g}'}" for figure, value in figures.items())
        typer.echo(f"{name}: {', '.join(shown)}")
