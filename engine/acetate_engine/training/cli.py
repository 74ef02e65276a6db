"""`acetate train STAGE`: one command a stage. Torch is imported only when a stage starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from acetate_engine.training.config import STAGES, StageEntry

app = typer.Typer(no_args_is_help=True, help="Train the embedded model, or transparency into your own.")

ConfigFile = Annotated[Path, typer.Option("--config", exists=True, dir_okay=False, help="The stage's YAML file.")]
Data = Annotated[Path, typer.Option("--data", exists=True, file_okay=False, help="Folder with fg.jsonl and bg.jsonl.")]
Run = Annotated[Path, typer.Option("--run", help="Folder of this run; an existing one is resumed.")]
Export = Annotated[Path | None, typer.Option("--export", help="Where to write the trained model at the end.")]
Only = Annotated[bool, typer.Option("--export-only", help="Write what the run's checkpoint holds, without training.")]
Cpu = Annotated[bool, typer.Option("--cpu", help="Stay on the CPU even where there is a GPU.")]


@app.callback()
def train() -> None:
    """Every stage reads captioned pictures from --data and keeps its checkpoints, metrics and sheets in --run."""


def _command(entry: StageEntry) -> Callable[..., None]:
    def command(
        config: ConfigFile, data: Data, run: Run, export: Export = None, only: Only = False, cpu: Cpu = False
    ) -> None:
        from acetate_engine.training.loop import Trainer

        settings, stage = entry.build(config, data)
        trainer = Trainer(stage, settings.schedule, run, cpu)
        if not only:
            trainer.run()
        trainer.report()
        if export:
            trainer.export(export)

    return command


for _name, _entry in STAGES.items():
    app.command(_name, help=_entry.help)(_command(_entry))


@app.command("all")
def all_(
    plan: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="YAML: the steps in order.")],
    data: Data,
    without: Annotated[list[str] | None, typer.Option(help="Leave this step out; may be repeated.")] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="End with a checkpoint after that; run it again.")
    ] = None,
    bf16: Annotated[bool, typer.Option("--bf16", help="Autocast, for GPUs.")] = False,
    cpu: Cpu = False,
) -> None:
    """Train a whole model, stage after stage; an interrupted run goes on where it was. Ends with 3 if time was over."""
    import math

    from acetate_engine.training.plan import run_plan

    limit = math.inf if minutes is None else minutes
    done = run_plan(plan, data, typer.echo, without=without or (), minutes=limit, bf16=bf16, cpu=cpu)
    if not done:
        raise typer.Exit(3)


@app.command()
def assemble(
    vae: Annotated[Path, typer.Option(help="Export of `vae`.")],
    base: Annotated[Path, typer.Option(help="Export of `base`.")],
    transparency: Annotated[Path, typer.Option(help="Export of `transparency`.")],
    card: Annotated[
        Path, typer.Option(help="JSON with what the folders do not say: native, offset_scale, licence, ...")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the model.")],
    layer: Annotated[
        list[Path] | None, typer.Option(help="Export of `layer`, `joint` or `conditioned`; may be repeated.")
    ] = None,
    control: Annotated[Path | None, typer.Option(help="Export of `control`.")] = None,
    style: Annotated[list[Path] | None, typer.Option(help="Export of `style`; may be repeated.")] = None,
    residual: Annotated[Path | None, typer.Option(help="Export of `residual`.")] = None,
) -> None:
    """Put the stages' exports together into one model folder, in fp16."""
    import json

    from acetate_engine.training.assemble import Exports
    from acetate_engine.training.assemble import assemble as write

    exports = Exports(vae, base, transparency, tuple(layer or ()), control, tuple(style or ()), residual)
    write(exports, json.loads(card.read_text(encoding="utf-8")), out)


@app.command()
def pairs(
    config: ConfigFile, data: Data, out: Annotated[Path, typer.Option(help="Folder of the pairs, for `pairs:`.")]
) -> None:
    """Make layer pairs by inpainting around cut-outs, then behind them."""
    from acetate_engine.training.config import read_config
    from acetate_engine.training.pairs import PairsConfig, make_pairs

    typer.echo(f"{make_pairs(read_config(config, PairsConfig), data, out)} pairs in {out}")


select = typer.Typer(no_args_is_help=True, help="Rounds of human choice: generate, look, keep, train again.")
app.add_typer(select, name="select")


@select.command("generate")
def select_generate(
    prompts: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Text file, one prompt a line.")],
    out: Annotated[Path, typer.Option(help="Folder of the round.")],
    count: Annotated[int, typer.Option(min=1, max=16, help="Candidates for each prompt.")] = 4,
    model: Annotated[str, typer.Option(help="`acetate models` lists them.")] = "mini",
    seed: Annotated[int, typer.Option(min=0, help="Of the first candidate of each prompt.")] = 0,
) -> None:
    """Make candidates, and a page on which to choose."""
    from acetate_engine.training.select import generate_round

    lines = [line.strip() for line in prompts.read_text(encoding="utf-8").splitlines() if line.strip()]
    made = generate_round(lines, count, out, model=model, seed=seed)
    typer.echo(f"{made} candidates: choose in {out / 'sheet.html'}")


@select.command("keep")
def select_keep(
    round_folder: Annotated[Path, typer.Argument(metavar="ROUND", exists=True, file_okay=False)],
    chosen: Annotated[str, typer.Option(help='What the page says, such as "3 7-9".')],
    data: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Data folder that they are added to.")],
    licence: Annotated[str, typer.Option(help="SPDX name, as the model's weights give.")] = "GPL-3.0-or-later",
) -> None:
    """Add chosen candidates to the training pictures."""
    from acetate_engine.training.select import keep, numbers

    typer.echo(f"{keep(round_folder, numbers(chosen), data, licence)} pictures added to {data}")


@app.command()
def gather(
    config: Annotated[Path, typer.Option("--config", exists=True, dir_okay=False, help="YAML: packages and pictures.")],
    out: Annotated[Path, typer.Option(help="Data folder to write.")],
    downloads: Annotated[Path, typer.Option(help="Where packages are kept, packed and unpacked.")],
) -> None:
    """Make a data folder from Debian and npm packages: checked downloads, known licences."""
    from acetate_engine.training.gather import gather as make
    from acetate_engine.training.gather import read_gather_config

    counts = make(read_gather_config(config), downloads, out)
    typer.echo(", ".join(f"{kind}: {count}" for kind, count in counts.items()))


if __name__ == "__main__":
    app()
