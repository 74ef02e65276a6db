"""Loading the parts of `mini`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from torch import Tensor

from acetate.protocol.errors import CheckpointError
from acetate.protocol.geometry import Extent
from acetate_engine.models.adapters.attention_sharing import AttentionSharing
from acetate_engine.models.adapters.sharing_files import load_sharing_weights
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.families.add_ons import AddOns
from acetate_engine.models.families.components import Components, LayerAdapter, Text
from acetate_engine.models.families.mini import MiniCard
from acetate_engine.models.families.shelves import shelves
from acetate_engine.models.networks.autoencoder import SpaceToDepthAutoencoder
from acetate_engine.models.networks.latent_transparency import LatentTransparency
from acetate_engine.models.networks.text import MiniLMTextEncoder
from acetate_engine.models.networks.transparency_folders import read_transparency
from acetate_engine.pipelines.methods.shared_attention import SharedAttention
from acetate_engine.prompts.weights import plain, weighed

_PROMPTS = 32  # of the last jobs that are kept encoded, 25 KB each

Part = TypeVar("Part")


def load_parts(folder: Path, card: MiniCard, layers: Sequence[str], added: AddOns) -> Components:
    """All of `folder` on the CPU in float32; layer adapters are read when they are first used."""
    vae = _part(SpaceToDepthAutoencoder.from_pretrained, folder / "vae").eval().requires_grad_(False)
    text = MiniLMTextEncoder(card.text_tokens)

    @lru_cache(_PROMPTS)
    def states(*words: str) -> Tensor:
        encoded = text.encode(list(words))
        text.let_go()
        return encoded

    def encode_text(prompts: list[str], clip_skip: int, working: Extent) -> Text:
        words = [plain(prompt) for prompt in prompts]
        return Text(states(*words), notes=tuple(_unread(text, prompts, words)))

    unet = _part(UNet2DConditionModel.from_pretrained, folder / "unet").eval().requires_grad_(False)
    return Components(
        denoiser=unet,
        vae=vae,
        scheduler=_part(DDPMScheduler.from_pretrained, folder / "scheduler"),
        encode_text=encode_text,
        transparency=_transparency(folder, card.offset_scale),
        method=SharedAttention(),
        layer_adapters={name: partial(_attach, folder / "layers" / f"{name}.safetensors") for name in layers},
        **shelves(unet, [], Family.MINI, added, torch.device("cpu")),
        latent_channels=vae.config.latent_channels,
        vae_scale_factor=vae.factor,
        alpha_levels=(card.alpha_floor, card.alpha_ceiling),
        grain=card.grain,
        layer_from=asdict(card.layer_from),
        colour_from=card.colour_from,
        scaling_factor=vae.config.scaling_factor,
    )


def _unread(text: MiniLMTextEncoder, prompts: list[str], words: list[str]) -> Iterator[str]:
    """What of the prompts means nothing to the model, with the words."""
    for prompt, plain_words in zip(prompts, words, strict=True):
        if marked := weighed(prompt):
            said = ", ".join(marked)
            yield f"this model weighs no words, so brackets and BREAK were not used; these count as all others: {said}"
        for word in re.findall(r"(?<!\w)embedding:[\w.-]+", plain_words):
            yield f"{word} was not used: this model has no textual inversions"
        if rest := text.unread(plain_words):
            yield f"this model reads {text.tokens - 2} tokens of a prompt; not read: {rest}"
        if unknown := text.unknown(plain_words):
            yield f"this model does not know these signs, so they were not used: {' '.join(unknown)}"


def _transparency(folder: Path, offset_scale: float) -> LatentTransparency:
    try:
        encoder, decoder, residual = (folder / f"transparent_{name}" for name in ("encoder", "decoder", "residual"))
        return read_transparency(encoder, decoder, offset_scale, residual if residual.is_dir() else None)
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from error


def _part(load: Callable[..., Part], folder: Path) -> Part:
    try:
        return load(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from error


def _unreadable(folder: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"{folder} cannot be read: {error}", "Check the project out again.")


def _attach(path: Path, unet: UNet2DConditionModel) -> LayerAdapter:
    return AttentionSharing(unet, load_sharing_weights(path))
