"""Loading a base checkpoint with the released layer files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
from torch import Tensor

from acetate.protocol.geometry import Extent
from acetate_engine.models.adapters.attention_sharing import AttentionSharing
from acetate_engine.models.adapters.sharing_files import load_sharing_weights
from acetate_engine.models.adapters.unet_patch import UNetPatch
from acetate_engine.models.checkpoints.base import BaseModel, load_base
from acetate_engine.models.checkpoints.kinds import Family
from acetate_engine.models.checkpoints.load import (
    load_offset_encoder,
    load_transparent_decoder,
)
from acetate_engine.models.checkpoints.offsets import OffsetFile
from acetate_engine.models.families.components import Adaptation, Components, Text, TextEncode
from acetate_engine.models.families.released import ReleasedFiles
from acetate_engine.models.families.shelves import shelves
from acetate_engine.models.networks.latent_transparency import LatentTransparency
from acetate_engine.models.runtime.placement import Placement, WeightBytes, choose_policy, free_bytes
from acetate_engine.pipelines.methods.base import LayerMethod

MakeAdaptation = Callable[[Path, UNet2DConditionModel], Adaptation]


class AppliedOffsets:
    """A file of weight offsets, added to the UNet until `detach`."""

    def __init__(self, path: Path, unet: UNet2DConditionModel) -> None:
        self._patch = UNetPatch(unet, OffsetFile(path))
        self._patch.apply()

    def detach(self) -> None:
        self._patch.remove()


def sharing(path: Path, unet: UNet2DConditionModel) -> Adaptation:
    """SD1.5's layer files."""
    return AttentionSharing(unet, load_sharing_weights(path))


def offsets(path: Path, unet: UNet2DConditionModel) -> Adaptation:
    """SDXL's layer files."""
    return AppliedOffsets(path, unet)


def load_parts(
    checkpoint: Path,
    family: Family,
    files: ReleasedFiles,
    attach: MakeAdaptation,
    method: LayerMethod,
    device: torch.device | None = None,
) -> Components:
    """The base on `device` (the best where None) as far as its memory goes; layer files are read at their first use.

    On a graphics card UNet and text are fp16 and the VAE, which overflows in that, bf16; on the CPU all is float32.
    """
    device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    on_card = device.type == "cuda"
    vae_dtype = torch.bfloat16 if on_card else torch.float32
    base = load_base(checkpoint, family, torch.float16 if on_card else torch.float32, vae_dtype)
    transparency = _transparency(files, vae_dtype)
    return Components(
        denoiser=base.unet,
        vae=base.vae,
        scheduler=base.scheduler,
        encode_text=(_clip_encode if family is Family.SD15 else _two_clips_encode)(base, device),
        transparency=transparency,
        placement=_placed(base, transparency, device),
        method=method,
        layers={name: partial(attach, path) for name, path in files.layers.items()},
        **shelves(base.unet, base.text_encoders, family, files.add_ons, device),
        latent_channels=base.vae.config.latent_channels,
        factor=2 ** (len(base.vae.config.block_out_channels) - 1),
        scaling_factor=base.vae.config.scaling_factor,
        device=device,
    )


def _transparency(files: ReleasedFiles, dtype: torch.dtype) -> LatentTransparency:
    encoder = None if files.encoder is None else load_offset_encoder(files.encoder, dtype)
    decoder = None if files.decoder is None else load_transparent_decoder(files.decoder, dtype)
    return LatentTransparency(encoder, decoder)


def _placed(base: BaseModel, transparency: LatentTransparency, device: torch.device) -> Placement:
    if transparency.encoder is not None:
        transparency.encoder.to(device)  # a million parameters: not worth moving
    after = [base.vae, *([] if transparency.decoder is None else [transparency.decoder])]
    weights = WeightBytes.of([*base.text_encoders, base.unet, *after])
    policy = choose_policy(free_bytes(device), weights, device, free_bytes(torch.device("cpu")))
    return Placement(policy, device, base.text_encoders, base.unet, after)


def _clip_encode(base: BaseModel, device: torch.device) -> TextEncode:
    """The pipeline's own encoding looks for a part that CLIPTextModel no longer has when it skips layers."""
    tokenizer, model = base.tokenizers[0], base.text_encoders[0]

    def encode(prompts: list[str], clip_skip: int, working: Extent) -> Text:
        length = model.config.max_position_embeddings
        tokens = tokenizer(prompts, padding="max_length", max_length=length, truncation=True, return_tensors="pt")
        output = model(tokens.input_ids.to(device), output_hidden_states=True)
        return Text(model.final_layer_norm(output.hidden_states[-1 - clip_skip]))

    return encode


def _two_clips_encode(base: BaseModel, device: torch.device) -> TextEncode:
    pipeline = StableDiffusionXLPipeline(
        vae=base.vae,
        text_encoder=base.text_encoders[0],
        text_encoder_2=base.text_encoders[1],
        tokenizer=base.tokenizers[0],
        tokenizer_2=base.tokenizers[1],
        unet=base.unet,
        scheduler=base.scheduler,
        add_watermarker=False,
    )

    def encode(prompts: list[str], clip_skip: int, working: Extent) -> Text:
        states, _, pooled, _ = pipeline.encode_prompt(
            prompts, device=device, do_classifier_free_guidance=False, clip_skip=clip_skip or None
        )
        said = torch.tensor([bool(prompt.strip()) for prompt in prompts], device=device)
        sizes = [working.height, working.width, 0, 0, working.height, working.width]  # original, crop, target
        ids = torch.tensor([sizes] * len(prompts), dtype=states.dtype, device=device)
        return Text(_zero_unless(said, states), pooled=_zero_unless(said, pooled), time_ids=ids)

    return encode


def _zero_unless(said: Tensor, rows: Tensor) -> Tensor:
    """SDXL was trained with zeros for an empty prompt."""
    return torch.where(said.reshape(-1, *[1] * (rows.ndim - 1)), rows, torch.zeros_like(rows))
