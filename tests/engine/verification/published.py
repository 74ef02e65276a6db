"""Whole jobs by diffusers' own pipelines on the tiny checkpoints, with the layer files put in as they were published.

SDXL's are a LoRA, and offsets with four or eight channels more for conditions; SD1.5's are hooks around each attention.
Written for the tests alone, from the description of the method: nothing here is what the engine computes with.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as nn
from diffusers import (
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UniPCMultistepScheduler,
)
from safetensors.torch import load_file
from torch import Tensor

from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.checkpoints.names import to_diffusers

SOLVERS: Mapping[str, tuple[Any, dict[str, object]]] = {
    "unipc": (UniPCMultistepScheduler, {"final_sigmas_type": "zero", "timestep_spacing": "linspace"}),
    "dpmpp_2m_sde_karras": (
        DPMSolverMultistepScheduler,
        {
            "algorithm_type": "sde-dpmsolver++",
            "use_karras_sigmas": True,
            "solver_order": 2,
            "final_sigmas_type": "zero",
            "timestep_spacing": "linspace",
        },
    ),
    "euler_a": (EulerAncestralDiscreteScheduler, {"timestep_spacing": "trailing"}),
}
_PIPELINES: Mapping[Family, Any] = {Family.SD15: StableDiffusionPipeline, Family.SDXL: StableDiffusionXLPipeline}
_SWITCH = 499.5  # timestep at which a background behind a foreground goes on without its layer file


@dataclass(frozen=True)
class Asked:
    """As the metadata of golden vectors have it."""

    seed: int
    prompt: str
    negative_prompt: str
    steps: int
    guidance_scale: float
    width: int
    height: int

    def metadata(self) -> dict[str, str]:
        told = {name: str(value) for name, value in vars(self).items() if name not in ("width", "height")}
        return {**told, "size": f"{self.width}x{self.height}"}


class Published:
    """One base model of the golden runs, and its layer files."""

    def __init__(self, family: Family, base: Path, layers: Mapping[str, Path]) -> None:
        self.family = family
        self.layers = {name: load_file(path) for name, path in layers.items()}
        self.pipe: Any = _PIPELINES[family].from_pretrained(base, local_files_only=True)
        self.pipe.set_progress_bar_config(disable=True)
        self._unet, self._scheduler = self.pipe.unet, self.pipe.scheduler

    @torch.no_grad()
    def run(self, asked: Asked, layer: str, noise: torch.Generator, solver: str = "unipc", **changed: Any) -> Tensor:
        """The latent of one run, (frames, 4, h, w); `noise` goes on from one run to the next.

        `changed`: of `prepared`.
        """
        unet, frames = self.prepared(layer, **changed)
        build, settings = SOLVERS[solver]
        self.pipe.scheduler = build.from_config(self._scheduler.config, **settings)
        self.pipe.unet = unet
        started = torch.randn(frames, 4, asked.height // 8, asked.width // 8, generator=noise)
        result = self.pipe(
            prompt=asked.prompt,
            negative_prompt=asked.negative_prompt,
            num_inference_steps=asked.steps,
            guidance_scale=asked.guidance_scale,
            width=asked.width,
            height=asked.height,
            num_images_per_prompt=frames,
            latents=started,
            generator=noise,
            output_type="latent",
            callback_on_step_end=self._switch if layer == "fgble2bg" else None,
        )
        return result.images

    def prepared(self, layer: str, condition: Tensor | None = None) -> tuple[Any, int]:
        """A UNet with the layer file in it, and the frames of its batch.

        Args:
            condition: latents beside the sample for SDXL, the picture in -1..1 for SD1.5.
        """
        unet = copy.deepcopy(self._unet)
        if self.family is Family.SD15:
            return unet, share(unet, self.layers[layer], condition)
        added = dict(offsets(self.layers[layer]))
        if condition is not None:
            widen(unet, added.pop("conv_in.weight"), condition)
        for name, offset in added.items():
            unet.get_parameter(name).add_(offset)
        return unet, 1

    def _switch(self, pipe: Any, step: int, timestep: Tensor, given: dict[str, Any]) -> dict[str, Any]:
        if step + 1 < len(pipe.scheduler.timesteps) and pipe.scheduler.timesteps[step + 1] < _SWITCH:
            pipe.unet = self._unet
        return given

    @torch.no_grad()
    def encoded(self, picture: Tensor) -> Tensor:
        """(1, 3, H, W) in -1..1 → the latent that is given as a condition."""
        return self.pipe.vae.encode(picture).latent_dist.mean * self.pipe.vae.config.scaling_factor


def over_grey(pixels: Any) -> Tensor:
    """(H, W, 4) uint8 → (1, 3, H, W) in -1..1."""
    rgba = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255
    return 2 * (0.5 + (rgba[:, :3] - 0.5) * rgba[:, 3:]) - 1


def offsets(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """By diffusers' names."""
    for name, tensor in tensors.items():
        parameter, kind, part = name.removeprefix("diffusion_model.").split("::")
        if kind == "diff":
            yield to_diffusers(parameter), tensor
        elif part == "0":
            yield to_diffusers(parameter), tensor @ tensors[f"{name[:-1]}1"]


def widen(unet: Any, entry: Tensor, condition: Tensor) -> None:
    """`conv_in` takes the condition's channels behind those of the sample, in both passes."""
    weight = torch.cat([unet.conv_in.weight, torch.zeros_like(entry[:, 4:])], dim=1) + entry
    unet.conv_in.weight = torch.nn.Parameter(weight, requires_grad=False)
    forward = unet.forward
    unet.forward = lambda sample, *given, **named: forward(
        torch.cat([sample, condition.repeat(len(sample), 1, 1, 1)], dim=1), *given, **named
    )


def share(unet: Any, tensors: Mapping[str, Tensor], picture: Tensor | None) -> int:
    """Hooks around every attention: input blocks, output blocks, then the middle. Returns the frames."""
    frames = sum(f"hookers.layers.0.to_q_lora.{frame}.down.weight" in tensors for frame in range(4))
    pyramid = {} if picture is None else dict(_pyramid(tensors, picture))
    names = [name for name, _ in unet.named_modules() if name.endswith((".attn1", ".attn2"))]
    order = sorted(names, key=lambda name: ("down_blocks", "up_blocks", "mid_block").index(name.split(".")[0]))
    for number, name in enumerate(order):
        prefix = f"hookers.layers.{number}."
        own = {key.removeprefix(prefix): x for key, x in tensors.items() if key.startswith(prefix)}
        unet.get_submodule(name).set_processor(_processor(own, frames, pyramid))
    return frames


def _pyramid(tensors: Mapping[str, Tensor], picture: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Features of the condition by the number of their pixels: eight convolutions, then two a level."""
    features = picture
    for level, count in enumerate((8, 2, 2, 2)):
        for index in range(count):
            stem = f"kwargs_encoder.blocks_{level}.{2 * index}."
            stride = 2 if index % 2 == 0 and (level > 0 or index > 0) else 1
            features = nn.silu(nn.conv2d(features, tensors[f"{stem}weight"], tensors[f"{stem}bias"], stride, 1))
        yield features.shape[2] * features.shape[3], features


def _processor(own: Mapping[str, Tensor], frames: int, pyramid: Mapping[int, Tensor]) -> Callable[..., Tensor]:
    def linear(x: Tensor, name: str) -> Tensor:
        return nn.linear(x, own[f"{name}.weight"], own.get(f"{name}.bias"))

    def attended(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
        q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
        return nn.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)

    def control(tokens: int, frame: int) -> Tensor:
        stem, features = f"control_convs.{frame}.", pyramid[tokens]
        inner = nn.silu(nn.conv2d(features, own[f"{stem}0.weight"], own[f"{stem}0.bias"], 1, 1))
        return nn.conv2d(inner, own[f"{stem}2.weight"], own[f"{stem}2.bias"]).flatten(2).transpose(1, 2)

    def frame_out(attn: Any, h: Tensor, context: Tensor, frame: int) -> Tensor:
        def projected(layer: Any, x: Tensor, name: str) -> Tensor:
            lora = f"to_{name}_lora.{frame}"
            return layer(x) + linear(linear(x, f"{lora}.down"), f"{lora}.up")

        given = (("q", attn.to_q, h), ("k", attn.to_k, context), ("v", attn.to_v, context))
        q, k, v = (projected(layer, x, name) for name, layer, x in given)
        return projected(attn.to_out[0], attended(q, k, v, attn.heads), "out")

    def processor(attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, **_: Any) -> Tensor:
        h = hidden_states
        parts = [h[frame::frames] for frame in range(frames)]
        if pyramid:
            parts = [part + control(part.shape[1], frame) for frame, part in enumerate(parts)]
        outs = []
        for frame, part in enumerate(parts):
            context = part if encoder_hidden_states is None else encoder_hidden_states[frame::frames]
            outs.append(part + frame_out(attn, part, context, frame))
        stacked = torch.stack(outs, dim=1)  # (images, frames, tokens, width)
        normed = nn.layer_norm(stacked, stacked.shape[-1:], own["temporal_n.weight"], own["temporal_n.bias"], 1e-6)
        x = linear(normed, "temporal_i")
        x = x.transpose(1, 2).flatten(0, 1)  # attention over the frames at each pixel
        x = attended(linear(x, "temporal_q"), linear(x, "temporal_k"), linear(x, "temporal_v"), attn.heads)
        across = linear(x, "temporal_o").unflatten(0, (stacked.shape[0], -1)).transpose(1, 2)
        return (stacked + across).flatten(0, 1) - h

    return processor
