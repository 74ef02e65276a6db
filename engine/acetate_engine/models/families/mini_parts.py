"""Loading the parts of `mini`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from diffusers import DDPMScheduler, UNet2DConditionModel

from acetate.protocol.errors import CheckpointError
from acetate.protocol.geometry import Extent
from acetate_engine.models.attention_sharing import AttentionSharing
from acetate_engine.models.autoencoder import SpaceToDepthAutoencoder
from acetate_engine.models.checkpoints.load import load_sharing_weights
from acetate_engine.models.families.components import Adaptation, Components, Text
from acetate_engine.models.families.mini import MiniCard
from acetate_engine.models.latent_transparency import LatentTransparency
from acetate_engine.models.text import MiniLMTextEncoder
from acetate_engine.models.transparency import OffsetEncoder, TransparentDecoder

Part = TypeVar("Part")


def load_parts(folder: Path, card: MiniCard, layers: Sequence[str]) -> Components:
    """All of `folder` on the CPU in float32; layer weights are read when they are first used."""
    vae = _part(SpaceToDepthAutoencoder.from_pretrained, folder / "vae").eval().requires_grad_(False)
    encoder = _part(OffsetEncoder.from_pretrained, folder / "transparent_encoder").eval().requires_grad_(False)
    decoder = _part(TransparentDecoder.from_pretrained, folder / "transparent_decoder").eval().requires_grad_(False)
    text = MiniLMTextEncoder(card.text_tokens)

    def encode_text(prompts: list[str], clip_skip: int, working: Extent) -> Text:
        return Text(text.encode(prompts))

    return Components(
        unet=_part(UNet2DConditionModel.from_pretrained, folder / "unet").eval().requires_grad_(False),
        vae=vae,
        scheduler=_part(DDPMScheduler.from_pretrained, folder / "scheduler"),
        encode_text=encode_text,
        transparency=LatentTransparency(encoder, decoder, card.offset_scale),
        layers={name: partial(_attach, folder / "layers" / f"{name}.safetensors") for name in layers},
        latent_channels=vae.config.latent_channels,
        factor=vae.factor,
        alpha_levels=(card.alpha_floor, card.alpha_ceiling),
        scaling_factor=vae.config.scaling_factor,
    )


def _part(load: Callable[..., Part], folder: Path) -> Part:
    try:
        return load(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder} cannot be read: {error}", "Check the project out again.") from error


def _attach(path: Path, unet: UNet2DConditionModel) -> Adaptation:
    return AttentionSharing(unet, load_sharing_weights(path))
