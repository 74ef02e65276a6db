"""What a worker hands to a pipeline and gets back. numpy only: importing this costs no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from acetate.protocol.events import Stage
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest
from acetate.protocol.tasks import LayerRole
from acetate_engine.compositing.pixels import Pixels

Images = Mapping[str, Pixels]
"""Condition images by digest; each covers `request.covered` exactly."""


class JobCancelled(Exception):
    """The job was cancelled; raised at a step boundary, never shown as an error."""


class Reporter(Protocol):
    """How a pipeline reports. Each call is cheap; `check` is called at every step."""

    def progress(self, step: int, steps: int, stage: Stage) -> None: ...

    def preview(self, step: int, rgba: NDArray[np.uint8]) -> None:
        """A coarse (h, w, 4) straight sRGB look at the layer in the making, longest side at most 256."""

    def check(self) -> None:
        """Raises JobCancelled if the job was cancelled."""


@dataclass
class Silent:
    """A Reporter that keeps everything to itself."""

    def progress(self, step: int, steps: int, stage: Stage) -> None:
        pass

    def preview(self, step: int, rgba: NDArray[np.uint8]) -> None:
        pass

    def check(self) -> None:
        pass


@dataclass
class PartOf:
    """A Reporter of one of several equal parts of a job, so that progress never goes back."""

    whole: Reporter
    index: int
    count: int

    def progress(self, step: int, steps: int, stage: Stage) -> None:
        self.whole.progress(self.index * steps + step, self.count * steps, stage)

    def preview(self, step: int, rgba: NDArray[np.uint8]) -> None:
        self.whole.preview(step, rgba)

    def check(self) -> None:
        self.whole.check()


@dataclass
class WaitingForLoops:
    """A Reporter that is told when loops over pixels have to be compiled first (compiling.py), and says so."""

    whole: Reporter
    _said: tuple[int, int, Stage] = (0, 0, Stage.FIND)  # last; what tasks on pictures begin with
    _compiles: bool = False

    def progress(self, step: int, steps: int, stage: Stage) -> None:
        self._said = step, steps, stage
        self.whole.progress(step, steps, stage)

    def preview(self, step: int, rgba: NDArray[np.uint8]) -> None:
        self.whole.preview(step, rgba)

    def check(self) -> None:
        self.whole.check()

    def compiling(self) -> None:
        """Raises JobCancelled."""
        if not self._compiles:
            self._compiles = True
            step, steps, _ = self._said
            self.whole.progress(step, steps, Stage.COMPILING)
        self.check()

    def compiled(self) -> None:
        if self._compiles:
            self._compiles = False
            self.whole.progress(*self._said)


@dataclass(frozen=True)
class GeneratedLayer:
    image: int  # which of the alternatives
    role: LayerRole
    name: str
    bounds: Bounds  # canvas pixels
    pixels: Pixels  # exactly as large as bounds
    seed: int


@dataclass(frozen=True)
class Generated:
    layers: tuple[GeneratedLayer, ...]  # bottom to top within one image, images one after the other
    notes: tuple[str, ...] = ()


def joined(parts: Iterable[Generated]) -> Generated:
    """Pictures that were made one after the other, as one result; what is said of several is said once."""
    made = list(parts)
    if len(made) == 1:
        return made[0]
    layers = [replace(layer, image=index) for index, one in enumerate(made) for layer in one.layers]
    return Generated(tuple(layers), tuple(dict.fromkeys(note for one in made for note in one.notes)))


class Generator(Protocol):
    """Runs requests one after the other on one device, keeping models between them."""

    def generate(self, request: GenerateRequest, images: Images, reporter: Reporter) -> Generated:
        """Raises JobCancelled, UnknownModel, UnsupportedTask, CheckpointError, OutOfMemory, GenerationFailed."""
