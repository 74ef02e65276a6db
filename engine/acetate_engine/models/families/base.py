"""What a family tells about its models, without torch: the API process lists models with it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from acetate.protocol.events import ModelInfo
from acetate_engine.models.checkpoints.sampling import Distilled
from acetate_engine.paths import is_file, modified
from acetate_engine.prompts.taught import Taught

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
    """One checkpoint of a family with the layer adapters that go with it."""

    info: ModelInfo
    size: WorkingSize
    files: tuple[tuple[Path, int], ...]  # it is loaded from these, modified then: a changed file makes another model
    load: Callable[[], Components] = field(compare=False)  # imports torch; raises CheckpointError
    distilled: Distilled | None = None  # it was taught to need few steps
    distilled_styles: Mapping[str, Distilled] = field(default_factory=dict, compare=False)  # as much, of LoRAs
    taught: Callable[[], Taught] = field(default=Taught, compare=False)  # what it knows by name, where that is little

    def few_steps(self, styles: Iterable[str]) -> Distilled | None:
        """What this model wants with these styles in it, where it, or one of them, was taught to need few steps."""
        found = (self.distilled_styles[style] for style in styles if style in self.distilled_styles)
        return next(found, self.distilled)


def stamped(paths: Iterable[Path]) -> tuple[tuple[Path, int], ...]:
    """Every file of these paths, folders included, with its time of modification in ns."""
    files = [file for path in paths for file in ([os.fspath(path)] if is_file(path) else _files_below(path))]
    return tuple((path, modified(path)) for path in map(Path, sorted(files)))


def _files_below(folder: Path) -> Iterator[str]:
    """However deep folders lie in each other; without those that links lead to, and those that may not be read."""
    waiting = [os.fspath(folder)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:  # what is closed to the user holds no model
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_file(follow_symlinks=False) or is_file(Path(entry.path)):
                    yield entry.path
