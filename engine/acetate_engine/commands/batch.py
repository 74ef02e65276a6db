"""`acetate batch`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acetate.protocol.errors import AcetateError, FileError
from acetate_engine.commands.generating import Saving, generating
from acetate_engine.commands.options import UseEngine
from acetate_engine.commands.output import Bar, engine_for, layer_below, progress_bar, reported

if TYPE_CHECKING:
    from PIL import Image

    from acetate_engine.commands.batch_table import BatchJob
    from acetate_engine.engine import Engine

_CELL, _COLUMNS, _LABEL = 192, 8, 24  # pixels; cells a row; pixels


@generating
def batch(
    table: Annotated[Path, typer.Argument(help="CSV: a line of names, then a line of cells for each row of jobs.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the results.")],
    suffix: Annotated[str, typer.Option("--format", help="png, webp, psd or ora.")] = "png",
    *,
    saving: Saving,
    engine: UseEngine = False,
) -> None:
    """Make many layers: every combination of prompts, seeds and documents that a table lists.

    A cell may list several (`a fox | a cat`), seeds as a range too (`1-4`), files with an asterisk (`rooms/*.png`);
    they are looked for beside the table. What is there already is not made again: run it again after an interruption,
    or with more rows. What fails is listed at the end, and the rest is made. `sheet.png` shows all of it.

    \b
    jobs.csv:
      task,prompt,seed,background,region
      foreground_on_background,a lamp | a vase,1-3,rooms/*.png,"400,120,512x512"
      foreground,a fox,1 | 7,,

    \b
    acetate batch jobs.csv -o layers/
    """
    from acetate_engine.commands.batch_table import read_jobs
    from acetate_engine.documents.writer import check_writable

    with reported(as_json=False):
        jobs = read_jobs(table)
        out.mkdir(parents=True, exist_ok=True)
        check_writable(out / f"layer.{suffix.lstrip('.')}")
        digest = cache(_digest)
        targets = {job: out / f"{job.stem(digest)}.{suffix.lstrip('.')}" for job in jobs}
        missing = {job: path for job, path in targets.items() if not path.exists()}
        typer.echo(f"{len(jobs)} jobs, {len(jobs) - len(missing)} of them done already", err=True)
        failed = _make(missing, engine, saving)
        if there := [path for path in targets.values() if path.exists()]:
            _write_sheet(there, out / "sheet.png")
    for job, error in failed:
        typer.echo(f"line {job.line}, {dict(job.cells)}: {error.detail}. {error.remedy}", err=True)
    typer.echo(f"{out}: {len(targets) - len(failed)} of {len(targets)}")
    if failed:
        raise typer.Exit(1)


def _make(missing: dict[BatchJob, Path], remote: bool, saving: Saving) -> list[tuple[BatchJob, AcetateError]]:
    """Each into its file; those that failed."""
    failed = []
    with progress_bar() as bar:
        using = engine_for(remote) if missing else None
        for number, (job, path) in enumerate(missing.items(), 1):
            assert using is not None
            try:
                _make_one(using, job, path, saving, bar)
            except AcetateError as error:
                failed.append((job, error))
            bar.progress_bar.console.print(f"{number} of {len(missing)}: {path.name}")
    return failed


def _make_one(using: Engine, job: BatchJob, path: Path, saving: Saving, bar: Bar) -> None:
    from acetate_engine.sources import seen

    fields = job.fields
    ground = fields.get("background")
    below = seen(ground)
    result = using.generate(fields.pop("prompt", ""), reporter=bar, **{**fields, "background": below})
    result.save(
        path, layer_below(ground, below, path), provenance=saving.provenance, alpha_as_mask=saving.alpha_as_mask
    )


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}", "Correct the path in the table.") from error


def _write_sheet(paths: Iterable[Path], out: Path) -> None:
    """All results over a checkerboard, their names below them."""
    from PIL import Image, ImageDraw

    listed = list(paths)
    rows = -(-len(listed) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * _CELL, rows * (_CELL + _LABEL)), "white")
    write = ImageDraw.Draw(sheet)
    for index, path in enumerate(listed):
        x, y = index % _COLUMNS * _CELL, index // _COLUMNS * (_CELL + _LABEL)
        sheet.paste(_thumbnail(path), (x, y))
        write.text((x + 2, y + _CELL + 4), path.stem[: _CELL // 7], fill="black")
    sheet.save(out)


def _thumbnail(path: Path) -> Image.Image:
    from PIL import Image, ImageChops

    from acetate_engine.compositing.pixels import eight
    from acetate_engine.sources import picture

    small = Image.fromarray(eight(picture(path))).convert("RGBa")
    small.thumbnail((_CELL, _CELL))
    board = Image.frombytes("L", (2, 2), bytes((255, 200, 200, 255))).resize((16, 16), Image.Resampling.NEAREST)
    cell = Image.new("RGB", (_CELL, _CELL), "white")
    for x in range(0, _CELL, 16):
        for y in range(0, _CELL, 16):
            cell.paste(board, (x, y))
    rgba = small.convert("RGBA")
    cell.paste(
        rgba, ((_CELL - small.width) // 2, (_CELL - small.height) // 2), ImageChops.duplicate(rgba.getchannel("A"))
    )
    return cell
