"""What a family tells about its models, without torch: the API process lists models with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from acetate.protocol.events import ModelInfo

if TYPE_CHECKING:
    from acetate_engine.models.families.components import Components


@dataclass(frozen=True)
class WorkingSize:
    """What extents a model works well on."""

    area: int  # pixels, about as many as it was trained on
    multiple: int  # both sides
    max_aspect: float  # longer side : shorter side


@dataclass(frozen=True)
class Model:
    """One checkpoint of a family with the layer files that go with it."""

    info: ModelInfo
    size: WorkingSize
    load: Callable[[], Components] = field(compare=False)  # imports torch; raises CheckpointError
