"""`acetate`: each command is imported when it is called, so that `--help` is quick and `serve` starts at once."""

from __future__ import annotations

import importlib
import io
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from acetate.protocol.errors import AcetateError
from acetate.protocol.version import __version__

COMMANDS = {
    # name: where (module:function, or module:Typer app), one line of help
    "serve": ("acetate_engine.commands.serve:serve", "Run the engine on this machine."),
    "generate": ("acetate_engine.commands.generate:generate", "Make a transparent layer from a prompt."),
    "stack": ("acetate_engine.commands.stack:stack", "Make a stack of layers, one prompt each."),
    "refine": ("acetate_engine.commands.refine:refine", "Make another version of a layer; alpha may change."),
    "inpaint": ("acetate_engine.commands.inpaint:inpaint", "Repaint a layer inside a mask."),
    "extract": ("acetate_engine.commands.pictures:extract", "Cut the subject out of a picture."),
    "select": ("acetate_engine.commands.pictures:select", "Select the subject of a picture; refine a selection."),
    "remove": ("acetate_engine.commands.pictures:remove", "Remove something from a picture and fill behind it."),
    "split": ("acetate_engine.commands.pictures:split", "Split a picture into layers."),
    "shadow": ("acetate_engine.commands.pictures:shadow", "Make the shadow or the reflection of a layer."),
    "expand": ("acetate_engine.commands.surroundings:expand", "Paint what lies beyond the edge of a picture."),
    "light": ("acetate_engine.commands.surroundings:light", "Put the light of a background on a layer."),
    "upscale": ("acetate_engine.commands.pictures:upscale", "Make a layer two or four times as large."),
    "batch": ("acetate_engine.commands.batch:batch", "Make many layers, from a table."),
    "psd": ("acetate_engine.commands.psd:app", "Generate layers into a PSD document."),
    "models": ("acetate_engine.commands.models:app", "List the models; get the parts that come by package."),
    "train": ("acetate_engine.training.cli:app", "Train models."),
    "eval": ("acetate_engine.commands.evaluate:app", "Measure what a model can do."),
    "bench": ("acetate_engine.commands.bench:bench", "Speed, memory and growth against peers and limits."),
    "parity": ("acetate_engine.commands.parity:parity", "Compare the networks with reference vectors."),
    "pixels": ("acetate_engine.commands.pixels:pixels", "Whether the embedded model still gives the same pixels."),
    "openapi": ("acetate_engine.commands.openapi:openapi", "Print the OpenAPI document of the HTTP API."),
    "doctor": ("acetate_engine.commands.doctor:doctor", "Print versions, directories, the engine's state, models."),
    "install-plugin": ("acetate_engine.commands.install_plugin:install_plugin", "Install the plugin into Krita."),
}


class LazyCommand(TyperCommand):
    """Name and help of a command; the command itself is imported when it is called."""

    def __init__(self, name: str, target: str, help: str) -> None:
        super().__init__(name, help=help)
        self._target = target

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        module, attribute = self._target.split(":")
        target = getattr(importlib.import_module(module), attribute)
        return _as_command(target, self.name, self.help).make_context(*args, **kwargs)


def _as_command(target: Any, name: str | None, help: str | None) -> Any:
    """The click command of a typed function or of a Typer app."""
    if isinstance(target, typer.Typer):
        return typer.main.get_command(target)
    single = typer.Typer(add_completion=False)
    single.command(name, help=target.__doc__ or help)(target)
    return typer.main.get_command(single)


class AcetateGroup(TyperGroup):
    """The commands of the table; an AcetateError is printed, and the exit status is 1."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (target, line) in COMMANDS.items():
            self.add_command(LazyCommand(name, target, line))

    def main(self, *args: Any, **kwargs: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a terminal without × or ─ shows ?, and no traceback
                stream.reconfigure(errors="replace")
        return super().main(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except AcetateError as error:
            from acetate_engine.documents.formats import printable

            typer.echo(f"{error.title}: {printable(error.detail)}.\n{printable(error.remedy)}", err=True)
            raise typer.Exit(1) from None


app = typer.Typer(cls=AcetateGroup, no_args_is_help=True, pretty_exceptions_enable=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def acetate(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Acetate: generated transparent layers."""
