"""Requests → layers: the one entrance of the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acetate.protocol.errors import InvalidRequest, UnknownImage
from acetate.protocol.events import LayerRole
from acetate.protocol.requests import DEFAULT_MODEL, GenerateRequest, Task
from acetate_engine.compositing.alpha import convert
from acetate_engine.compositing.regions import crop
from acetate_engine.models.families import find_model
from acetate_engine.pipelines.contract import Generated, GeneratedLayer, Images, Reporter

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
        if request.task is Task.IDENTITY:
            return identity(request, images, reporter)
        return self._loaded().run(find_model(request.model, request.task), request, images, reporter)

    def warm_up(self) -> None:
        """Imports torch and loads the default model, so that the first job begins at once.

        Raises UnknownModel, CheckpointError.
        """
        self._loaded().load(find_model(DEFAULT_MODEL, Task.FOREGROUND))

    def _loaded(self) -> Runner:
        if self._runner is None:
            from acetate_engine.pipelines.runner import Runner  # torch takes seconds to import: not for a refusal

            self._runner = Runner()
        return self._runner


def check(request: GenerateRequest, images: Images) -> None:
    """Raises InvalidRequest or UnknownImage where the request, or an image with it, cannot be used."""
    request.validate()
    covered = request.covered
    for name in request.image_digests:
        if name not in images:
            raise UnknownImage(f"image {name[:12]}… is not there", "Upload it, then send the job again.")
        height, width = images[name].shape[:2]
        if (width, height) != (covered.width, covered.height):
            raise InvalidRequest(
                f"image {name[:12]}… is {width}×{height}, and the job covers {covered.extent}",
                "Send images of exactly the context of the job.",
            )
    _check_layouts(request, images)


def _check_layouts(request: GenerateRequest, images: Images) -> None:
    for name in (request.background, request.foreground, *(hint.image for hint in request.control)):
        if name is not None and images[name].ndim != 3:
            raise InvalidRequest("a layer condition is a mask", "Send it as RGBA8 or RGBA16LE.")
    if request.mask is not None and images[request.mask].ndim != 2:
        raise InvalidRequest("the selection has colours", "Send it as A8.")


def identity(request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
    """The foreground within the bounds, exactly, in the pixel format asked for."""
    assert request.foreground is not None  # validated
    pixels = crop(images[request.foreground], request.bounds.relative_to(request.covered))
    result = convert(pixels, request.pixel_format).copy()
    reporter.progress(1, 1, "decode")
    return Generated(
        tuple(
            GeneratedLayer(image, LayerRole.FOREGROUND, "Identity", request.bounds, result, request.seed)
            for image in range(request.images)
        )
    )
