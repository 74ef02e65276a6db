"""Any number of layers, one after the other: each new foreground sees the flattened layers below it.

The iterative composition of arXiv 2402.17113, figure 9. Those that lie beside each other see nothing of each other, and
are made together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import MAX_SEED, GenerateRequest, StackLayer
from acetate_engine.compositing.alpha import convert, over, to_float, to_pixels
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.compositing.regions import crop
from acetate_engine.pipelines.contract import GeneratedLayer, Images
from acetate_engine.pipelines.recipes.generate import (
    foreground,
    foreground_on,
    side_by_side,
    working_of,
)
from acetate_engine.pipelines.recipes.repaint import reworked
from acetate_engine.pipelines.stages.before_denoise import steps_of
from acetate_engine.pipelines.stages.job import ModelJob
from acetate_engine.pipelines.stages.runs import colour_steps


def stack(job: ModelJob) -> list[GeneratedLayer]:
    """Layers bottom to top, image after image.

    A layer is made for all images before the next one is, so that layer adapters are changed as seldom as can be.
    """
    request = job.request
    check_stack(request)
    job.meter.expect(request.images * sum(_work(job, layer) for layer in request.layers))
    below = [_bottom(request, job.images) for _ in range(request.images)]
    made: list[list[GeneratedLayer]] = [[] for _ in below]
    for wave in waves([layer.bounds or request.bounds for layer in request.layers]):
        wanted = [_wanted(job, index, image, canvas) for image, canvas in enumerate(below) for index in wave]
        for one, layer in zip(wanted, _all_made(job, wanted), strict=True):
            _put_over(below[one.image], layer, request.covered, request.pixel_format)
            made[one.image].append(layer)
    return [layer for layers in made for layer in layers]


def waves(bounds: Sequence[Bounds]) -> list[list[int]]:
    """Layers bottom to top → those that lie beside each other, so that none looks at another: made together."""
    found: list[list[int]] = []
    for index, own in enumerate(bounds):
        if not found or any(not own.intersection(bounds[other]).is_empty for other in found[-1]):
            found.append([])
        found[-1].append(index)
    return found


def check_stack(request: GenerateRequest) -> None:
    """Raises InvalidRequest where a layer lies outside of what the images cover."""
    for index, layer in enumerate(request.layers):
        bounds = layer.bounds or request.bounds
        if bounds.is_empty or not request.covered.contains(bounds):
            raise InvalidRequest(
                f"layer {index + 1} lies at {bounds}, and the job covers {request.covered}",
                "Move the layer inside, or widen the context.",
            )


def _bottom(request: GenerateRequest, images: Images) -> Pixels:
    """What the covered part of the canvas shows before the first layer; transparent where nothing is given."""
    if request.background is not None:
        return convert(images[request.background], request.pixel_format).copy()
    shape = (request.covered.height, request.covered.width, 4)
    if request.pixel_format is PixelFormat.RGBA16:
        return np.zeros(shape, np.uint16)
    return np.zeros(shape, np.uint8)


@dataclass(frozen=True)
class _Wanted:
    """A layer of one image."""

    spec: StackLayer
    image: int
    part: ModelJob
    seen: Pixels  # what those below it show in its bounds

    @property
    def is_fresh(self) -> bool:
        return self.spec.strength == 1.0

    @property
    def shows_something(self) -> bool:
        """Whether there is something below it to look at."""
        return bool(self.seen[..., 3].any())


def _wanted(job: ModelJob, index: int, image: int, below: Pixels) -> _Wanted:
    spec = job.request.layers[index]
    bounds = spec.bounds or job.request.bounds
    seed = (spec.seed if spec.seed is not None else job.request.seed + index) + image
    part = job.part(
        prompt=spec.prompt,
        bounds=bounds,
        context=job.request.covered,  # what hints cover
        seed=seed % (MAX_SEED + 1),
        images=1,
        strength=spec.strength,
        control=tuple(hint for hint in job.request.control if hint.layer in (None, index)),
        image_prompts=tuple(prompt for prompt in job.request.image_prompts if prompt.layer in (None, index)),
    )
    return _Wanted(spec, image, part, crop(below, bounds.relative_to(job.request.covered)))


def _all_made(job: ModelJob, wanted: Sequence[_Wanted]) -> list[GeneratedLayer]:
    """In the order in which they are wanted; those that are alike share their steps."""
    alike: dict[object, list[int]] = {}
    for place, one in enumerate(wanted):
        alike.setdefault(_likeness(job, one) or place, []).append(place)
    made: dict[int, GeneratedLayer] = {}
    for places in alike.values():
        some = [wanted[place] for place in places]
        layers = _shared(some) if len(some) > 1 else [_one_layer(job, some[0])]
        made |= {place: replace(layer, image=wanted[place].image) for place, layer in zip(places, layers, strict=True)}
    return [made[place] for place in range(len(wanted))]


def _likeness(job: ModelJob, one: _Wanted) -> object:
    """What layers that share their steps have in common; None of one that is made alone."""
    cannot_look = one.shows_something and not job.components.looks_at_background  # of which the painter is told
    if not job.method.takes_several or not one.is_fresh or one.part.request.control or cannot_look:
        return None
    return "shared", working_of(one.part), one.part.request.image_prompts, one.shows_something


def _shared(wanted: Sequence[_Wanted]) -> list[GeneratedLayer]:
    parts = [one.part for one in wanted]
    parts[0].components.use_add_ons(parts[0].request.styles, parts[0].request.image_prompts)
    return side_by_side(parts, [one.seen for one in wanted] if wanted[0].shows_something else [])


def _one_layer(job: ModelJob, wanted: _Wanted) -> GeneratedLayer:
    spec, part = wanted.spec, wanted.part
    if spec.strength > 0:
        job.components.use_add_ons(part.request.styles, part.request.image_prompts)
    (layer,) = _made(part, wanted.seen, None if spec.picture is None else job.images[spec.picture])
    return layer


def _made(part: ModelJob, seen: Pixels, picture: Pixels | None) -> list[GeneratedLayer]:
    """From nothing at strength 1, which needs no picture; else from what the layer showed before."""
    strength = part.request.strength
    steps = _steps(part, strength)
    earlier = None if strength == 1.0 else picture
    if steps and seen[..., 3].any():
        return foreground_on(part, seen, earlier)
    layers = foreground(part) if earlier is None else reworked(part, earlier)
    part.meter.skip((_runs(part) - 1) * steps)  # there is nothing to look at, so it took one run
    return layers


def _work(job: ModelJob, spec: StackLayer) -> int:
    """Steps that a layer takes, decoding included."""
    steps = _steps(job, spec.strength)
    return _runs(job) * steps + colour_steps(job, steps) + 1 if steps else 0


def _steps(job: ModelJob, strength: float) -> int:
    return steps_of(job.settings.steps, strength)


def _runs(job: ModelJob) -> int:
    """Denoising runs of a layer that looks at those below it."""
    return job.method.runs_per_layer if job.components.looks_at_background else 1


def _put_over(below: Pixels, layer: GeneratedLayer, covered: Bounds, pixel_format: PixelFormat) -> None:
    window = crop(below, layer.bounds.relative_to(covered))
    window[...] = to_pixels(over(to_float(layer.pixels), to_float(window)), pixel_format)
