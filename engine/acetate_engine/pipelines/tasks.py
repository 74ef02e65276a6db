"""Requests → layers: the one entrance of the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acetate.protocol.errors import InvalidRequest, UnknownImage
from acetate.protocol.geometry import Extent
from acetate.protocol.requests import DEFAULT_MODEL, GenerateRequest, Task
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.models.families import find_model, model_for
from acetate_engine.models.runtime.quiet import quiet_libraries
from acetate_engine.pipelines.contract import Generated, Images, Reporter
from acetate_engine.pipelines.recipes.plain import WITHOUT_MODEL, cut_out

if TYPE_CHECKING:
    from acetate_engine.pipelines.runner import Runner


class TaskGenerator:
    """A `Generator` (see contract.py) on one device."""

    def __init__(self) -> None:
        self._runner: Runner | None = None

    def generate(self, request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
        """As in contract.py; also InvalidRequest and UnknownImage where request and images do not fit."""
        check(request, images)
        reporter.check()
        made = self._made(request, images, reporter)
        return cut_out(made, request, images) if request.cut_out else made

    def warm_up(self) -> None:
        """Imports torch and loads the default model, so that the first job begins at once.

        Raises UnknownModel, CheckpointError.
        """
        self._loaded().warm_up(find_model(DEFAULT_MODEL, Task.FOREGROUND))

    def _made(self, request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
        if not request.task.needs_model:
            return WITHOUT_MODEL[request.task](request, images, reporter)
        return self._loaded().run(model_for(request), request, images, reporter)

    def _loaded(self) -> Runner:
        if self._runner is None:
            quiet_libraries()
            from acetate_engine.pipelines.runner import Runner  # torch takes seconds to import: not for a refusal

            self._runner = Runner()
        return self._runner


def check(request: GenerateRequest, images: Images) -> None:
    """Raises InvalidRequest or UnknownImage where the request, or an image with it, cannot be used."""
    request.validate()
    for name in request.image_digests:
        if name not in images:
            raise UnknownImage(f"image {name[:12]}… is not there", "Upload it, then send the job again.")
    _check_extents(request, images)
    _check_layouts(request, images)


def _check_extents(request: GenerateRequest, images: Images) -> None:
    covered = request.covered.extent
    for name in _conditions(request):
        if (extent := _extent(images[name])) != covered:
            raise InvalidRequest(
                f"image {name[:12]}… is {extent}, and the job covers {covered}",
                "Send images of exactly the context of the job.",
            )
    for index, layer in enumerate(request.layers):
        wanted = (layer.bounds or request.bounds).extent
        if layer.picture is not None and (extent := _extent(images[layer.picture])) != wanted:
            raise InvalidRequest(
                f"the picture of layer {index + 1} is {extent}, and the layer is {wanted}",
                "Send pictures of exactly the bounds of their layers.",
            )


def _conditions(request: GenerateRequest) -> list[str]:
    """Digests of what covers the whole context."""
    named = (request.background, request.foreground, request.mask, *(hint.image for hint in request.control))
    return [name for name in named if name is not None]


def _extent(pixels: Pixels) -> Extent:
    return Extent(pixels.shape[1], pixels.shape[0])


def _check_layouts(request: GenerateRequest, images: Images) -> None:
    pictures = [layer.picture for layer in request.layers if layer.picture is not None]
    pictures += [prompt.image for prompt in request.image_prompts]
    for name in (*_conditions(request), *pictures):
        if name != request.mask and images[name].ndim != 3:
            raise InvalidRequest("a layer condition is a mask", "Send it as RGBA8 or RGBA16LE.")
    if request.mask is not None and images[request.mask].ndim != 2:
        raise InvalidRequest("the selection has colours", "Send it as A8.")
