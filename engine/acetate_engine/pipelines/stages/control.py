"""Hints that the picture follows, each with its weight and its share of the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from acetate.protocol.errors import UnsupportedTask
from acetate.protocol.labels import label_of
from acetate.protocol.requests import ControlHint, ControlMethod
from acetate_engine.models.adapters.controls import AtStep, HintReader, Residuals
from acetate_engine.pipelines.stages.encoders import to_tensor
from acetate_engine.pipelines.stages.geometry import Geometry
from acetate_engine.pipelines.stages.hints import as_hint
from acetate_engine.pipelines.stages.job import ModelJob

_FOLDERS = {
    ControlMethod.CONTROLNET: "models/controlnet/{family}_{kind}",
    ControlMethod.UNION: "models/controlnet/{family}_union",
    ControlMethod.T2I_ADAPTER: "models/adapters/{family}_{kind}",
}


@dataclass(frozen=True)
class Control:
    """One hint on its way."""

    at_step: AtStep
    weight: float
    start: float  # 0..1 of the steps
    end: float

    def acts(self, share: float) -> bool:
        """At the step that begins when `share` of the steps is done."""
        return self.start <= share < self.end and self.weight > 0


def changes(controls: Sequence[Control], shares: Sequence[float]) -> set[int]:
    """Steps, each by its share, at which other hints act than at the one before."""
    acting = [[control.acts(share) for control in controls] for share in shares]
    return {step for step in range(1, len(acting)) if acting[step] != acting[step - 1]}


def read_controls(job: ModelJob, geometry: Geometry) -> list[Control]:
    """Raises UnsupportedTask where the model has nothing that reads a hint, CheckpointError."""
    found = []
    for hint in job.request.control:
        reader = _reader(job, hint)
        pixels = geometry.to_working(job.within(hint.image, geometry.region), repeat_border=False)
        rgba = to_tensor(pixels, job.device)
        at_step = reader.read(as_hint(rgba, hint.kind), hint.kind)
        found.append(Control(at_step, hint.weight, hint.start, hint.end))
    return found


def _reader(job: ModelJob, hint: ControlHint) -> HintReader:
    wanted = tuple(ControlMethod) if hint.method is None else (hint.method,)
    for method in wanted:
        if (method, hint.kind) in job.components.controls:
            return job.components.controls[method, hint.kind]()
    place = _FOLDERS[wanted[0]].format(family=job.model.info.family, kind=hint.kind.value)
    raise UnsupportedTask(
        f"{job.model.info.title} has no {label_of(wanted[0])} for “{label_of(hint.kind)}”",
        f"Put one into {place} of the data directory.",
    )


def residuals(
    controls: Sequence[Control], sample: Tensor, timestep: Tensor, arguments: Mapping[str, Any]
) -> dict[str, object]:
    """What the UNet gets from all that act: their sum, as its keyword arguments.

    Args:
        sample: (n, c, h, w), the latents alone, without conditions beside them.
        arguments: the UNet's own text arguments.
    """
    parts = [_weighted(control.at_step(sample, timestep, arguments), control.weight) for control in controls]
    found: dict[str, object] = {}
    if outer := [part.outer for part in parts if part.outer]:
        middles = [part.middle for part in parts if part.middle is not None]
        found["down_block_additional_residuals"] = _sums(outer)
        found["mid_block_additional_residual"] = torch.stack(middles).sum(0)
    if inner := [part.inner for part in parts if part.inner]:
        found["down_intrablock_additional_residuals"] = _sums(inner)
    return found


def _weighted(part: Residuals, weight: float) -> Residuals:
    middle = None if part.middle is None else part.middle * weight
    return Residuals(tuple(x * weight for x in part.outer), middle, tuple(x * weight for x in part.inner))


def _sums(parts: Sequence[tuple[Tensor, ...]]) -> list[Tensor]:
    """Level by level."""
    return [torch.stack(level).sum(0) for level in zip(*parts, strict=True)]
