"""Tasks that make layers out of a picture that is there, without a model of a family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.events import Stage
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pictures import Light
from acetate.protocol.requests import GenerateRequest, Task
from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.alpha import bleed, convert, to_float, to_pixels
from acetate_engine.compositing.pixels import Floats, Pixels
from acetate_engine.compositing.regions import crop
from acetate_engine.compositing.resize import resize
from acetate_engine.pictures.expand import beyond
from acetate_engine.pictures.fill import Paint
from acetate_engine.pictures.light import match_light
from acetate_engine.pictures.shadows import cast_shadow, contact_shadow, reflection
from acetate_engine.pictures.split import filled, split
from acetate_engine.pictures.subject import BY_HAND, Hints, cut, edge, find, subjects
from acetate_engine.pipelines.contract import Generated, GeneratedLayer, Images, Reporter

_PREVIEW_SIDE = 256  # pixels at most
_NOTHING = "nothing in the picture strikes as a subject"
_SHOW = "Select it roughly, or draw a box around it."


@dataclass
class PictureJob:
    """One request on its way: the picture, what is shown of its subject, and how far it is."""

    request: GenerateRequest
    images: Images
    reporter: Reporter
    steps: int
    stage: Stage  # that it is at: said when it begins, for it may take long
    done: int = 0
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        assert self.request.foreground is not None  # validated
        self.picture = to_float(self.images[self.request.foreground])  # (H, W, 4), of what is covered
        self.reporter.progress(self.done, self.steps, self.stage)

    @property
    def mask(self) -> Floats | None:
        """(H, W) in 0..1."""
        return None if self.request.mask is None else to_float(self.images[self.request.mask])

    @property
    def hints(self) -> Hints:
        subject, corner = self.request.subject, self.request.covered
        box = None
        if subject.box is not None:
            box = subject.box.intersection(corner).relative_to(corner)
        at = [(click.is_on, (click.x - corner.x, click.y - corner.y)) for click in subject.clicks]
        on, beside = (tuple(point for is_on, point in at if is_on is wanted) for wanted in (True, False))
        return Hints(self.mask, box, on, beside)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def step(self, to: Stage | None = None, layer: Floats | None = None) -> None:
        """One step done, and the next stage begun; what there is to see of it is shown. Raises JobCancelled."""
        self.done, self.stage = min(self.done + 1, self.steps), to or self.stage
        self.reporter.progress(self.done, self.steps, self.stage)
        if layer is not None:
            self.reporter.preview(self.done, _small(layer))
        self.reporter.check()

    def made(self, layers: Sequence[tuple[LayerRole, str, Floats]]) -> Generated:
        """Layers (H, W, 4) of what is covered → of the bounds, bottom to top."""
        request, within = self.request, self.request.bounds.relative_to(self.request.covered)
        cuts = [
            (role, name, to_pixels(bleed(np.ascontiguousarray(crop(layer, within))), request.pixel_format))
            for role, name, layer in layers
        ]
        made = [
            GeneratedLayer(image, role, name, request.bounds, pixels, request.seed)
            for image in range(request.images)
            for role, name, pixels in cuts
        ]
        return Generated(tuple(made), tuple(self.notes))


def extract(request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
    """The subjects, each a layer with soft alpha and its own colour; the largest on top."""
    work = PictureJob(request, images, reporter, 1 + request.subject.most, Stage.FIND)
    fronts = subjects(find(work.picture, work.hints, work.note), request.subject.most)
    work.step(Stage.CUT_OUT)
    if not fronts:
        raise InvalidRequest(_NOTHING, _SHOW)
    layers = []
    for front in fronts:
        layers.append(cut(work.picture, front))
        work.step(layer=layers[-1])
    names = _numbered(_name(request, "Subject"), len(layers))
    return work.made([(LayerRole.FOREGROUND, name, layer) for name, layer in zip(names, layers, strict=True)][::-1])


def select(request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
    """The subject as a selection; of a selection that is given, its edge as the picture has it."""
    work = PictureJob(request, images, reporter, 2, Stage.FIND)
    given = work.mask
    front = find(work.picture, work.hints, work.note) if given is None else given
    work.step(Stage.CUT_OUT)
    if not (front > 0.5).any():
        raise InvalidRequest(_NOTHING, _SHOW)
    coverage = edge(work.picture, front, 1.0 if given is None else BY_HAND)
    layer = np.dstack([np.ones((*coverage.shape, 3), np.float32), coverage])
    work.step(layer=layer)
    return work.made([(LayerRole.SELECTION, _name(request, "Selection"), layer)])


def remove(request: GenerateRequest, images: Images, reporter: Reporter, paint: Paint | None = None) -> Generated:
    """The picture without what the mask covers, or without its subject: painted as the surroundings go on."""
    work = PictureJob(request, images, reporter, 2, Stage.FIND)
    hole = _hole(work)
    work.step(Stage.FILL)
    layer = filled(work.picture, hole, request.seed, work.note, paint)
    work.step(layer=layer)
    return work.made([(LayerRole.BACKGROUND, _name(request, "Behind"), layer)])


def _hole(work: PictureJob) -> NDArray[np.bool_]:
    """A mask is taken as it is; clicks and boxes, or nothing, mean the subject there."""
    if work.mask is not None:
        hole = work.mask > 0
    else:
        found = subjects(find(work.picture, work.hints, work.note), 1)
        hole = edge(work.picture, found[0]) > 0.01 if found else np.zeros(work.picture.shape[:2], bool)
    if not hole.any():
        raise InvalidRequest(_NOTHING, _SHOW)
    return hole


def decompose(request: GenerateRequest, images: Images, reporter: Reporter, paint: Paint | None = None) -> Generated:
    """Background and subjects, bottom to top; one over the other they are the picture, within 1/255."""
    most = max(request.subject.most, 1)
    work = PictureJob(request, images, reporter, 3 * most + 1, Stage.FIND)
    parts = split(work.picture, work.hints, most, request.seed, work.note, work.step, paint)
    work.step(layer=parts.subjects[0] if parts.subjects else None)
    work.done = work.steps - 1
    work.step()
    names = _numbered("Subject", len(parts.subjects))  # words are for what paints behind them
    named = [(LayerRole.FOREGROUND, name, layer) for name, layer in zip(names, parts.subjects, strict=True)]
    return work.made([(LayerRole.BACKGROUND, "Background", parts.background), *reversed(named)])


def expand(request: GenerateRequest, images: Images, reporter: Reporter, paint: Paint | None = None) -> Generated:
    """What lies beyond the picture, where it is transparent, over its edge."""
    work = PictureJob(request, images, reporter, 1, Stage.FILL)
    layer = beyond(work.picture, work.note, paint)
    work.step(layer=layer)
    return work.made([(LayerRole.FOREGROUND, _name(request, "Beyond"), layer)])


def light(request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
    """The light of the background on the layer, to be clipped to it."""
    assert request.background is not None  # validated
    work = PictureJob(request, images, reporter, 1, Stage.DECODE)
    made = match_light(work.picture, to_float(images[request.background]), request.light.opacity)
    if not made[..., 3].any():
        work.note("there is no light: the layer is empty, or nothing of the background is seen around it")
    work.step(layer=made)
    return work.made([(LayerRole.LIGHT, _name(request, "Light"), made)])


def shadow(request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
    """A shadow or a reflection of the layer, to lie under it."""
    work = PictureJob(request, images, reporter, 1, Stage.DECODE)
    made = _SHADOWS[request.task](work.picture, request.light)
    if not made[..., 3].any():
        work.note("there is nothing of it: the layer is empty, or stands where the region ends")
    work.step(layer=made)
    name = _name(request, request.task.value.replace("_", " ").capitalize())
    return work.made([(LayerRole.FOREGROUND, name, made)])


_SHADOWS: dict[Task, Callable[[Floats, Light], Floats]] = {
    Task.CONTACT_SHADOW: lambda rgba, light: contact_shadow(rgba, light.softness, light.opacity),
    Task.CAST_SHADOW: lambda rgba, light: cast_shadow(rgba, light.angle, light.length, light.softness, light.opacity),
    Task.REFLECTION: lambda rgba, light: reflection(rgba, light.length, light.softness, light.opacity),
}


def upscale(request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
    """The layer `factor` times as large, its corner where it was."""
    from acetate_engine.pipelines.stages.enlarging import enlarge_to

    assert request.foreground is not None  # validated
    bounds = request.bounds
    source = crop(images[request.foreground], bounds.relative_to(request.covered))
    extent = Extent(bounds.width * request.factor, bounds.height * request.factor)
    reporter.progress(0, 1, Stage.ENLARGE)
    pixels: Pixels = convert(enlarge_to(source, extent, check=reporter.check), request.pixel_format)
    reporter.progress(1, 1, Stage.ENLARGE)
    at = Bounds(bounds.x, bounds.y, extent.width, extent.height)
    name = _name(request, f"Enlarged {request.factor}×")
    return Generated(
        tuple(
            GeneratedLayer(image, LayerRole.FOREGROUND, name, at, pixels, request.seed)
            for image in range(request.images)
        )
    )


def _name(request: GenerateRequest, otherwise: str) -> str:
    return request.prompt.strip() or otherwise


def _numbered(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name} {index + 1}" for index in range(count)]


def _small(layer: Floats) -> NDArray[np.uint8]:
    height, width = layer.shape[:2]
    scale = min(1.0, _PREVIEW_SIDE / max(height, width))
    pixels = np.rint(layer.clip(0, 1) * 255).astype(np.uint8)
    extent = Extent(max(1, round(width * scale)), max(1, round(height * scale)))
    small: NDArray[np.uint8] = resize(pixels, extent).astype(np.uint8, copy=False)
    return small
