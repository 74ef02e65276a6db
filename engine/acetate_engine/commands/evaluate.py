"""`acetate eval`."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any

import typer

from acetate.protocol.errors import FileError
from acetate.protocol.requests import Preset
from acetate_engine.commands.evaluate_cutting import extract, finish, split_again
from acetate_engine.commands.evaluating import Data, ModelName, Out, Quality, Split, measuring

app = typer.Typer(invoke_without_command=True, no_args_is_help=True)

Count = Annotated[int, typer.Option("--count", help="How many pairs.")]
Seed = Annotated[int, typer.Option("--seed", help="Of the first picture; the others count up.")]


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
    acetate eval split photo.jpg cat.png --out split.json --sheet split.png
    """
    if context.invoked_subcommand:
        return
    if data is None:
        raise typer.BadParameter("give the folder of pictures", param_hint="--data")
    from acetate_engine.evaluation.report import FULL, QUICK, evaluate

    with measuring(model, data, split, preset) as (subject, say):
        report = evaluate(subject, QUICK if quick else FULL, say)
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

    with measuring(model, data, split, preset) as (subject, _):
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
    """Sample every caption on four seeds; one passes if the probe, its core, its border and its fills do each time.

    What `unlike.json` in the model's folder names was looked at and found to be something else, and does not pass.
    """
    from acetate_engine.evaluation.captions import judge_captions, summary
    from acetate_engine.evaluation.generation import of_styles
    from acetate_engine.evaluation.weave import weave

    with measuring(model, data, split, preset) as (subject, _):
        real = weave(of_styles(subject.foregrounds, subject.captions))["grain"]
        judged = judge_captions(subject.sampler, subject.captions, subject.reference, real, subject.model.taught())
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
    data: Data,
    out: Out,
    split: Split = "val",
    model: ModelName = "mini",
    preset: Quality = Preset.FINAL,
    seed: Seed = 0,
    everything: Annotated[bool, typer.Option("--all", help="Of all that was taught, not of what is offered.")] = False,
) -> None:
    """Write contact sheets of 64 layers, PNG: captions that the model offers, then translucent ones.

    Or what is hard for any model, where it was taught nothing translucent.
    NAME.png is over a checkerboard; NAME-light.png and NAME-dark.png lie beside it.
    """
    from acetate_engine.evaluation.sheet import sheet_prompts, sheets

    with measuring(model, data, split, preset) as (subject, _):
        prompts = sheet_prompts(subject.captions if everything else subject.offered)
        made = sheets(subject.sampler.native(prompts, seed))
    for name, picture in made.items():
        picture.save(out if name == "checkerboard" else out.with_stem(f"{out.stem}-{name}"))
    for row in range(0, len(prompts), 8):
        typer.echo(" | ".join(prompts[row : row + 8]))


app.command()(extract)
app.command()(finish)
app.command("split")(split_again)
