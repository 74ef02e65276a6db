"""The Python API: a transparent layer in three lines.

    from acetate_engine import Engine
    result = Engine().generate("a campfire", size=(512, 512), seed=7)
    result.layers[0].image.save("campfire.png")

`Engine()` generates in this process; `Engine.connect()` asks the engine that runs on this machine. Both give the
same pixels for the same request, to within one level of 255: sums are rounded as threads and processor have them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import DEFAULT_MODEL, GenerateRequest, Preset, Scheduler, StackLayer, Style
from acetate.protocol.tasks import Task
from acetate_engine.asking import Hint, Look, NamedImages, RequestFields, drawn, in_enums, with_enums
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.pipelines.contract import Generator, Reporter, Silent
from acetate_engine.results import Result, ResultLayer
from acetate_engine.sources import PictureLike, common_extent, coverage_of

if TYPE_CHECKING:
    from typing_extensions import Unpack


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
        task: Task | str = Task.FOREGROUND,
        size: tuple[int, int] | None = None,
        region: Bounds | None = None,
        background: PictureLike | None = None,
        foreground: PictureLike | None = None,
        mask: PictureLike | None = None,
        hints: Sequence[Hint] = (),
        looks: Sequence[Look] = (),
        seed: int | None = None,
        reporter: Reporter | None = None,
        **how: Unpack[RequestFields],
    ) -> Result:
        """One task. `size` (width, height) is that of the conditions, or the model's own; what is made lies in `region`
        of it, or fills it. `how`: preset, model, styles, steps, strength, … (see RequestFields). A seed
        is drawn where none is given.

        Raises InvalidRequest where sizes differ or the region is not on the canvas, FileError, and what
        contract.Generator raises.
        """
        named = NamedImages()
        layers, hinted = [named.see(one) for one in (background, foreground)], named.hinted(hints)
        coverage = coverage_of(named.see(mask))
        extent = common_extent([*layers, coverage, *hinted], size, how.get("model", DEFAULT_MODEL))
        canvas = Bounds.of(extent)
        if region is not None and not canvas.contains(region):
            raise InvalidRequest(f"the region {region} does not lie on the canvas of {extent}", "Move or shrink it.")
        request = GenerateRequest(
            task=Task(in_enums({"task": task})["task"]),
            bounds=region or canvas,
            context=canvas,
            seed=drawn(seed),
            prompt=prompt,
            background=named.add(layers[0]),
            foreground=named.add(layers[1]),
            mask=named.add(coverage),
            control=tuple(map(named.hint, hints, hinted)),
            image_prompts=tuple(map(named.look, looks)),
            **in_enums(how),
        )
        return self.run(request, named.images, reporter).noting(named.notes)

    def stack(
        self,
        prompts: Sequence[str | StackLayer],
        *,
        background: PictureLike | None = None,
        size: tuple[int, int] | None = None,
        hints: Sequence[Hint] = (),
        looks: Sequence[Look] = (),
        seed: int | None = None,
        reporter: Reporter | None = None,
        **how: Unpack[RequestFields],
    ) -> Result:
        """A layer for each prompt, bottom to top, each seeing what lies below. Raises as `generate`."""
        named = NamedImages()
        ground, hinted = named.see(background), named.hinted(hints)
        extent = common_extent([ground, *hinted], size, how.get("model", DEFAULT_MODEL))
        layers = tuple(StackLayer(entry) if isinstance(entry, str) else entry for entry in prompts)
        request = GenerateRequest(
            task=Task.STACK,
            bounds=Bounds.of(extent),
            seed=drawn(seed),
            layers=layers,
            background=named.add(ground),
            control=tuple(map(named.hint, hints, hinted)),
            image_prompts=tuple(map(named.look, looks)),
            **in_enums(how),
        )
        return self.run(request, named.images, reporter).noting(named.notes)

    def run(self, request: GenerateRequest, images: dict[str, Pixels], reporter: Reporter | None = None) -> Result:
        """A request as it is; `images` by digest (see NamedImages). Raises what contract.Generator raises."""
        request = with_enums(request)
        request.validate()
        return Result.of(request, self._generator.generate(request, images, reporter or Silent()))


__all__ = [
    "Engine",
    "Hint",
    "Look",
    "PictureLike",
    "Preset",
    "Result",
    "ResultLayer",
    "Scheduler",
    "StackLayer",
    "Style",
    "Task",
]
