"""`acetate train STAGE`: one command a stage. Torch is imported only when a stage starts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from .config import StageConfig
    from .loop import Stage

app = typer.Typer(no_args_is_help=True, help="Train the embedded model, or transparency into your own.")

ConfigFile = Annotated[Path, typer.Option("--config", exists=True, dir_okay=False, help="The stage's YAML file.")]
Data = Annotated[Path, typer.Option("--data", exists=True, file_okay=False, help="Folder with fg.jsonl and bg.jsonl.")]
Run = Annotated[Path, typer.Option("--run", help="Folder of this run; an existing one is resumed.")]
Export = Annotated[Path | None, typer.Option("--export", help="Where to write the trained model at the end.")]
Only = Annotated[bool, typer.Option("--export-only", help="Write what the run's checkpoint holds, without training.")]
Device = Annotated[str, typer.Option("--device", help="Torch device.")]


@app.callback()
def train() -> None:
    """Every stage reads captioned pictures from --data and keeps its checkpoints, metrics and sheets in --run."""


def _train(stage: "Stage", config: "StageConfig", run: Path, export: Path | None, only: bool, device: str) -> None:
    from .loop import Trainer

    trainer = Trainer(stage, config.schedule, run, device)
    if not only:
        trainer.run()
    trainer.report()
    if export:
        trainer.export(export)


@app.command()
def vae(
    config: ConfigFile, data: Data, run: Run, export: Export = None, only: Only = False, device: Device = "cpu"
) -> None:
    """Train the RGB autoencoder."""
    from .config import read_config
    from .vae import VaeConfig, VaeStage

    settings = read_config(config, VaeConfig)
    _train(VaeStage(settings, data), settings, run, export, only, device)


@app.command()
def base(
    config: ConfigFile, data: Data, run: Run, export: Export = None, only: Only = False, device: Device = "cpu"
) -> None:
    """Train the RGB text-to-image UNet on the autoencoder's latents."""
    from .base import BaseConfig, BaseStage
    from .config import read_config

    settings = read_config(config, BaseConfig)
    _train(BaseStage(settings, data), settings, run, export, only, device)


@app.command()
def transparency(
    config: ConfigFile, data: Data, run: Run, export: Export = None, only: Only = False, device: Device = "cpu"
) -> None:
    """Train the offset encoder and the transparent decoder around a frozen autoencoder."""
    from .config import read_config
    from .transparency import TransparencyConfig, TransparencyStage

    settings = read_config(config, TransparencyConfig)
    _train(TransparencyStage(settings, data), settings, run, export, only, device)


@app.command()
def layer(
    config: ConfigFile, data: Data, run: Run, export: Export = None, only: Only = False, device: Device = "cpu"
) -> None:
    """Train the weights that make a frozen RGB model paint transparent layers."""
    from .config import read_config
    from .layer import LayerConfig, LayerStage

    settings = read_config(config, LayerConfig)
    _train(LayerStage(settings, data), settings, run, export, only, device)


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


if __name__ == "__main__":
    app()
