"""`acetate eval extract` and `acetate eval finish`: known layers, cut out and enlarged again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from acetate_engine.commands.evaluating import Data, Out, Split, require, saying

Sheet = Annotated[Path | None, typer.Option("--sheet", help="PNG of all of it, to look at.", show_default=False)]
Count = Annotated[int, typer.Option("--count", help="How many layers.")]
_CELL = 160  # pixels of a picture in the sheet


def extract(
    data: Data,
    out: Out,
    split: Split = "val",
    count: Count = 67,
    grounds: Annotated[int, typer.Option(min=1, help="Backgrounds for each layer.")] = 3,
    looked_at: Sheet = None,
) -> None:
    """Cut known layers out of pictures again: ours, the network alone, GrabCut, and matting that is told where.

    Known layers, and photographs to put them on, come by
    `acetate train gather --config resources/presets/eval/pictures.yaml --downloads packages --out pictures`.
    """
    require("scipy", "skimage")
    from acetate_engine.evaluation.cutting import evaluate_extract
    from acetate_engine.training.datasets import load_pictures

    layers, behind = (load_pictures(data, kind, split).pixels for kind in ("fg", "bg"))
    with saying() as say, _shown(looked_at) as show:
        report = evaluate_extract(_spread(layers, count), behind, grounds, say, show)
    _write_report(out, report)


def finish(
    data: Data,
    out: Out,
    split: Split = "val",
    count: Count = 67,
    looked_at: Sheet = None,
) -> None:
    """Make known layers four times smaller and enlarge them again: finished, and by interpolation."""
    require("scipy", "skimage")
    from acetate_engine.evaluation.cutting import evaluate_finish
    from acetate_engine.training.datasets import load_pictures

    layers = load_pictures(data, "fg", split).pixels
    with saying() as say, _shown(looked_at) as show:
        report = evaluate_finish(_spread(layers, count), say, show)
    _write_report(out, report)


@contextmanager
def _shown(sheet: Path | None) -> Iterator[Callable[[list[Any]], None]]:
    """Collects rows of pictures, RGBA of one size, and writes them as a sheet: a PNG of rows over a checkerboard."""
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
        grid(checkerboard(cells), len(rows[0])).save(sheet)


def _spread(pictures: Any, count: int) -> Any:
    """So many of them, evenly out of all."""
    return pictures[:: max(1, len(pictures) // count)][:count]


def _write_report(out: Path, report: dict[str, dict[str, float]]) -> None:
    out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for name, figures in report.items():
        typer.echo(f"{name}: {', '.join(f'{figure} {value:.4g}' for figure, value in figures.items())}")
