"""`acetate eval`."""

from __future__ import annotations

import importlib.util
import json as jsonlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acetate.protocol.errors import FileError, InvalidRequest
from acetate.protocol.requests import Preset

if TYPE_CHECKING:
    from acetate_engine.evaluation.report import Measured

app = typer.Typer(invoke_without_command=True, no_args_is_help=True)

Data = Annotated[Path, typer.Option("--data", help="Folder with fg.jsonl, bg.jsonl and their pictures.")]
Split = Annotated[str, typer.Option("--split", help="Which of its splits.")]
ModelName = Annotated[str, typer.Option("--model", help="See `acetate models`.")]
Quality = Annotated[Preset, typer.Option("--preset", help="How to sample.")]
Count = Annotated[int, typer.Option("--count", help="How many pairs.")]
Seed = Annotated[int, typer.Option("--seed", help="Of the first picture; the others count up.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Where to write it.")]
Sheet = Annotated[Path | None, typer.Option("--sheet", help="PNG of all of it, to look at.", show_default=False)]
_CELL = 160  # pixels of a picture in it


@app.callback()
def evaluate(
    context: typer.Context,
    data: Annotated[Path | None, typer.Option("--data", help="Folder with fg.jsonl, bg.jsonl and pictures.")] = None,
    split: Split = "val",
    out: Annotated[Path | None, typer.Option("--json", help="Where to write the report.")] = None,
    model: ModelName = "mini",
    preset: Quality = Preset.DRAFT,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the samples: for a look only.")] = False,
) -> None:
    """Measure a model: latent transparency, generation, layers on backgrounds, native alpha against mattes.

    \b
    acetate eval --data pictures/ --split val --json report.json
    acetate eval ab --data pictures/ --out study.html --seed 1
    acetate eval choices --key study.key.json choices.json
    acetate eval sheet --data pictures/ --out sheet.png
    acetate eval captions --data pictures/ --out report.json
    acetate eval extract --data pictures/ --out extract.json
    acetate eval finish --data pictures/ --out finish.json
    """
    if context.invoked_subcommand:
        return
    if data is None:
        raise typer.BadParameter("give the folder of pictures", param_hint="--data")
    from acetate_engine.evaluation.report import FULL, QUICK, evaluate

    with _said() as say:
        report = evaluate(_subject(model, data, split, preset, say), QUICK if quick else FULL, say)
    text = jsonlib.dumps(report, indent=2)
    if out is None:
        typer.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
        typer.echo(f"{out}")


@app.command()
def ab(
    data: Data,
    out: Out,
    split: Split = "val",
    model: ModelName = "mini",
    preset: Quality = Preset.DRAFT,
    count: Count = 40,
    seed: Seed = 0,
) -> None:
    """Write the blind study, an HTML page: native layers against pictures that were cut out afterwards.

    Beside the page lies its key, NAME.key.json, which `acetate eval choices` opens the choices with.
    """
    from acetate_engine.evaluation.ab import study, study_key, study_page
    from acetate_engine.evaluation.generation import chosen_prompts
    from acetate_engine.evaluation.matte import matted_pictures

    with _said() as say:
        subject = _subject(model, data, split, preset, say)
        prompts = chosen_prompts(subject.captions, count)
        native = subject.sampler.native(prompts, seed)
        matted = matted_pictures(subject.sampler.opaque(prompts, seed))
    pairs = study(prompts, seed)
    out.write_text(study_page(pairs, native, matted), encoding="utf-8")
    key = out.with_suffix(".key.json")
    key.write_text(jsonlib.dumps(study_key(pairs, model, preset.value), indent=1) + "\n", encoding="utf-8")
    typer.echo(f"{out}, and its key {key}: take the study before you open that")


@app.command()
def choices(
    runs: Annotated[list[Path], typer.Argument(help="The files that the page saved.")],
    key: Annotated[Path, typer.Option("--key", help="What `acetate eval ab` wrote beside the page.")],
) -> None:
    """Count the choices of the blind study with its key."""
    from acetate_engine.evaluation.ab import verdict

    opened = _read_json(key)
    for run in runs:
        said = verdict(opened, _read_json(run))
        low, high = said.interval
        judged = said.native + said.matte + said.undecided
        typer.echo(
            f"{run}: native preferred in {said.native} of {judged} ({100 * low:.0f} to {100 * high:.0f} %), cut out in "
            f"{said.matte}, no difference in {said.undecided}; {said.contradictions} contradictions in {said.controls} "
            f"controls: {'counts' if said.counts else 'does not count'}"
        )


@app.command()
def captions(
    data: Data,
    out: Out,
    split: Split = "val",
    model: ModelName = "mini",
    preset: Quality = Preset.DRAFT,
    folder: Annotated[
        Path | None, typer.Option("--write", help="Model folder: captions.json of those that pass, taught.json of all.")
    ] = None,
) -> None:
    """Sample every caption on four seeds; one passes if the probe, its core, its border and its fills do each time."""
    from acetate_engine.evaluation.captions import judge_captions, summary
    from acetate_engine.evaluation.generation import of_styles
    from acetate_engine.evaluation.weave import weave
    from acetate_engine.training.translucent.subjects import STYLE

    with _said() as say:
        subject = _subject(model, data, split, preset, say)
        real = weave(of_styles(subject.foregrounds, subject.captions))["grain"]
        soft = frozenset(caption for caption in subject.captions if caption.endswith(f", {STYLE}"))
        judged = judge_captions(subject.sampler, subject.captions, subject.reference, real, soft)
    report = summary(judged)
    out.write_text(jsonlib.dumps(report, indent=1) + "\n", encoding="utf-8")
    if folder is not None:
        _write_list(folder / "taught.json", subject.captions)
        _write_list(folder / "captions.json", [one.caption for one in judged if one.passes])
    typer.echo(f"{report['passed']} of {report['captions']} captions pass: {out}")


def _write_list(path: Path, lines: list[str]) -> None:
    path.write_text(jsonlib.dumps(lines, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(jsonlib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise FileError(f"{path} cannot be read: {error}", "Give a file as the study wrote it.") from error


@app.command()
def sheet(
    data: Data, out: Out, split: Split = "val", model: ModelName = "mini", preset: Quality = Preset.FINAL
) -> None:
    """Write a contact sheet of 64 layers, PNG: taught captions, then the subjects that are hard for any model."""
    from acetate_engine.evaluation.sheet import contact_sheet

    with _said() as say:
        subject = _subject(model, data, split, preset, say)
        picture, prompts = contact_sheet(subject.sampler, subject.captions)
    picture.save(out)
    for row in range(0, len(prompts), 8):
        typer.echo(" | ".join(prompts[row : row + 8]))


@app.command()
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
    _require("scipy", "skimage")
    from acetate_engine.evaluation.cutting import evaluate_extract
    from acetate_engine.training.datasets import load_pictures

    layers, behind = (load_pictures(data, kind, split).pixels for kind in ("fg", "bg"))
    with _said() as say, _shown(looked_at) as show:
        report = evaluate_extract(_spread(layers, count), behind, grounds, say, show)
    _write_report(out, report)


@app.command()
def finish(
    data: Data,
    out: Out,
    split: Split = "val",
    count: Count = 67,
    looked_at: Sheet = None,
) -> None:
    """Make known layers four times smaller and enlarge them again: finished, and by interpolation."""
    _require("scipy", "skimage")
    from acetate_engine.evaluation.cutting import evaluate_finish
    from acetate_engine.training.datasets import load_pictures

    layers = load_pictures(data, "fg", split).pixels
    with _said() as say, _shown(looked_at) as show:
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
    out.write_text(jsonlib.dumps(report, indent=2) + "\n", encoding="utf-8")
    for name, figures in report.items():
        typer.echo(f"{name}: {', '.join(f'{figure} {value:.4g}' for figure, value in figures.items())}")


def _subject(model: str, data: Path, split: str, preset: Preset, say: Callable[[str], None]) -> Measured:
    _require("scipy", "skimage", "pymatting")
    from acetate_engine.evaluation.report import subject_of

    return subject_of(model, data, split, preset, say)


def _require(*packages: str) -> None:
    """Raises InvalidRequest where one is not installed."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise InvalidRequest(f"{', '.join(missing)} cannot be imported", "Install them: pip install 'acetate[eval]'.")


@contextmanager
def _said() -> Iterator[Callable[[str], None]]:
    """What is being done: on a terminal one line that changes, elsewhere a line each."""
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("loading") as status:
        yield status.update if console.is_terminal else console.print
