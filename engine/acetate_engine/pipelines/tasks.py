"""Requests → layers: the one entrance of the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from acetate.protocol.errors import InvalidRequest, UnknownImage
from acetate.protocol.events import Stage
from acetate.protocol.geometry import Extent
from acetate.protocol.reading import is_better_than_search
from acetate.protocol.requests import DEFAULT_MODEL, GenerateRequest, Role, Task
from acetate_engine.compiling import telling
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.models.families import find_model, model_for, qwen_layered
from acetate_engine.models.runtime.quiet import quiet_libraries
from acetate_engine.paths import wildcards_dir
from acetate_engine.pipelines.contract import Generated, Images, PartOf, Reporter, WaitingForLoops, joined
from acetate_engine.pipelines.painting import ModelPaint, painter
from acetate_engine.pipelines.recipes.plain import WITHOUT_MODEL, cut_out
from acetate_engine.prompts.understanding import pictures_apart, understood

if TYPE_CHECKING:
    from acetate_engine.models.families.base import Model
    from acetate_engine.pipelines.held import HeldModel
    from acetate_engine.pipelines.stages.job import Finished


class TaskGenerator:
    """A `Generator` (see contract.py) on one device.

    Args:
        finished: golden runs compare what it is told.
    """

    def __init__(self, finished: Finished | None = None) -> None:
        self._finished = finished
        self._held: HeldModel | None = None

    def generate(self, request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
        """As in contract.py; also InvalidRequest and UnknownImage where request and images do not fit."""
        check(request, images)
        reporter.check()
        apart, waiting = pictures_apart(request), WaitingForLoops(reporter)
        with telling(waiting):
            made = joined(
                self._understood(one, images, PartOf(waiting, index, len(apart))) for index, one in enumerate(apart)
            )
        if request.settle:
            made = _settled(made, request, images)
        return cut_out(made, request, images) if request.cut_out else made

    def warm_up(self, loaded: Callable[[], None] = lambda: None) -> None:
        """Imports torch and loads the default model, so that the first job begins at once.

        `loaded` is told when jobs can be carried out: by then only their previews have to wait for the rest, which
        begins when it returns.

        Raises UnknownModel, CheckpointError.
        """
        held = self._loaded()
        components = held.components(find_model(DEFAULT_MODEL, Task.FOREGROUND))
        held.preview(components, loaded)

    def on_model(self, model: Model, request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
        """A request that needs a model, on this one, and without what is done to words and results.

        Raises JobCancelled, CheckpointError, InvalidRequest, OutOfMemory, GenerationFailed.
        """
        held = self._loaded()
        from acetate_engine.pipelines.recipes.with_model import recipe_of, short_memory_named  # imports torch
        from acetate_engine.pipelines.stages.job import ModelJob, nothing

        reporter.progress(0, 1, Stage.LOADING)
        with short_memory_named(model.info.title):
            parts, finished = held.components(model), self._finished or nothing
            job = ModelJob.of(request, images, reporter, model, parts, held.preview, finished)
            layers = recipe_of(request.task)(job)
        return Generated(tuple(layers), tuple(job.notes))

    def _understood(self, request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
        meant, notes = understood(request, lambda: _model_of(request).info.styles, wildcards_dir())
        made = self._made(meant, images, reporter)
        return replace(made, notes=(*made.notes, *notes))

    def _made(self, request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
        if request.task is Task.DECOMPOSE and (model := _layered_model(request.model)):
            return _layered(model, request, images, reporter)
        if not request.task.needs_model:
            return WITHOUT_MODEL[request.task](request, images, reporter, *self._paints(request, reporter))
        return self.on_model(model_for(request), request, images, reporter)

    def _paints(self, request: GenerateRequest, reporter: Reporter) -> tuple[ModelPaint, ...]:
        """What paints behind and beyond better than what can be found in the picture itself, where there is such."""
        if not (request.task.traits.fills and is_better_than_search(request.model)):
            return ()
        return (ModelPaint(self.on_model, request, reporter),)

    def _loaded(self) -> HeldModel:
        if self._held is None:
            quiet_libraries()
            from acetate_engine.pipelines.held import HeldModel  # torch takes seconds to import: not for a refusal

            self._held = HeldModel()
        return self._held


def _model_of(request: GenerateRequest) -> Model:
    """That its words are for; where the task needs none, what would paint behind and beyond."""
    if request.task.needs_model:
        return find_model(request.model, request.task)
    return painter(request.model, is_behind=request.task is not Task.EXPAND)[0]


def _layered_model(name: str) -> Model | None:
    """The model of this name, where it is made for splitting pictures."""
    return next((model for model in qwen_layered.models() if model.info.name == name and model.info.installed), None)


def _layered(model: Model, request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
    quiet_libraries()
    from acetate_engine.pipelines.recipes.layered import layered  # imports torch

    return layered(model, request, images, reporter)


def _settled(made: Generated, request: GenerateRequest, images: Images) -> Generated:
    from acetate_engine.pipelines.recipes.settling import settled  # its libraries take long to import

    return settled(made, request, images)


def check(request: GenerateRequest, images: Images) -> None:
    """Raises InvalidRequest or UnknownImage where the request, or an image with it, cannot be used."""
    request.validate()
    for name in request.image_digests:
        if name not in images:
            raise UnknownImage(f"image {name[:12]}… is not there", "Upload it, then send the job again.")
    _check_extents(request, images)
    _check_layouts(request, images)


def _check_extents(request: GenerateRequest, images: Images) -> None:
    for picture in request.pictures:
        extent, covered = _extent(images[picture.digest]), picture.bounds.extent if picture.bounds else None
        if covered is not None and extent != covered:
            raise InvalidRequest(
                f"the {picture.slot.label} ({picture.digest[:12]}…) is {extent}, and the job covers {covered}",
                "Send pictures of exactly what they cover: the context of the job, or the bounds of their layer.",
            )


def _extent(pixels: Pixels) -> Extent:
    return Extent(pixels.shape[1], pixels.shape[0])


def _check_layouts(request: GenerateRequest, images: Images) -> None:
    for picture in request.pictures:
        is_mask, channels = picture.slot.role is Role.MASK, images[picture.digest].ndim
        if is_mask and channels != 2:
            raise InvalidRequest("the selection has colours", "Send it as A8.")
        if not is_mask and channels != 3:
            raise InvalidRequest(f"the {picture.slot.label} is a mask", "Send it as RGBA8 or RGBA16LE.")
