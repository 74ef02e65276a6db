"""`acetate train STAGE`: one command a stage. Torch is imported only when a stage starts."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from .stages import STAGES, Entry

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


def _command(entry: Entry) -> Callable[..., None]:
    def command(
        config: ConfigFile, data: Data, run: Run, export: Export = None, only: Only = False, cpu: Cpu = False
    ) -> None:
        from .loop import Trainer

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


@app.command()
def assemble(
    vae: Annotated[Path, typer.Option(help="Export of `vae`.")],
    base: Annotated[Path, typer.Option(help="Export of `base`.")],
    transparency: Annotated[Path, typer.Option(help="Export of `transparency`.")],
    card: Annotated[
        Path, typer.Option(help="JSON with what the folders do not say: native, offset_scale, licence, ...")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the model.")],
    layer: Annotated[Path | None, typer.Option(help="Export of `layer`.")] = None,
) -> None:
    """Put the stages' exports together into one model folder, in fp16."""
    import json

    from .assemble import Exports
    from .assemble import assemble as write

    write(Exports(vae, base, transparency, layer), json.loads(card.read_text(encoding="utf-8")), out)


@app.command()
def gather(
    config: Annotated[Path, typer.Option("--config", exists=True, dir_okay=False, help="YAML: packages and pictures.")],
    out: Annotated[Path, typer.Option(help="Data folder to write.")],
    downloads: Annotated[Path, typer.Option(help="Where packages are kept, packed and unpacked.")],
) -> None:
    """Make a data folder from Debian and npm packages: checked downloads, known licences."""
    from .gather import gather as make
    from .gather import read_gather_config

    counts = make(read_gather_config(config), downloads, out)
    typer.echo(", ".join(f"{kind}: {count}" for kind, count in counts.items()))


if __name__ == "__main__":
    app()
