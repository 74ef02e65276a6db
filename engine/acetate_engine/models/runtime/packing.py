"""Weights kept in oneDNN's own order on a processor; otherwise it brings them into that order again at every call.

What torch's compiler does with frozen weights, without a compiler. Outputs differ from torch's own by rounding alone.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn

from acetate_engine.models.runtime.devices import computes_in_bf16
from acetate_engine.models.runtime.in_place import InPlaceResnetBlock2D, ProductsAttnProcessor

_ops: Any = torch.ops.mkldnn
_MACHINES = ("x86_64", "AMD64")  # where it was measured


def pack(network: nn.Module) -> None:
    """Let convolutions and linear maps keep their weights in that order, from their next use without gradients on.

    Their parameters stay as they are, so both take memory; after a change of them they are packed anew. What lies
    between them goes over memory less often (in_place.py).
    """
    if platform.machine() not in _MACHINES or not has_onednn():
        return
    for layer in network.modules():
        if type(layer) is nn.Linear:
            layer.__class__ = PackedLinear
        elif type(layer) is nn.Conv2d and layer.padding_mode == "zeros" and not isinstance(layer.padding, str):
            layer.__class__ = PackedConv2d
        elif type(layer) is ResnetBlock2D and InPlaceResnetBlock2D.is_plain(layer):
            layer.__class__ = InPlaceResnetBlock2D
        elif isinstance(layer, Attention) and type(layer.processor) is AttnProcessor2_0:
            layer.processor.__class__ = ProductsAttnProcessor


def unpack(network: nn.Module) -> None:
    """torch's own way again; the memory is given back."""
    for layer in network.modules():
        if isinstance(layer, PackedConv2d | PackedLinear):
            layer.packed = None
            layer.__class__ = type(layer).__mro__[1]
        elif isinstance(layer, InPlaceResnetBlock2D):
            layer.__class__ = ResnetBlock2D
        elif isinstance(layer, Attention) and isinstance(layer.processor, ProductsAttnProcessor):
            layer.processor.__class__ = AttnProcessor2_0


def is_packed(network: nn.Module) -> bool:
    """Whether some of its layers are."""
    return any(isinstance(layer, PackedConv2d | PackedLinear) for layer in network.modules())


def pack_where_room(network: nn.Module, free: int) -> None:
    """`pack`, where `free` bytes of main memory hold the weights three times.

    They may not have been read yet, and those of a layer adapter are packed, too.
    """
    if 3 * sum(weight.numel() * weight.element_size() for weight in network.parameters()) <= free:
        pack(network)


def has_onednn() -> bool:
    return bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]  # torch's own has no types


@dataclass(frozen=True)
class Packed:
    """One weight in the other order."""

    source: Tensor  # held, so that no other weight comes to lie at its address
    version: int
    weight: Tensor

    def __deepcopy__(self, memo: object) -> None:
        """torch cannot copy it; a copied layer packs its own weights."""

    def is_of(self, weight: Tensor) -> bool:
        return self.source.data_ptr() == weight.data_ptr() and self.version == weight._version


class PackedConv2d(nn.Conv2d):
    """Made by `pack`."""

    packed: Packed | None = None

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or not _takes(x, self.weight):
            return super().forward(x)
        where = self.padding, self.stride, self.dilation, self.groups
        if self.packed is None or not self.packed.is_of(self.weight):
            self.packed = _packed(self.weight, packed_convolution(self.weight, x, *where))
        result: Tensor = convolved(x, self.packed.weight, self.bias, *where)
        return result


class PackedLinear(nn.Linear):
    """Made by `pack`."""

    packed: Packed | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not _takes(x, self.weight):
            return super().forward(x)
        if self.packed is None or not self.packed.is_of(self.weight):
            self.packed = _packed(self.weight, packed_linear(self.weight, x))
        return mapped(x, self.packed.weight, self.bias)


def packed_convolution(weight: Tensor, x: Tensor, *where: Any) -> Tensor:
    """For `convolved`, and fastest for inputs of the shape of `x`; `where`: padding, stride, dilation, groups."""
    reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
    packed: Tensor = reorder(weight.detach().to_mkldnn(), *where, list(x.shape))
    return packed


def convolved(x: Tensor, packed: Tensor, bias: Tensor | None, *where: Any) -> Tensor:
    result: Tensor = _ops._convolution_pointwise(x, packed, bias, *where, "none", [], "")
    return result


def packed_linear(weight: Tensor, x: Tensor) -> Tensor:
    """For `mapped`, and fastest for inputs of the shape of `x`."""
    packed: Tensor = _ops._reorder_linear_weight(weight.detach(), x.numel() // x.shape[-1])
    return packed


def mapped(x: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    result: Tensor = _ops._linear_pointwise(x, packed, bias, "none", [], "")
    return result


def _packed(weight: Tensor, packed: Tensor) -> Packed:
    return Packed(weight.detach(), weight._version, packed)


def _takes(x: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN computes this; with gradients torch does."""
    real = x.dtype is torch.float32 or (x.dtype is torch.bfloat16 and computes_in_bf16())
    on_processor = x.device.type == weight.device.type == "cpu" and x.dtype is weight.dtype
    return real and on_processor and x.numel() > 0 and not torch.is_grad_enabled() and not weight.is_inference()
