"""Stage `layer`: a frozen RGB model learns to make adjusted latents, from which the transparent decoder reads a layer.

What is trained are the sharing weights of one frame (LoRAs on every attention, the per-pixel residual), in the format
of the released SD1.5 `transparent_attn` file.
"""

from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from ..models.attention_sharing import AttentionSharing, new_sharing_weights
from ..models.latent_transparency import adjusted_latent
from ..models.padding import pad_rgb
from ..models.transparency import OffsetEncoder, TransparentDecoder
from .base import BaseConfig, BaseStage
from .compose import to_float, to_nchw
from .config import Existing
from .datasets import Bytes
from .loop import Losses, Step
from .sheets import checkerboard, grid
from .transparency import layer_bytes


class LayerConfig(BaseConfig):
    start: Existing  # the base UNet, frozen here
    encoder: Existing  # exported offset encoder
    decoder: Existing  # exported transparent decoder
    offset_scale: float = 1.0
    rank: int = 32
    scenes: int = 0
    scene_share: float = 0.0


class LayerStage(BaseStage):
    """As `base`, on adjusted latents of cut-outs, training `weights` alone."""

    name = "layer"

    def __init__(self, config: LayerConfig, data: Path) -> None:
        self.scale = config.offset_scale
        self.encoder = OffsetEncoder.from_pretrained(config.encoder).eval().requires_grad_(False)
        self.decoder = TransparentDecoder.from_pretrained(config.decoder).eval().requires_grad_(False)
        super().__init__(config, data)
        self.unet.requires_grad_(False)
        torch.manual_seed(config.schedule.seed)
        self.weights = new_sharing_weights(self.unet, frames=1, rank=config.rank)
        self.sharing = AttentionSharing(self.unet, self.weights, trainable=True)

    def modules(self) -> dict[str, nn.Module]:
        return {"weights": self.weights}

    @torch.no_grad()
    def encode_cutouts(self, rgba: Bytes) -> Tensor:
        """Adjusted latents, scaled."""
        parts = [torch.from_numpy(to_nchw(to_float(rgba[i : i + 32]))) for i in range(0, len(rgba), 32)]
        latents = [adjusted_latent(part, pad_rgb(part), self.encoder, self.vae, self.scale) for part in parts]
        return torch.cat(latents) * self.vae.config.scaling_factor

    def losses(self, step: Step) -> Losses:
        self.unet.to(step.device)
        for _, loss, values in super().losses(step):
            yield "weights", loss, values

    @torch.no_grad()
    def evaluate(self) -> tuple[dict[str, float], Image.Image]:
        """As `base`; the sheet shows decoded layers over a checkerboard."""
        return self.fixed_loss(), grid(checkerboard(self.decode_layers(self.sample())), columns=8)

    def decode_layers(self, latent: Tensor) -> Bytes:
        """Scaled latents -> straight RGBA (N, H, W, 4)."""
        pixel = (self.decode(latent) / 2 + 0.5).clamp(0, 1)
        layer = self.decoder(pixel, latent / self.vae.config.scaling_factor)
        return layer_bytes(torch.cat([layer[:, 1:], layer[:, :1]], 1))

    def export(self, folder: Path) -> None:
        """`transparent.safetensors` in fp16, with the released files' names."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {name: tensor.half().contiguous() for name, tensor in self.weights.state_dict().items()}
        save_file(tensors, folder / "transparent.safetensors")
