"""Layers that a picture follows, as the docker sets them, and as a request names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from acetate.protocol.events import ModelInfo
from acetate.protocol.requests import ControlHint, ControlKind, GenerateRequest, ImagePrompt


class Follow(str, Enum):
    """What of a layer the picture follows: what a ControlNet reads, or its look, as an image prompt."""

    LINES = ControlKind.LINES.value
    EDGES = ControlKind.EDGES.value
    DEPTH = ControlKind.DEPTH.value
    POSE = ControlKind.POSE.value
    SCRIBBLE = ControlKind.SCRIBBLE.value
    LOOK = "look"


def what_follows(model: ModelInfo | None) -> tuple[Follow, ...]:
    """What of a layer pictures of this model can follow; nothing while it is not known."""
    if model is None:
        return ()
    return (*(Follow(kind.value) for kind in model.controls), *((Follow.LOOK,) if model.image_prompts else ()))


@dataclass(frozen=True)
class ControlLayer:
    """A layer that the picture follows."""

    kind: Follow
    layer: str  # id; ACTIVE
    weight: float = 1.0  # 0..2
    start: float = 0.0  # 0..1 of the steps; a look counts in all of them
    end: float = 1.0
    adapter: str | None = None  # what reads a look; the model's first where None

    @property
    def is_look(self) -> bool:
        return self.kind is Follow.LOOK

    def as_hint(self, image: str, layer: int | None = None) -> ControlHint:
        """`layer`: of a stack, the one that follows it."""
        return ControlHint(ControlKind(self.kind.value), image, self.weight, self.start, self.end, layer=layer)

    def as_image_prompt(self, image: str, layer: int | None = None) -> ImagePrompt:
        return ImagePrompt(image, self.adapter, self.weight, layer)


def followed(
    request: GenerateRequest, hints: Sequence[str | None], looks: Sequence[str | None]
) -> tuple[ControlLayer, ...]:
    """What makes such a request again. `hints`, `looks`: ids of the layers that it saw; None for those not known."""
    return (
        *(
            ControlLayer(Follow(hint.kind.value), layer, hint.weight, hint.start, hint.end)
            for hint, layer in zip(request.control, hints, strict=False)
            if layer
        ),
        *(
            ControlLayer(Follow.LOOK, layer, prompt.weight, adapter=prompt.adapter)
            for prompt, layer in zip(request.image_prompts, looks, strict=False)
            if layer
        ),
    )
