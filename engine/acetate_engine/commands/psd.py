"""`acetate psd`: layers of a PSD, PSB, KRA or ORA as named, the result above them in the same document."""

from __future__ import annotations

import json as json_module
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from acetate.protocol.errors import InvalidRequest, Json
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import GenerateRequest, Task
from acetate_engine.commands.generating import How, generating
from acetate_engine.commands.options import AsJson, Out, Prompt, Region, Strength, UseEngine, parse_region
from acetate_engine.commands.output import engine_for, print_result, progress_bar, reported

if TYPE_CHECKING:
    from acetate_engine.asking import NamedImages
    from acetate_engine.compositing.pixels import Pixels
    from acetate_engine.documents.tree import Layer, LayeredDocument
    from acetate_engine.results import Result
    from acetate_engine.sources import PictureLike


class _FileFirst(TyperGroup):
    """`acetate psd FILE …` is `acetate psd generate FILE …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["generate", *args]
        return super().parse_args(ctx, args)


_HELP = """Generate layers into a PSD, Krita or OpenRaster document, or list its layers.

\b
acetate psd ls poster.psd
acetate psd poster.psd -p "a hot-air balloon" -o poster-balloon.psd
acetate psd generate --help
"""

app = typer.Typer(cls=_FileFirst, no_args_is_help=True, add_completion=False, help=_HELP)

Names = Annotated[list[str] | None, typer.Option(help="Name or path (Group/Layer) of a layer; may be repeated.")]


@app.command()
def ls(file: Path, json: AsJson = False) -> None:
    """Print the tree of layers, top to bottom, as the layer list shows it.

    \b
    acetate psd ls poster.psd
    """
    from acetate_engine.documents.reader import read_document

    with reported(json):
        document = read_document(file)
        if json:
            report = {"width": document.extent.width, "height": document.extent.height, "depth": document.depth,
                      "colour": document.colour, "layers": _described(document.layers)}  # fmt: skip
            typer.echo(json_module.dumps(report, indent=2, ensure_ascii=False))
        else:
            _print_tree(document, file)


def _described(layers: tuple[Layer, ...]) -> list[Json]:
    from acetate_engine.documents.tree import Group, PixelLayer

    found: list[Json] = []
    for layer in reversed(layers):
        entry: Json = {"name": layer.name, "visible": layer.visible, "opacity": round(layer.opacity, 4),
                       "blend": layer.blend.value, "clip": layer.clip.value, "masks": len(layer.masks),
                       "notes": list(layer.notes)}  # fmt: skip
        if isinstance(layer, Group):
            entry["layers"] = list(_described(layer.layers))
        elif isinstance(layer, PixelLayer):
            bounds = layer.bounds
            entry["bounds"] = [bounds.x, bounds.y, bounds.width, bounds.height]
        found.append(entry)
    return found


def _print_tree(document: LayeredDocument, file: Path) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.tree import Tree

    from acetate_engine.documents.formats import printable
    from acetate_engine.documents.tree import Group

    def grow(tree: Tree, layers: tuple[Layer, ...]) -> None:
        for layer in reversed(layers):
            branch = tree.add(escape(printable(_line(layer))))
            if isinstance(layer, Group):
                grow(branch, layer.layers)

    tree = Tree(escape(f"{printable(file.name)}  {document.extent}, {document.colour}, {document.depth} bit"))
    grow(tree, document.layers)
    for remark in document.remarks:
        tree.add(escape(printable(remark)))
    Console(soft_wrap=True).print(tree, highlight=False)


def _line(layer: Layer) -> str:
    from acetate_engine.documents.tree import Blend, Clip, PixelLayer

    facts = [str(layer.bounds)] if isinstance(layer, PixelLayer) else ["group"]
    facts += [layer.blend.value] if layer.blend is not Blend.NORMAL else []
    facts += [f"{layer.opacity:.0%}"] if layer.opacity < 1.0 else []
    facts += ["hidden"] if not layer.visible else []
    facts += ["clipped"] if layer.clip is not Clip.NONE else []
    facts += ["mask"] if layer.masks else []
    return f"{layer.name}  ({', '.join([*facts, *layer.notes])})"


@app.command()
@generating
def generate(
    file: Path,
    out: Out,
    prompt: Prompt = "",
    task: Annotated[Task, typer.Option(help="What to make of what.")] = Task.FOREGROUND,
    background: Names = None,
    foreground: Names = None,
    mask: Annotated[
        Path | None, typer.Option(help="inpaint: picture as large as the canvas; white is repainted.")
    ] = None,
    region: Region = None,
    above: Annotated[str | None, typer.Option(help="Layer to insert above.", show_default="the named")] = None,
    strength: Strength = 1.0,
    *,
    how: How,
    engine: UseEngine = False,
    json: AsJson = False,
) -> None:
    """Generate layers into a PSD or PSB; everything else in it stays as it is, to the byte.

    Without --background or --foreground a task that needs one gets the whole picture.

    \b
    acetate psd poster.psd --task foreground_on_background --background Sky --background Hills \\
        --region 400,120,512x512 -p "a hot-air balloon" -o poster-balloon.psd
    acetate psd poster.psd -m dream -p "a fox" --style ink:0.8 --control lines:sketch.png -o poster-fox.psd
    """
    from acetate_engine.asking import NamedImages, drawn
    from acetate_engine.documents.edit import check_insertion
    from acetate_engine.documents.reader import read_document
    from acetate_engine.documents.writer import check_writable

    with reported(json):
        check_insertion(file, out)
        check_writable(out, [path for path in (file, mask, *how.files) if path is not None])
        document = read_document(file)
        bounds = parse_region(region) or Bounds.of(document.extent)
        named = NamedImages()
        chosen = _Chosen(document, tuple(background or ()), tuple(foreground or ()), named)
        request = GenerateRequest(
            task=task,
            bounds=bounds,
            seed=drawn(how.seed),
            prompt=prompt,
            background=named.add(chosen.background(task, bounds)),
            foreground=named.add(chosen.foreground(task, bounds)),
            mask=named.add(_mask(mask, bounds, named)),
            control=tuple(named.hint(hint, _within(hint.picture, bounds, "hint", named)) for hint in how.hints),
            image_prompts=tuple(map(named.look, how.looks)),
            strength=strength,
            **how.settings,
            pixel_format=PixelFormat.RGBA8 if document.depth == 8 else PixelFormat.RGBA16,
        )
        with progress_bar() as bar:
            result = engine_for(engine).run(request, named.images, bar).noting(named.notes)
        notes = _insert(file, out, result, **chosen.place(task, above))
        print_result(result, out, bar.seconds, json, notes)


@dataclass(frozen=True)
class _Chosen:
    """Which layers are named, and where the result goes."""

    document: LayeredDocument
    below: tuple[str, ...]
    above: tuple[str, ...]
    named: NamedImages

    def background(self, task: Task, region: Bounds) -> Pixels | None:
        return self._pixels(self.below, region, task.needs_background)

    def foreground(self, task: Task, region: Bounds) -> Pixels | None:
        return self._pixels(self.above, region, task.needs_foreground)

    def place(self, task: Task, above: str | None) -> dict[str, str | None]:
        """Above the named; a background that is made for a foreground goes below it."""
        from acetate_engine.documents.choose import bottommost, topmost

        if above is not None:
            return {"above": above}
        if task is Task.BACKGROUND_BEHIND_FOREGROUND and self.above:
            return {"below": bottommost(self.document, self.above)}
        named = self.below + self.above
        return {"above": topmost(self.document, named) if named else None}

    def _pixels(self, paths: tuple[str, ...], region: Bounds, needed: bool) -> Pixels | None:
        from acetate_engine.documents.shown import shown

        if not paths and not needed:
            return None
        return self.named.see(shown(self.document, region, paths))


def _mask(path: Path | None, region: Bounds, named: NamedImages) -> Pixels | None:
    from acetate_engine.sources import coverage_of

    return None if path is None else coverage_of(_within(path, region, "mask", named))


def _within(source: PictureLike, region: Bounds, what: str, named: NamedImages) -> Pixels:
    """The part of a picture that lies in `region` of the canvas."""
    from acetate_engine.compositing.regions import crop
    from acetate_engine.sources import extent_of

    pixels = named.see(source)
    assert pixels is not None
    if not Bounds.of(extent_of(pixels)).contains(region):
        raise InvalidRequest(f"the {what} is {extent_of(pixels)} and does not cover {region}", "Enlarge it.")
    return crop(pixels, region)


def _insert(file: Path, out: Path, result: Result, **place: str | None) -> tuple[str, ...]:
    """Several layers come in a group of their own."""
    from acetate_engine.documents.edit import insert_layers
    from acetate_engine.documents.tree import Group
    from acetate_engine.documents.writer import replacing
    from acetate_engine.results import pixel_layers

    layers: tuple[Layer, ...] = pixel_layers(result.layers)
    if len(layers) > 1:
        layers = (Group(result.request.prompt[:60] or "Acetate", layers=layers),)
    with replacing(out) as draft:
        missing = insert_layers(file, draft, layers, **place)
    return tuple(f"the preview leaves out {note}" for note in missing)
