"""The attention processor of attention sharing, in a merged form for generating and a trainable one.

Merged, what does not depend on the step is computed once: each frame's LoRA becomes weights of its own, the chain of
linear maps of the cross-frame attention is folded, and the condition's convolutions run at their first use only.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn

from acetate_engine.models.adapters.lora import OffsetLinear, linear_from, merged_linear
from acetate_engine.models.adapters.sharing_weights import (
    PROJECTIONS,
    FrameConvolutions,
    SharingUnit,
    by_frame,
    frame_attention,
)


class Condition:
    """What a condition image adds to the input of one attention.

    Args:
        convolutions: of that attention.
        pyramid: {tokens of a level: (n, channels, h, w)}.
        keep: compute at the first use and keep; for training every use computes.
    """

    def __init__(self, convolutions: FrameConvolutions, pyramid: dict[int, Tensor], keep: bool) -> None:
        self._convolutions = convolutions
        self._pyramid = pyramid
        self._keep = keep
        self._kept: Tensor | None = None

    def add_to(self, x: Tensor) -> Tensor:
        """(images, frames, tokens, width) -> the same plus the condition; images are a multiple of the conditions.

        Raises:
            ValueError: the condition image was made for another size.
        """
        control = self._control(x)
        return (by_frame(x, control.shape[0]) + control.to(x)).flatten(0, 1)

    def _control(self, x: Tensor) -> Tensor:
        if self._kept is not None and self._kept.shape[2] == x.shape[2]:
            return self._kept
        if x.shape[2] not in self._pyramid:
            raise ValueError(
                f"the condition image gives levels of {sorted(self._pyramid)} tokens, and none of {x.shape[2]}: "
                "give it the size in pixels that is generated"
            )
        control = self._convolutions(self._pyramid[x.shape[2]])
        if self._keep:
            self._kept = control.to(x)
        return control


class SharedAttentionProcessor(nn.Module):
    """The processor of one attention: each frame with its own projections, then the attention across frames.

    Args:
        inner: the processor that was there before; it computes each frame.
        views: one a frame: the attention with that frame's projections in place of its own.
        across: (images, frames, tokens, width) -> residual of the same shape.
        own: layers to be moved and cast together with the UNet.
    """

    def __init__(
        self, inner: Callable[..., Tensor], views: list[Attention], across: nn.Module, own: nn.ModuleList
    ) -> None:
        super().__init__()
        self.inner = inner
        self.across = across
        self.own = own
        self.condition: Condition | None = None
        self._views = views  # not registered: they share the attention's own layers, which are registered there

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: object = None,
        attention_mask: Tensor | None = None,
        ip_adapter_masks: object = None,
    ) -> Tensor:
        """(images * frames, tokens, width), frame fastest -> the output of the attention, same shape.

        Raises:
            ValueError: the batch is not a multiple of the frames.
        """
        frames = len(self._views)
        if hidden_states.shape[0] % frames:
            raise ValueError(f"the batch must be images x {frames} frames, got {hidden_states.shape[0]}")
        before = x = by_frame(hidden_states, frames)
        if self.condition is not None:
            x = self.condition.add_to(x)
        masks = {} if ip_adapter_masks is None else {"ip_adapter_masks": ip_adapter_masks}
        outputs = [
            self.inner(
                view,
                x[:, frame],
                encoder_hidden_states=_of_frame(encoder_hidden_states, frame, frames),
                attention_mask=_of_frame(attention_mask, frame, frames),
                **masks,
            )
            for frame, view in enumerate(self._views)
        ]
        x = x + torch.stack(outputs, dim=1)
        x = x + self.across(x)
        return (x - before).flatten(0, 1)


class MergedAcross(nn.Module):
    """The cross-frame attention, folded: normalise, one map to q, k and v, mix the frames, one map out.

    With a single frame the softmax is 1, so all of it is one linear map.
    """

    def __init__(self, unit: SharingUnit, heads: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.heads = heads
        self.frames = unit.frames
        self.eps = unit.temporal_n.eps
        entry = _Affine.of_norm(unit.temporal_n).then(unit.temporal_i)
        if self.frames == 1:
            self.enter = entry.then(unit.temporal_v).then(unit.temporal_o).linear(dtype)
        else:
            parts = [entry.then(layer) for layer in (unit.temporal_q, unit.temporal_k, unit.temporal_v)]
            self.enter = _Affine.beside(parts).linear(dtype)
            self.leave = linear_from(unit.temporal_o.weight, unit.temporal_o.bias, dtype)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(F.layer_norm(x, x.shape[-1:], eps=self.eps))
        if self.frames == 1:
            return x
        q, k, v = x.chunk(3, dim=-1)
        result: Tensor = self.leave(frame_attention(q, k, v, self.heads))
        return result


class TrainableAcross(nn.Module):
    """The cross-frame attention as published, computed with the unit's own parameters."""

    def __init__(self, unit: SharingUnit, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.run: Callable[[Tensor, int], Tensor] = unit.across_frames

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x, self.heads)


class _Affine:
    """x -> weight @ x + bias in float64, for folding linear layers without losing digits."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.weight = weight
        self.bias = bias

    @staticmethod
    def of_norm(norm: nn.LayerNorm) -> _Affine:
        return _Affine(torch.diag(norm.weight.detach().double()), norm.bias.detach().double())

    @staticmethod
    def beside(parts: list[_Affine]) -> _Affine:
        """The outputs of all parts, one after the other."""
        return _Affine(torch.cat([part.weight for part in parts]), torch.cat([part.bias for part in parts]))

    def then(self, layer: nn.Linear) -> _Affine:
        weight = layer.weight.detach().double()
        return _Affine(weight @ self.weight, weight @ self.bias + layer.bias.detach().double())

    def linear(self, dtype: torch.dtype) -> nn.Linear:
        return linear_from(self.weight, self.bias, dtype)


def merged_processor(attention: Attention, unit: SharingUnit, dtype: torch.dtype) -> SharedAttentionProcessor:
    """For generating: every frame has merged weights, on the attention's device and in `dtype`."""
    frames = []
    for frame in range(unit.frames):
        pairs = {name: unit.lora(name, frame) for name in PROJECTIONS}
        frames.append(
            {
                name: merged_linear(projection(attention, name), pair.down.weight, pair.up.weight, dtype)
                for name, pair in pairs.items()
            }
        )
    across = MergedAcross(unit, attention.heads, dtype).to(frames[0]["q"].weight.device)
    own = nn.ModuleList(nn.ModuleDict(layers) for layers in frames)
    return SharedAttentionProcessor(attention.processor, _views(attention, frames), across, own)


def trainable_processor(attention: Attention, unit: SharingUnit) -> SharedAttentionProcessor:
    """For training: the LoRA product and all of the unit's parameters take part in every forward pass."""
    frames = [
        {name: OffsetLinear(projection(attention, name), unit.lora(name, frame)) for name in PROJECTIONS}
        for frame in range(unit.frames)
    ]
    across = TrainableAcross(unit, attention.heads)
    return SharedAttentionProcessor(attention.processor, _views(attention, frames), across, nn.ModuleList())


def projection(attention: Attention, name: str) -> nn.Module:
    """The attention's own layer for "q", "k", "v" or "out"; a style LoRA may have wrapped it."""
    layer: nn.Module = attention.to_out[0] if name == "out" else getattr(attention, f"to_{name}")
    return layer


def _views(attention: Attention, frames: list[dict[str, nn.Linear]] | list[dict[str, OffsetLinear]]) -> list[Attention]:
    """One shallow copy of the attention a frame, sharing everything but the projections."""
    views = []
    for layers in frames:
        view = copy.copy(attention)
        view._modules = {name: module for name, module in attention._modules.items() if name != "processor"}
        view.to_q, view.to_k, view.to_v = layers["q"], layers["k"], layers["v"]
        view.to_out = nn.ModuleList([layers["out"], *attention.to_out[1:]])
        views.append(view)
    return views


def _of_frame(value: object, frame: int, frames: int) -> object:
    """The part of a batch that belongs to one frame; text with IP-Adapter images is a nested tuple of batches."""
    if isinstance(value, Tensor):
        return by_frame(value, frames)[:, frame]
    if isinstance(value, (tuple, list)):
        return type(value)(_of_frame(part, frame, frames) for part in value)
    return value
