"""Attention sharing: several frames (layers of one picture) denoised together by any UNet2DConditionModel.

It lives in the attention *processors* and hands each frame to the processor that was there before, so IP-Adapters and
attention backends keep working. Load style LoRAs and IP-Adapters first and set their scales, then attach: style LoRAs
become part of the merged weights. The UNet's own parameters are never written to; detaching gives back the same UNet,
bit for bit.

Frames of the released files: 1 transparent; 2 wanted layer, blended picture; 3 foreground, background, blended picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import TracebackType

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from torch import Tensor

from acetate_engine.models.adapters.sharing_processor import Condition, merged_processor, trainable_processor
from acetate_engine.models.adapters.sharing_weights import RELEASED_RANK, SharingUnit, SharingWeights
from acetate_engine.models.runtime.packing import is_packed, pack


def sharing_order(unet: UNet2DConditionModel) -> list[Attention]:
    """The attentions in the order of the released files: down, up and middle blocks; self- before cross-attention."""
    blocks = [*unet.down_blocks, *unet.up_blocks, unet.mid_block]
    outer = [transformer for block in blocks for transformer in getattr(block, "attentions", [])]
    inner = [block for transformer in outer for block in transformer.transformer_blocks]
    return [attention for block in inner for attention in (block.attn1, block.attn2)]


def new_sharing_weights(
    unet: UNet2DConditionModel, frames: int, rank: int = RELEASED_RANK, condition: int = 0
) -> SharingWeights:
    """Untrained float32 weights that fit `unet` and change nothing until they are trained.

    Args:
        frames, rank, condition: as for `SharingWeights`.
    """
    return SharingWeights([_widths(attention) for attention in sharing_order(unet)], frames, rank, condition)


class AttentionSharing:
    """Attached to `unet` from construction until `detach()` or the end of a `with` block.

    Args:
        unet: its batch becomes images x frames, the frame fastest; guidance doubles the images, not the frames.
        weights: what a layer adapter's file holds; the released SD1.5 files fit UNets with SD1.5's 32 attentions.
        trainable: merge nothing; compute with the parameters of `weights` at every forward pass: they get gradients.

    Raises:
        ValueError: the weights belong to a UNet of another shape.
    """

    def __init__(self, unet: UNet2DConditionModel, weights: SharingWeights, trainable: bool = False) -> None:
        self._attentions = sharing_order(unet)
        units = list(weights.units())
        _require_fit(self._attentions, units)
        self.frames = weights.frames
        self._encoder = weights.kwargs_encoder
        self._trainable = trainable
        build = trainable_processor if trainable else partial(merged_processor, dtype=unet.dtype)
        self._processors = [build(*pair) for pair in zip(self._attentions, units, strict=True)]
        self._convolutions = [unit.control_convs for unit in units] if self._encoder is not None else []
        self.attach()
        if is_packed(unet):
            pack(unet)

    @property
    def takes_condition(self) -> bool:
        """Whether `set_condition` is needed before the UNet runs."""
        return self._encoder is not None

    def set_condition(self, image: Tensor) -> None:
        """Take a condition image; what it adds to every attention is computed once and serves until the next call.

        Args:
            image: (n, 3, H, W), -1..1, sRGB, of the size that is generated; n is 1 or the number of images.

        Raises:
            ValueError: these weights take no condition.
        """
        if self._encoder is None:
            raise ValueError("this layer adapter takes no condition image; load fg2bg or bg2fg for one")
        with torch.set_grad_enabled(self._trainable and torch.is_grad_enabled()):
            pyramid = self._encoder(image.to(next(self._encoder.parameters())))
        for convolutions, processor in zip(self._convolutions, self._processors, strict=True):
            processor.condition = Condition(convolutions, pyramid, keep=not self._trainable)

    def attach(self) -> None:
        """Again after `detach`, as it was: neither styles nor IP-Adapters may have changed meanwhile."""
        self._before = [attention.processor for attention in self._attentions]
        self._set_processors(self._processors)

    def detach(self) -> None:
        """Give the UNet its former attention processors back, and forget the condition image.

        Raises:
            RuntimeError: something else has replaced a processor meanwhile, as loading an IP-Adapter does.
        """
        current = [attention.processor for attention in self._attentions]
        if any(processor is not ours for processor, ours in zip(current, self._processors, strict=True)):
            raise RuntimeError(
                "attention processors were replaced while attention sharing was attached: "
                "load IP-Adapters and choose attention backends before attaching"
            )
        self._set_processors(self._before)
        for processor in self._processors:
            processor.condition = None

    @property
    def size(self) -> int:
        """Bytes of what is merged, and of what takes condition images."""
        own = [part for processor in self._processors for part in (processor.own, processor.across)]
        condition = [] if self._encoder is None else [self._encoder, *self._convolutions]
        return sum(
            weight.numel() * weight.element_size() for part in (*own, *condition) for weight in part.parameters()
        )

    def _set_processors(self, processors: Sequence[object]) -> None:
        for attention, processor in zip(self._attentions, processors, strict=True):
            attention.set_processor(processor)

    def __enter__(self) -> AttentionSharing:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()


def _widths(attention: Attention) -> tuple[int, int]:
    """(channels in and out, channels of keys' and values' source)."""
    return attention.query_dim, attention.cross_attention_dim


def _require_fit(attentions: list[Attention], units: list[SharingUnit]) -> None:
    if len(attentions) != len(units):
        raise ValueError(f"the layer adapter is for {len(units)} attentions, this UNet has {len(attentions)}")
    for index, (attention, unit) in enumerate(zip(attentions, units, strict=True)):
        ours = unit.lora("q", 0).down.in_features, unit.lora("k", 0).down.in_features
        if ours != _widths(attention):
            raise ValueError(
                f"part {index} of the layer adapter is for widths {ours}, this UNet's attention has "
                f"{_widths(attention)}: they belong to another family"
            )
