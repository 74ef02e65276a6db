"""Stage `control`: a ControlNet on edges (arXiv 2302.05543) for the base that paints transparent layers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from torch import Tensor, nn

from acetate_engine.models.adapters.attention_sharing import AttentionSharing
from acetate_engine.models.adapters.sharing_files import load_sharing_weights
from acetate_engine.models.adapters.sharing_weights import keeping_spread
from acetate_engine.models.networks.widening import take_weights
from acetate_engine.pipelines.recipes.plain import canny
from acetate_engine.training.base import save_half
from acetate_engine.training.compose import flip
from acetate_engine.training.config import Existing
from acetate_engine.training.datasets import Bytes
from acetate_engine.training.diffusion import draw_indices, solver, velocity_loss
from acetate_engine.training.layer import LayerConfig, LayerStage
from acetate_engine.training.layered import placed
from acetate_engine.training.sampling import sample_latents
from acetate_engine.training.scenes import condition_images


class ControlConfig(LayerConfig):
    layer: Existing  # exported weights of the stage `layer`, in the UNet all the time
    hint_width: int = 8  # channels of the hint at full size; they double with each halving
    # copies of every cut-out, scaled, shifted and mirrored: where each has one place, its caption says what edges say
    moved: int = 0
    scale: tuple[float, float] = (0.5, 1.0)  # of those copies


class ControlStage(LayerStage):
    """As `layer`, training a copy of the UNet's way down that reads the edges of what is to be painted."""

    name = "control"
    trains = "control"

    config: ControlConfig

    def __init__(self, config: ControlConfig, data: Path) -> None:
        super().__init__(config, data)
        self.edges = np.concatenate([edges_of(view) for view in self.views()])

    def views(self) -> list[Bytes]:
        """Every cut-out (N, H, W, 4), its mirror image, and the moved copies."""
        config, pixels, rng = self.config, self.foregrounds.pixels, np.random.default_rng(self.config.schedule.seed)
        copies = ([placed(flip(picture, rng), rng, config.scale) for picture in pixels] for _ in range(config.moved))
        return [*super().views(), *map(np.stack, copies)]

    def _adapt(self) -> None:
        self.sharing = AttentionSharing(self.unet, load_sharing_weights(self.config.layer))
        self.control = new_controlnet(self.unet, self.vae.factor, self.config.hint_width)
        if self.config.begin:
            take_weights(self.control, ControlNetModel.from_pretrained(self.config.begin, torch_dtype=torch.float32))

    def modules(self) -> dict[str, nn.Module]:
        return {self.trains: self.control}

    def batch_loss(self, rng: np.random.Generator, device: torch.device) -> Tensor:
        index = draw_indices(self.plain.weight, self.config.schedule.batch, rng)
        text = self.said(self.plain.text[index], rng).to(device)
        guided = Guided(self.unet.to(device), self.control, hints(self.edges[index]).to(device))

        def predict(noisy: Tensor, time: Tensor) -> Tensor:
            velocity: Tensor = guided(noisy, time, text).sample
            return velocity

        latent, takeover = self.plain.latent[index].to(device), self.taken_over(self.plain, index, device)
        return velocity_loss(self.noise, predict, latent, self.config.snr_limit, takeover=takeover)

    def sample(self) -> Tensor:
        """Of training pictures, evenly chosen: their captions and their edges."""
        shown = np.linspace(0, len(self.edges) - 1, min(32, len(self.edges))).astype(int)
        guided = Guided(self.unet, self.control, hints(self.edges[shown]).repeat(2, 1, 1, 1).to(self.device))
        states = self.texts.states
        text, empty = states[self.plain.text[shown]].to(self.device), states[:1].to(self.device)
        return sample_latents(
            guided, solver(), text, empty, self.size, steps=self.config.sheet_steps, guidance=self.config.guidance
        ).cpu()

    def export(self, folder: Path) -> None:
        """The ControlNet in fp16, as a diffusers folder."""
        save_half(self.control, folder)


class Guided:
    """A UNet that follows a hint (N, 3, H, W); called as the UNet is."""

    def __init__(self, unet: UNet2DConditionModel, control: ControlNetModel, hint: Tensor) -> None:
        self.unet, self.control, self.hint = unet, control, hint
        self.config = unet.config

    def __call__(self, noisy: Tensor, time: Tensor, text: Tensor) -> Any:
        down, middle = self.control(noisy, time, text, controlnet_cond=self.hint, return_dict=False)
        return self.unet(noisy, time, text, down_block_additional_residuals=down, mid_block_additional_residual=middle)


def new_controlnet(unet: UNet2DConditionModel, factor: int, width: int) -> ControlNetModel:
    """One that changes nothing yet: a copy of the way down of `unet`, whose hint is `factor` times the latent."""
    widths = tuple(width * 2**level for level in range(int(math.log2(factor)) + 1))
    plain = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=widths, load_weights_from_unet=False)
    heads = unet.config.addition_embed_type_num_heads
    control = ControlNetModel.from_config({**plain.config, "addition_embed_type_num_heads": heads})
    own = control.state_dict()
    control.load_state_dict(own | {name: x for name, x in unet.state_dict().items() if name in own})
    reader = control.controlnet_cond_embedding
    for convolution in (reader.conv_in, *reader.blocks):
        keeping_spread(convolution)
    return control


def edges_of(pictures: Bytes) -> Bytes:
    """(N, H, W, 4) -> (N, H, W), as the engine draws edges for a painter."""
    return np.stack([canny(np.ascontiguousarray(picture)) for picture in pictures])


def hints(edges: Bytes) -> Tensor:
    """(N, H, W) -> (N, 3, H, W) in 0..1."""
    return (condition_images(np.repeat(edges[..., None], 3, -1)) + 1) / 2
