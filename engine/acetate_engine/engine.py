"""The Python API: a transparent layer in three lines.

    from acetate_engine import Engine
    result = Engine().generate("a glass bottle", size=(512, 512), seed=7)
    result.layers[0].image.save("bottle.png")

`Engine()` generates in this process; `Engine.connect()` asks the engine that runs on this machine. Both give the
same pixels for the same request.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelFormat, digest
from acetate.protocol.requests import (
    MAX_SEED,
    ControlHint,
    ControlKind,
    ControlMethod,
    GenerateRequest,
    ImagePrompt,
    Preset,
    StackLayer,
    Style,
    Task,
)
from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.images import encode_image
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.openraster import eight
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.tree import Document, Layer, PixelLayer, cropped
from acetate_engine.documents.writer import write_document
from acetate_engine.pipelines.contract import Generated, GeneratedLayer, Generator, Reporter

Picture = Pixels | Image.Image | Path | str
"""(h, w, 4) straight sRGB uint8 or uint16, a Pillow image, or the path of any document that Acetate reads."""


@dataclass(frozen=True, eq=False)
class ResultLayer:
    """One generated layer: (h, w, 4) straight sRGB `pixels`, as large as `bounds` on the canvas."""

    name: str
    role: LayerRole
    bounds: Bounds
    pixels: Pixels
    seed: int

    @property
    def image(self) -> Image.Image:
        """RGBA, 8 bit."""
        return Image.fromarray(eight(self.pixels))


@dataclass(frozen=True, eq=False)
class Result:
    request: GenerateRequest
    layers: tuple[ResultLayer, ...]  # bottom to top
    notes: tuple[str, ...] = ()  # what was done otherwise than asked

    def document(self, below: Sequence[Layer] = ()) -> Document:
        """The layers above `below`, on the canvas of the request; each cut to its alpha."""
        depth = 16 if self.request.pixel_format is PixelFormat.RGBA16 else 8
        canvas = self.request.covered
        extent = Extent(max(canvas.right, 0), max(canvas.bottom, 0))
        return Document(extent, (*below, *pixel_layers(self.layers)), depth)

    def save(self, path: Path | str, below: Sequence[Layer] = ()) -> None:
        """PSD, PSB, ORA, PNG, WebP or, without a suffix, a folder of PNGs. Raises FileError."""
        write_document(self.document(below), Path(path))


def pixel_layers(layers: Sequence[ResultLayer]) -> tuple[PixelLayer, ...]:
    return tuple(
        PixelLayer(layer.name, source=cropped(layer.bounds.x, layer.bounds.y, layer.pixels)) for layer in layers
    )


@dataclass(frozen=True, eq=False)
class Hint:
    """A picture whose lines, edges, depth, pose or scribble the result follows; as large as the canvas."""

    kind: ControlKind
    picture: Picture
    weight: float = 1.0  # 0..2
    start: float = 0.0  # 0..1 of the steps
    end: float = 1.0
    method: ControlMethod | None = None  # the first that the model has where None


@dataclass(frozen=True, eq=False)
class Look:
    """A picture of any size, in place of words: the result gets its look."""

    picture: Picture
    weight: float = 1.0  # 0..2
    adapter: str | None = None  # the model's first where None


@dataclass
class Silent:
    """A Reporter that keeps everything to itself."""

    def progress(self, step: int, steps: int, stage: str) -> None:
        pass

    def preview(self, step: int, rgba: NDArray[np.uint8]) -> None:
        pass

    def check(self) -> None:
        pass


@dataclass
class Conditions:
    """Images of one request by digest, collected while it is built."""

    images: dict[str, Pixels] = field(default_factory=dict)

    def add(self, pixels: Pixels | None) -> str | None:
        """The name that the request calls the image by."""
        if pixels is None:
            return None
        return self._named(pixels)

    def hint(self, hint: Hint, pixels: Pixels) -> ControlHint:
        """`pixels`: of what the request covers."""
        return ControlHint(hint.kind, self._named(pixels), hint.weight, hint.start, hint.end, hint.method)

    def look(self, look: Look) -> ImagePrompt:
        """Raises FileError, InvalidRequest."""
        return ImagePrompt(self._named(picture(look.picture)), look.adapter, look.weight)

    def _named(self, pixels: Pixels) -> str:
        name = digest(encode_image(pixels))
        self.images[name] = pixels
        return name


class Engine:
    """Models stay loaded between calls. Not to be shared by threads."""

    def __init__(self, generator: Generator | None = None) -> None:
        if generator is None:
            from acetate_engine.pipelines.tasks import TaskGenerator

            generator = TaskGenerator()
        self._generator = generator

    @staticmethod
    def connect(connection: Path | None = None) -> Engine:
        """The engine that runs on this machine. Raises EngineUnreachable, VersionMismatch."""
        from acetate_engine.remote import RemoteGenerator

        return Engine(RemoteGenerator.found(connection))

    def generate(
        self,
        prompt: str = "",
        *,
        task: Task = Task.FOREGROUND,
        size: tuple[int, int] | None = None,
        region: Bounds | None = None,
        background: Picture | None = None,
        foreground: Picture | None = None,
        mask: Picture | None = None,
        hints: Sequence[Hint] = (),
        looks: Sequence[Look] = (),
        seed: int | None = None,
        reporter: Reporter | None = None,
        **fields: Any,
    ) -> Result:
        """One task. `size` (width, height) is that of the conditions, or the model's own; what is made lies in `region`
        of it, or fills it. `fields` are those of GenerateRequest (preset, model, styles, steps, strength, …). A seed
        is drawn where none is given.

        Raises InvalidRequest where sizes differ or the region is not on the canvas, FileError, and what
        contract.Generator raises.
        """
        conditions = Conditions()
        layers, seen = (picture(background), picture(foreground)), [picture(hint.picture) for hint in hints]
        coverage = None if mask is None else coverage_of(picture(mask))
        extent = common_extent([*layers, coverage, *seen], size, fields.get("model", "mini"))
        canvas = Bounds.of(extent)
        if region is not None and not canvas.contains(region):
            raise InvalidRequest(f"the region {region} does not lie on the canvas of {extent}", "Move or shrink it.")
        request = GenerateRequest(
            task=task,
            bounds=region or canvas,
            context=canvas,
            seed=drawn(seed),
            prompt=prompt,
            background=conditions.add(layers[0]),
            foreground=conditions.add(layers[1]),
            mask=conditions.add(coverage),
            control=tuple(map(conditions.hint, hints, seen)),
            image_prompts=tuple(map(conditions.look, looks)),
            **fields,
        )
        return self.run(request, conditions.images, reporter)

    def stack(
        self,
        prompts: Sequence[str | StackLayer],
        *,
        background: Picture | None = None,
        size: tuple[int, int] | None = None,
        hints: Sequence[Hint] = (),
        looks: Sequence[Look] = (),
        seed: int | None = None,
        reporter: Reporter | None = None,
        **fields: Any,
    ) -> Result:
        """A layer for each prompt, bottom to top, each seeing what lies below. Raises as `generate`."""
        conditions, ground, seen = Conditions(), picture(background), [picture(hint.picture) for hint in hints]
        extent = common_extent([ground, *seen], size, fields.get("model", "mini"))
        layers = tuple(StackLayer(entry) if isinstance(entry, str) else entry for entry in prompts)
        request = GenerateRequest(
            task=Task.STACK,
            bounds=Bounds.of(extent),
            seed=drawn(seed),
            layers=layers,
            background=conditions.add(ground),
            control=tuple(map(conditions.hint, hints, seen)),
            image_prompts=tuple(map(conditions.look, looks)),
            **fields,
        )
        return self.run(request, conditions.images, reporter)

    def run(self, request: GenerateRequest, images: dict[str, Pixels], reporter: Reporter | None = None) -> Result:
        """A request as it is; `images` by digest (see Conditions). Raises what contract.Generator raises."""
        request.validate()
        generated: Generated = self._generator.generate(request, images, reporter or Silent())
        return Result(request, tuple(_result(layer) for layer in generated.layers), generated.notes)


def _result(layer: GeneratedLayer) -> ResultLayer:
    return ResultLayer(layer.name, layer.role, layer.bounds, layer.pixels, layer.seed)


def drawn(seed: int | None) -> int:
    """The seed, or a new one."""
    return secrets.randbelow(MAX_SEED + 1) if seed is None else seed


@overload
def picture(source: Picture) -> Pixels: ...
@overload
def picture(source: None) -> None: ...
@overload
def picture(source: Picture | None) -> Pixels | None: ...
def picture(source: Picture | None) -> Pixels | None:
    """(h, w, 4) straight sRGB. Raises FileError, InvalidRequest."""
    if isinstance(source, Image.Image):
        return np.asarray(source.convert("RGBA"))
    if isinstance(source, (str, Path)):
        document = read_document(Path(source))
        return flatten(document.layers, Bounds.of(document.extent))
    if source is not None and (source.ndim != 3 or source.shape[2] != 4):
        raise InvalidRequest(f"a picture has the shape {source.shape}", "Give it as (height, width, 4), RGBA.")
    return source


def coverage_of(pixels: Pixels | None) -> NDArray[np.uint8] | None:
    """A mask picture → (h, w) coverage: its alpha where it has any transparency, its brightness otherwise."""
    if pixels is None:
        return None
    shown = eight(pixels)
    if (shown[..., 3] < 255).any():
        return np.ascontiguousarray(shown[..., 3])
    return np.asarray(Image.fromarray(shown).convert("L"))


def extent_of(pixels: Pixels) -> Extent:
    return Extent(pixels.shape[1], pixels.shape[0])


def common_extent(pictures: Sequence[Pixels | None], size: tuple[int, int] | None, model: str) -> Extent:
    """Raises InvalidRequest where the pictures differ in size from each other, or from `size`."""
    found = [extent_of(given) for given in pictures if given is not None]
    found += [Extent(*size)] if size else []
    if len(set(found)) > 1:
        listed = ", ".join(str(extent) for extent in found)
        raise InvalidRequest(f"the pictures and the size differ: {listed}", "Bring them to one size first.")
    return found[0] if found else native_extent(model)


def native_extent(model: str) -> Extent:
    """The square that the model works best at; 512×512 where there is no such model, which the task will say."""
    from acetate_engine.models.families import describe_models

    side = next((info.native for info in describe_models() if info.name == model), 512)
    return Extent(side, side)


__all__ = ["Engine", "Hint", "Look", "Picture", "Preset", "Result", "ResultLayer", "StackLayer", "Style", "Task"]
