"""Stage `layer`: a frozen RGB model learns to make adjusted latents, from which the transparent decoder reads a layer.

What is trained are the sharing weights of one frame (LoRAs on every attention, the per-pixel residual), in the format
of the released SD1.5 `transparent_attn` file.
"""

from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from PIL import Image
from torch import Tensor, nn

from acetate_engine.models.adapters.attention_sharing import AttentionSharing, new_sharing_weights
from acetate_engine.models.checkpoints.load import load_sharing_weights
from acetate_engine.training.base import BaseConfig, BaseStage
from acetate_engine.training.compose import to_float
from acetate_engine.training.config import Existing
from acetate_engine.training.datasets import Bytes
from acetate_engine.training.diffusion import frozen_unet, frozen_vae
from acetate_engine.training.parts import load_transparency
from acetate_engine.training.scenes import SceneEncoder
from acetate_engine.training.shared import save_sharing
from acetate_engine.training.sheets import checkerboard, grid
from acetate_engine.training.transparency import layer_bytes


class LayerConfig(BaseConfig):
    start: Existing  # the base UNet, frozen here
    transparency: Existing  # folder with the exported offset encoder and transparent decoder
    offset_scale: float = 1.0
    begin: Existing | None = None  # what this stage exported before, to go on with
    rank: int = 32  # of new ones
    scenes: int = 0
    background_share: float = 0.0


class LayerStage(BaseStage):
    """As `base`, on adjusted latents of cut-outs, training `weights` alone."""

    name = "layer"
    trains = "weights"

    config: LayerConfig

    def __init__(self, config: LayerConfig, data: Path) -> None:
        self.transparency = load_transparency(config.transparency, config.offset_scale)
        self.encoder = SceneEncoder(frozen_vae(config.vae), self.transparency)
        super().__init__(config, data)
        torch.manual_seed(config.schedule.seed)
        self._adapt()

    def _adapt(self) -> None:
        """Put what is trained into the UNet."""
        if self.config.begin:
            self.weights = load_sharing_weights(self.config.begin).requires_grad_(True)
        else:
            self.weights = new_sharing_weights(self.unet, frames=1, rank=self.config.rank)
        self.sharing = AttentionSharing(self.unet, self.weights, trainable=True)

    def _unet(self) -> UNet2DConditionModel:
        assert self.config.start is not None  # LayerConfig demands it
        return frozen_unet(self.config.start)

    def modules(self) -> dict[str, nn.Module]:
        return {self.trains: self.weights}

    def encode_cutouts(self, rgba: Bytes) -> Tensor:
        """Adjusted latents, scaled."""
        parts = [self.encoder.cutouts(to_float(rgba[i : i + 32])) for i in range(0, len(rgba), 32)]
        return torch.cat(parts)

    @torch.no_grad()
    def evaluate(self) -> tuple[dict[str, float], Image.Image]:
        """As `base`; the sheet shows decoded layers over a checkerboard."""
        return self.fixed_loss(), grid(checkerboard(self.decode_layers(self.sample())), columns=8)

    def decode_layers(self, latent: Tensor) -> Bytes:
        """Scaled latents -> straight RGBA (N, H, W, 4)."""
        unscaled = latent / self.vae.config.scaling_factor
        decoded = self.transparency.decode_layers(unscaled, self.vae, note=lambda _: None, passes=1)
        return layer_bytes(decoded[:, [1, 2, 3, 0]])

    def export(self, folder: Path) -> None:
        """`transparent.safetensors` in fp16, with the released files' names."""
        save_sharing(self.weights, folder / "transparent.safetensors")
