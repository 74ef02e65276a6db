"""A request on a model: loads it, picks the recipe, and turns what torch raises into what a person can read."""

from __future__ import annotations

import gc
from collections.abc import Callable
from weakref import WeakKeyDictionary

import torch

from acetate.protocol.errors import OutOfMemory
from acetate.protocol.events import Stage
from acetate.protocol.requests import GenerateRequest, Task
from acetate_engine.models.families.base import Model
from acetate_engine.models.families.components import Components
from acetate_engine.models.runtime.memory import is_out_of_memory
from acetate_engine.models.runtime.placement import Policy
from acetate_engine.pipelines.contract import Generated, GeneratedLayer, Images, Reporter
from acetate_engine.pipelines.recipes.generate import background_behind, blend, foreground, foreground_on, joint
from acetate_engine.pipelines.recipes.repaint import inpaint, refine
from acetate_engine.pipelines.recipes.stack import stack
from acetate_engine.pipelines.stages.job import Finished, Meter, ModelJob, nothing
from acetate_engine.pipelines.stages.previews import LatentPreview
from acetate_engine.pipelines.stages.settings import RunSettings

RECIPES: dict[Task, Callable[[ModelJob], list[GeneratedLayer]]] = {
    Task.FOREGROUND: foreground,
    Task.FOREGROUND_ON_BACKGROUND: lambda job: foreground_on(
        job, job.within(job.request.background, job.request.bounds)
    ),
    Task.BACKGROUND_BEHIND_FOREGROUND: background_behind,
    Task.JOINT: joint,
    Task.BLEND: blend,
    Task.STACK: stack,
    Task.REFINE: refine,
    Task.INPAINT: inpaint,
}


class Runner:
    """Runs requests on one device, one after the other.

    Args:
        finished: golden runs compare what it is told.
    """

    def __init__(self, finished: Finished = nothing) -> None:
        self._finished = finished
        self._held: tuple[Model, Components] | None = None  # one: memory is short, and painters stay with a model
        self._previews: WeakKeyDictionary[Components, LatentPreview] = WeakKeyDictionary()

    def load(self, model: Model) -> Components:
        """Unless it is the one that is held; the former one is let go first. Raises CheckpointError."""
        if self._held is None or self._held[0] != model:
            self._held = None
            gc.collect()  # modules and their hooks refer to each other
            self._held = (model, model.load())
        return self._held[1]

    def warm_up(self, model: Model) -> None:
        """All that the first job would have to wait for. Raises CheckpointError."""
        self._preview(self.load(model))

    def run(self, model: Model, request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
        """Raises JobCancelled, CheckpointError, InvalidRequest, OutOfMemory, GenerationFailed."""
        reporter.progress(0, 1, Stage.LOADING)
        try:
            components = self.load(model)
            components.make_room(request.control, request.image_prompts)
            components.use_add_ons(request.styles, request.image_prompts)
            few_steps = model.few_steps(style.lora for style in request.styles)
            settings = RunSettings.of(request, model.info.family, few_steps)
            job = ModelJob(
                request,
                images,
                Meter(reporter),
                model,
                components,
                lambda: self._preview(components),
                settings,
                finished=self._finished,
            )
            for note in (_placement_note(components), *components.said, settings.misfit(model.info.title, few_steps)):
                job.note(note)
            with torch.inference_mode():
                layers = RECIPES[request.task](job)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise _out_of_memory(request) from error
            raise
        return Generated(tuple(layers), tuple(job.notes))

    def _preview(self, components: Components) -> LatentPreview:
        if components not in self._previews:
            self._previews[components] = LatentPreview(components)
        return self._previews[components]


def _placement_note(components: Components) -> str | None:
    """What memory had to do with the result."""
    if components.placement is None or components.placement.policy is Policy.ALL_ON_DEVICE:
        return None
    return f"memory is short: {components.placement.policy.value}"


def _out_of_memory(request: GenerateRequest) -> OutOfMemory:
    return OutOfMemory(
        f"the model {request.model} does not fit into memory beside what else is there",
        "Close other programs that use the graphics card, or choose a smaller model.",
    )
