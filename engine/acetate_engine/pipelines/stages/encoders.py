"""Prompts → rows of text; condition images → tensors and latents, at the working extent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from acetate.protocol.geometry import Extent
from acetate_engine.compositing.alpha import to_float
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.models.adapters.concat_condition import encode_condition
from acetate_engine.models.families.components import Components, Text
from acetate_engine.models.runtime.memory import Note
from acetate_engine.pipelines.stages.job import ModelJob


def to_tensor(pixels: Pixels, device: torch.device) -> Tensor:
    """(H, W, 4) → (1, 4, H, W), a mask (H, W) → (1, 1, H, W); float32, 0..1, straight."""
    values = np.atleast_3d(to_float(pixels))
    return torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)))[None].to(device)


def encode_picture(rgba: Tensor, components: Components, note: Note) -> Tensor:
    """(1, 4, H, W) → (1, c, h, w), scaled as the UNet sees it: of the picture over mid-grey."""
    parts, factor = components, components.vae_scale_factor
    parts.clear_for_pictures(rgba.shape[-2] * rgba.shape[-1])
    return encode_condition(rgba, parts.vae, parts.scaling_factor, factor, factor=factor, note=note)


def encode_transparent(rgba: Tensor, components: Components, note: Note) -> Tensor:
    """(1, 4, H, W) → the adjusted latent (1, c, h, w), scaled as the UNet sees it."""
    if said := components.settle_scale():
        note(said)
    parts, factor = components, components.vae_scale_factor
    parts.clear_for_pictures(rgba.shape[-2] * rgba.shape[-1])
    return parts.transparency.encode_rgba(rgba, parts.vae, factor, factor=factor, note=note) * parts.scaling_factor


def encode_residual(rgba: Tensor, latent: Tensor, components: Components, note: Note) -> Tensor | None:
    """What decoding this adjusted latent loses of alpha, (1, channels, h, w); None: the model has no code for it."""
    transparency = components.transparency
    if transparency.residual is None:
        return None
    unscaled = latent / components.scaling_factor
    return transparency.code_residual(rgba, transparency.decode_layers(unscaled, components.vae, note=note))


def encode_prompts(job: ModelJob, prompts: Sequence[str], working: Extent) -> tuple[Text, Text | None]:
    """Rows of the prompts, and where there is guidance as many of the negative prompt."""
    distinct = list(dict.fromkeys([*prompts, job.request.negative_prompt]))
    encoded = job.components.encode_text(distinct, job.request.clip_skip, working)
    for note in encoded.notes:
        job.note(note)
    positive = encoded.rows([distinct.index(prompt) for prompt in prompts])
    negative = encoded.rows([distinct.index(job.request.negative_prompt)] * len(prompts))
    without, pictures = _embedded(job, len(prompts))
    positive, negative = replace(positive, pictures=pictures), replace(negative, pictures=without)
    return positive, negative if job.settings.guidance_scale > 1 else None


def _embedded(job: ModelJob, frames: int) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Image prompts: rows without the picture and rows with it, for every frame."""
    if job.components.image_prompts is None:
        return (), ()
    pairs = job.components.image_prompts.embed([_on_white(job, prompt.image) for prompt in job.request.image_prompts])
    sides = list(zip(*pairs, strict=True)) or [(), ()]
    without, pictures = (tuple(x.expand(frames, *x.shape[1:]) for x in side) for side in sides)
    return without, pictures


def _on_white(job: ModelJob, name: str) -> Tensor:
    """(3, H, W), 0..1: the way cut-outs are shown."""
    rgba = to_tensor(job.images[name], job.device)[0]
    return rgba[:3] * rgba[3:] + (1 - rgba[3:])
