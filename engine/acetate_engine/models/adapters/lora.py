"""Merging low-rank offsets into linear layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from acetate_engine.models.networks.empty import empty_parameters


@torch.no_grad()
def effective_linear(layer: nn.Module, dtype: torch.dtype | None = None) -> tuple[Tensor, Tensor | None]:
    """Weight (out, in) and bias (out,) of what `layer` computes, style LoRAs of any kind included.

    `dtype` is what it computes in, where that is not what its weights are stored in (layerwise casting).

    A plain linear layer hands out its own parameters; one that peft has wrapped is asked for the images of the unit
    vectors, which holds for every kind of adapter (LoRA, DoRA, LoKr, ...) and every way of scaling and merging it.
    """
    if isinstance(layer, nn.Linear):
        return layer.weight, layer.bias
    from peft.tuners.tuners_utils import BaseTunerLayer  # takes long to import, and is there where a style is

    if not isinstance(layer, BaseTunerLayer) or not isinstance(layer.get_base_layer(), nn.Linear):
        raise TypeError(f"expected a linear layer or one that peft has wrapped, got {type(layer).__name__}")
    base: nn.Linear = layer.get_base_layer()
    rows = torch.eye(base.in_features, dtype=dtype or base.weight.dtype, device=base.weight.device)
    zero = layer(rows.new_zeros(1, base.in_features))
    weight = (layer(rows) - zero).T.contiguous()
    return weight, None if base.bias is None else zero[0]


@torch.no_grad()
def linear_from(weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> nn.Linear:
    """A frozen linear layer with these values, in `dtype`."""
    with empty_parameters():
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight = nn.Parameter(weight.to(dtype), requires_grad=False)
    if bias is not None:
        layer.bias = nn.Parameter(bias.to(dtype), requires_grad=False)
    return layer


@torch.no_grad()
def merged_linear(layer: nn.Module, down: Tensor, up: Tensor, dtype: torch.dtype | None = None) -> nn.Linear:
    """`layer(x) + up @ (down @ x)` as one frozen linear layer, merged in float32.

    `dtype` is what it computes in; that of the layer's weights if None.
    """
    weight, bias = effective_linear(layer, dtype)
    product = up.to(weight.device).float() @ down.to(weight.device).float()
    return linear_from(weight.float() + product, bias, dtype or weight.dtype)


class OffsetLinear(nn.Module):
    """`layer(x) + offset(x)`, unmerged: for training, where the offset changes at every step."""

    def __init__(self, layer: nn.Module, offset: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.offset = offset

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layer(x) + self.offset(x)
        return result
