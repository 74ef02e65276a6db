"""What a family tells about its models, without torch: the API process lists models with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
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
    layer_aspect: float = math.inf  # as much, of a layer that need not fill the region it is made for


@dataclass(frozen=True)
class Model:
    """One checkpoint of a family with the layer files that go with it."""

    info: ModelInfo
    size: WorkingSize
    files: tuple[tuple[Path, int], ...]  # it is loaded from these, modified then: a changed file makes another model
    load: Callable[[], Components] = field(compare=False)  # imports torch; raises CheckpointError


def stamped(paths: Iterable[Path]) -> tuple[tuple[Path, int], ...]:
    """Every file of these paths, folders included, with its time of modification in ns."""
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    return tuple((file, file.stat().st_mtime_ns) for file in sorted(files))
