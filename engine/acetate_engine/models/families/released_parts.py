"""Loading a base checkpoint with the released layer adapters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from torch import nn

from acetate_engine.models.adapters.attention_sharing import AttentionSharing
from acetate_engine.models.adapters.sharing_files import load_sharing_weights
from acetate_engine.models.adapters.unet_patch import UNetPatch
from acetate_engine.models.checkpoints.base import BaseModel, load_base
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.checkpoints.load import (
    load_offset_encoder,
    load_transparent_decoder,
)
from acetate_engine.models.checkpoints.offsets import OffsetFile
from acetate_engine.models.families.clip import encode_by_clip
from acetate_engine.models.families.components import Components, LayerAdapter
from acetate_engine.models.families.released import ReleasedFiles, read_description
from acetate_engine.models.families.shelves import shelves
from acetate_engine.models.networks.latent_transparency import LatentTransparency
from acetate_engine.models.networks.transparency import RELEASED_DECODER_WIDTHS
from acetate_engine.models.runtime import estimates
from acetate_engine.models.runtime.devices import best_device, precision_on, transparency_dtype
from acetate_engine.models.runtime.packing import pack_where_room
from acetate_engine.models.runtime.placement import (
    STREAMING,
    Placement,
    Policy,
    WeightBytes,
    choose_policy,
    free_bytes,
)
from acetate_engine.pipelines.methods.base import LayerMethod
from acetate_engine.pipelines.methods.concatenated import Concatenated
from acetate_engine.pipelines.methods.shared_attention import SharedAttention

_NAMES = {Family.SD15: "sd15", Family.SDXL: "sdxl"}
_MOST_FRAMES = 3  # of one picture: foreground, background, blended
MakeLayerAdapter = Callable[[Path, UNet2DConditionModel], LayerAdapter]


class AppliedOffsets:
    """A file of weight offsets, added to the UNet until `detach`."""

    def __init__(self, path: Path, unet: UNet2DConditionModel) -> None:
        self._patch = UNetPatch(unet, OffsetFile(path))
        self.attach()

    @property
    def size(self) -> int:
        """Nothing: offsets are read from the file each time."""
        return 0

    def attach(self) -> None:
        self._patch.apply()

    def detach(self) -> None:
        self._patch.remove()


def sharing(path: Path, unet: UNet2DConditionModel) -> LayerAdapter:
    """SD1.5's layer adapters."""
    return AttentionSharing(unet, load_sharing_weights(path))


def offsets(path: Path, unet: UNet2DConditionModel) -> LayerAdapter:
    """SDXL's layer adapters."""
    return AppliedOffsets(path, unet)


@dataclass(frozen=True)
class _Way:
    """How a family's layers are conditioned."""

    attach: MakeLayerAdapter
    method: Callable[[], LayerMethod]


_WAYS = {Family.SD15: _Way(sharing, SharedAttention), Family.SDXL: _Way(offsets, Concatenated)}


def load_parts(
    checkpoint: Path,
    family: Family,
    files: ReleasedFiles,
    device: torch.device | None = None,
) -> Components:
    """The base on `device` (the best where None) as far as its memory goes; layer adapters are read at their first use.

    On a graphics card UNet and text are fp16, and the VAE, which overflows in that, bf16 or fp32; on the CPU, fp32.
    """
    device, way = device or best_device(), _WAYS[family]
    precision = precision_on(device)
    base = load_base(checkpoint, family, precision.unet, precision.vae, beside=files.beside)
    budget = MemoryBudget.of(base, family, device)
    transparency = _transparency(files, budget.transparency_dtype(), device)
    if device.type == "cpu":  # processors were measured: a step is 1.1 times as fast, and 1.2 times in bf16
        decoders = [] if transparency.decoder is None else [transparency.decoder]
        pack_where_room(nn.ModuleList([base.unet, *decoders]), budget.spare)
    added = shelves(base.unet, base.text_encoders, family, files.add_ons, device)
    return Components(
        denoiser=base.unet,
        vae=base.vae,
        scheduler=base.scheduler,
        encode_text=encode_by_clip(base, device, files.add_ons, lambda: added["styles"].embeddings),
        transparency=transparency,
        method=way.method(),
        placement=_placed(base, transparency, budget),
        memory=budget,
        layer_adapters={name: partial(way.attach, path) for name, path in files.layers.items()},
        **added,
        latent_channels=base.vae.config.latent_channels,
        vae_scale_factor=2 ** (len(base.vae.config.block_out_channels) - 1),
        scaling_factor=base.vae.config.scaling_factor,
        device=device,
        unsettled_scale=True,
        notes=tuple(f"{part.said}: {path.name}" for part, path in files.beside.items()),
    )


@dataclass(frozen=True)
class MemoryBudget:
    """Memory that is free before the model is placed, and what computing with it takes."""

    device: torch.device
    free: int  # bytes on the device
    host_free: int  # bytes in main memory, beside the model
    weights: WeightBytes  # without the networks of transparency
    native: int  # pixels that the family works at
    vae_widths: tuple[int, ...]
    vae_bytes: int  # of one value
    frames: int  # of one picture, at most

    @staticmethod
    def of(base: BaseModel, family: Family, device: torch.device) -> MemoryBudget:
        return MemoryBudget(
            device,
            free_bytes(device),
            free_bytes(torch.device("cpu")),
            WeightBytes.of([*base.text_encoders, base.unet, base.vae]),
            read_description(_NAMES[family]).native ** 2,
            tuple(base.vae.config.block_out_channels),
            base.vae.dtype.itemsize,
            _MOST_FRAMES if family is Family.SD15 else 1,
        )

    def transparency_dtype(self) -> torch.dtype:
        return transparency_dtype(self.device, self.free - self.weights.total, self._alpha(self.native, 4))

    def pictures(self, pixels: int) -> int:
        """Bytes of decoding or encoding one picture of so many pixels."""
        colours = estimates.decoding(pixels, self.vae_widths, self.vae_bytes)
        return max(colours, self._alpha(pixels, self.transparency_dtype().itemsize))

    def beyond(self, pixels: int) -> int:
        """Bytes that a job of so many pixels takes beyond one of the family's own size."""
        return max(0, self._job(pixels) - self._job(self.native))

    @property
    def spare(self) -> int:
        """Bytes of main memory beside the model and a job of the family's own size."""
        return self.host_free - self._job(self.native)

    def policy(self, weights: WeightBytes, beside: int) -> Policy:
        return choose_policy(self.free, weights, self.device, self.host_free, self._job(self.native), beside)

    def _job(self, pixels: int) -> int:
        step = estimates.denoising(pixels, 2 ** (len(self.vae_widths) - 1), self.frames)
        return estimates.working(self.pictures(pixels), step)

    def _alpha(self, pixels: int, bytes_each: int) -> int:
        return estimates.decoding(pixels, RELEASED_DECODER_WIDTHS, bytes_each)


def _transparency(files: ReleasedFiles, dtype: torch.dtype, device: torch.device) -> LatentTransparency:
    encoder = None if files.encoder is None else load_offset_encoder(files.encoder, dtype)
    decoder = None if files.decoder is None else load_transparent_decoder(files.decoder, dtype)
    if decoder is not None and device.type == "cpu":  # processors were measured: 1.3 times as fast
        nn.Module.to(decoder, memory_format=torch.channels_last)  # type: ignore[call-overload]  # diffusers' own warns of modules that are not there
    return LatentTransparency(encoder, decoder)


def _placed(base: BaseModel, transparency: LatentTransparency, budget: MemoryBudget) -> Placement:
    if transparency.encoder is not None:
        transparency.encoder.to(budget.device)  # a million parameters: not worth moving
    after = [base.vae, *([] if transparency.decoder is None else [transparency.decoder])]
    weights = WeightBytes.of([*base.text_encoders, base.unet, *after])
    streams = budget.device.type in STREAMING
    return Placement(
        budget.policy(weights, 0),
        budget.device,
        base.text_encoders,
        base.unet,
        after,
        choose=partial(budget.policy, weights),
        free=partial(free_bytes, budget.device) if streams else None,
    )
