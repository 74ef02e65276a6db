"""ControlNet: hints that the picture follows, each with its weight and its share of the steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from diffusers import ControlNetModel
from torch import Tensor

from acetate.protocol.errors import UnsupportedTask
from acetate_engine.pipelines.encoders import to_tensor
from acetate_engine.pipelines.geometry import Geometry
from acetate_engine.pipelines.job import Job


@dataclass(frozen=True)
class Control:
    """One hint on its way."""

    net: ControlNetModel
    image: Tensor  # (1, 3, H, W), 0..1, of the working extent
    weight: float
    start: float  # 0..1 of the steps
    end: float

    def acts(self, share: float) -> bool:
        """At the step that begins when `share` of the steps is done."""
        return self.start <= share < self.end and self.weight > 0


def read_controls(job: Job, geometry: Geometry) -> list[Control]:
    """Raises UnsupportedTask where there is no ControlNet for a hint."""
    found = []
    for hint in job.request.control:
        if hint.kind.value not in job.components.controls:
            raise UnsupportedTask(
                f"{job.model.info.title} has no ControlNet for {hint.kind.value}",
                f"Put one into models/controlnet/{job.model.info.family}_{hint.kind.value} of the data directory.",
            )
        pixels = geometry.to_working(job.within(hint.image, geometry.region), repeat_border=False)
        rgba = to_tensor(pixels, job.device)
        net = job.components.controls[hint.kind.value]()
        found.append(Control(net, rgba[:, :3] * rgba[:, 3:], hint.weight, hint.start, hint.end))
    return found


def residuals(
    controls: Sequence[Control], sample: Tensor, timestep: Tensor, arguments: dict[str, object]
) -> dict[str, object]:
    """What the UNet gets from all that act: their sum, as its keyword arguments.

    Args:
        sample: (n, c, h, w), the latents alone, without conditions beside them.
        arguments: the UNet's own text arguments.
    """
    if not controls:
        return {}
    text = {name: value for name, value in arguments.items() if name != "encoder_attention_mask"}
    outputs = [
        control.net(
            sample.to(control.net.dtype),
            timestep,
            controlnet_cond=control.image.to(control.net.dtype).expand(len(sample), -1, -1, -1),
            conditioning_scale=control.weight,
            return_dict=False,
            **text,
        )
        for control in controls
    ]
    down = [torch.stack(level).sum(0) for level in zip(*(blocks for blocks, _ in outputs), strict=True)]
    middle = torch.stack([middle for _, middle in outputs]).sum(0)
    return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
