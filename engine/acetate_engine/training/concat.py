"""Stage `concat`: conditions as further input channels of the UNet, zero at first (arXiv 2402.17113, figure 4).

All of the UNet is trained but for the embeddings. What is exported are offsets in the format of the released SDXL
files, for `UNetPatch`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from acetate_engine.models.adapters.concat_condition import grow_conv_in
from acetate_engine.models.checkpoints.names import to_ldm
from acetate_engine.training.config import Existing
from acetate_engine.training.diffusion import frozen_unet, frozen_vae, noise_schedule, solver, velocity_loss
from acetate_engine.training.loop import Losses, Step, trained
from acetate_engine.training.parts import load_transparency
from acetate_engine.training.sampling import sample_latents
from acetate_engine.training.scenes import Captions, SceneEncoder, ScenesConfig, Texts, training_scenes
from acetate_engine.training.sheets import grid, to_bytes

WAYS = {  # name of the released file's kind: (what is wanted, what is given)
    "fg2ble": ("blended", ("flat_foreground",)),
    "bg2ble": ("blended", ("background",)),
    "fgble2bg": ("background", ("flat_foreground", "blended")),
    "bgble2fg": ("foreground", ("background", "blended")),
}
SHOWN = 8  # pictures of the sample sheet


class ConcatConfig(ScenesConfig):
    way: Literal["fg2ble", "bg2ble", "fgble2bg", "bgble2fg"]
    start: Existing  # the base UNet


class ConcatStage:
    """Trains `unet`, whose input is [noisy latent, given latents...]."""

    name = "concat"

    def __init__(self, config: ConcatConfig, data: Path) -> None:
        self.config = config
        self.wanted, given = WAYS[config.way]
        self.vae = frozen_vae(config.vae)
        scenes = training_scenes(config, data)
        encoder = SceneEncoder(self.vae, load_transparency(config.transparency, config.offset_scale))
        self.latent = getattr(encoder, self.wanted)(scenes)
        self.given = torch.cat([getattr(encoder, name)(scenes) for name in given], 1)
        self.texts = Texts([self._saying(scene.captions) for scene in scenes])
        self.text = np.array([self.texts.row(self._saying(scene.captions)) for scene in scenes])
        self.noise = noise_schedule()
        self.unet = frozen_unet(config.start)
        grow_conv_in(self.unet, self.latent.shape[1] + self.given.shape[1])
        for name, parameter in self.unet.named_parameters():
            parameter.requires_grad_("embedding" not in name)  # of time and text: they stay as they are

    def _saying(self, captions: Captions) -> str:
        said: str = getattr(captions, self.wanted)
        return said

    def modules(self) -> dict[str, nn.Module]:
        return {"unet": self.unet}

    def losses(self, step: Step) -> Losses:
        loss = self.batch_loss(step.rng, step.device)
        yield "unet", loss, {"loss": loss}

    def batch_loss(self, rng: np.random.Generator, device: torch.device) -> Tensor:
        """`rng` chooses the pictures, torch's generator noise and times."""
        index = rng.integers(len(self.latent), size=self.config.schedule.batch)
        rows = self.text[index] * (rng.random(len(index)) >= self.config.caption_dropout)
        text, given = self.texts.states[rows].to(device), self.given[index].to(device)

        def predict(noisy: Tensor, time: Tensor) -> Tensor:
            velocity: Tensor = self.unet(torch.cat([noisy, given], 1), time, text).sample
            return velocity

        return velocity_loss(self.noise, predict, self.latent[index].to(device), self.config.snr_limit)

    @torch.no_grad()
    def evaluate(self) -> tuple[dict[str, float], Image.Image]:
        """The loss of one fixed batch, and a sheet: what was given, what was made of it (both as plain pictures)."""
        torch.manual_seed(1)
        device = torch.device(self.unet.device)
        loss = self.batch_loss(np.random.default_rng(1), device).item()
        given, text = self.given[:SHOWN].to(device), self.texts.states[self.text[:SHOWN]].to(device)
        empty = self.texts.states[:1].to(device)
        made = sample_latents(
            self.unet,
            solver(),
            text,
            empty,
            given.shape[-1],
            steps=self.config.sheet_steps,
            guidance=self.config.guidance,
            beside=given,
        )
        rows = [*given.cpu().chunk(given.shape[1] // made.shape[1], 1), made.cpu()]
        pictures = np.concatenate([to_bytes(self._rgb(row)) for row in rows])
        return {"fixed_loss": loss}, grid(pictures, columns=len(given))

    def _rgb(self, latent: Tensor) -> Tensor:
        return self.vae.decode(latent / self.vae.config.scaling_factor).sample

    def export(self, folder: Path) -> None:
        """`WAY.safetensors`: offsets of what was trained, in fp16."""
        folder.mkdir(parents=True, exist_ok=True)
        before = frozen_unet(self.config.start).state_dict()
        offsets = {
            f"diffusion_model.{to_ldm(name)}::diff::0": offset(before[name], parameter.detach().cpu()).half()
            for name, parameter in trained(self.unet).items()
        }
        save_file(offsets, folder / f"{self.config.way}.safetensors")


def offset(before: Tensor, after: Tensor) -> Tensor:
    """after - before; input channels that `before` has not count as zero there."""
    if before.shape == after.shape:
        return after - before
    return torch.cat([after[:, : before.shape[1]] - before, after[:, before.shape[1] :]], 1)
