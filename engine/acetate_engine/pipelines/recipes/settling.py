"""What makes a new layer stand in its place: the shadow under it and the light on it, as layers of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from acetate.protocol.requests import GenerateRequest
from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.alpha import to_float, to_pixels
from acetate_engine.compositing.pixels import Floats
from acetate_engine.compositing.regions import crop
from acetate_engine.pictures.light import match_light
from acetate_engine.pictures.shadows import contact_shadow
from acetate_engine.pipelines.contract import Generated, GeneratedLayer, Images

SHADOW, LIGHT = "Shadow", "Light"  # at the end of their names


def settled(made: Generated, request: GenerateRequest, images: Images) -> Generated:
    """The same layers, each between its shadow and its light, as far as the bounds reach."""
    assert request.background is not None  # validated
    ground = crop(to_float(images[request.background]), request.bounds.relative_to(request.covered))
    return replace(made, layers=tuple(each for layer in made.layers for each in _with_both(layer, ground, request)))


def _with_both(layer: GeneratedLayer, ground: Floats, request: GenerateRequest) -> Iterator[GeneratedLayer]:
    front, light = to_float(layer.pixels), request.light
    yield _beside(layer, LayerRole.FOREGROUND, SHADOW, contact_shadow(front, light.softness, light.opacity), request)
    yield layer
    yield _beside(layer, LayerRole.LIGHT, LIGHT, match_light(front, ground, light.opacity), request)


def _beside(
    layer: GeneratedLayer, role: LayerRole, name: str, made: Floats, request: GenerateRequest
) -> GeneratedLayer:
    pixels = to_pixels(made, request.pixel_format)
    return replace(layer, role=role, name=f"{layer.name} · {name}", pixels=pixels)
