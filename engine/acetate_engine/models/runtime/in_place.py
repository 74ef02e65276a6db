"""What lies between convolutions and linear maps, on a processor without gradients: fewer passes over memory.

Residual blocks give the same bits. Attention in bf16 rounds its scores to bf16, too, which is within its own rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from acetate_engine.models.runtime.devices import computes_in_bf16

_AT_ONCE = 2 << 20  # bytes of scores: what stays in a core's caches, and is not asked of the system each time


class InPlaceResnetBlock2D(ResnetBlock2D):
    """Made by `pack`, of a block that `is_plain`: activations and sums in place, and no division by 1."""

    def forward(self, input_tensor: Tensor, temb: Tensor | None = None, *args: Any, **kwargs: Any) -> Tensor:
        if self.training or torch.is_grad_enabled() or input_tensor.device.type != "cpu":
            result: Tensor = super().forward(input_tensor, temb, *args, **kwargs)
            return result
        x = self.conv1(F.silu(self.norm1(input_tensor), inplace=True))
        if self.time_emb_proj is not None and temb is not None:
            x += self.time_emb_proj(F.silu(temb))[:, :, None, None]
        x = self.conv2(F.silu(self.norm2(x), inplace=True))
        x += input_tensor if self.conv_shortcut is None else self.conv_shortcut(input_tensor)
        return x

    @staticmethod
    def is_plain(block: ResnetBlock2D) -> bool:
        """Whether it is one of Stable Diffusion's: neither resizes nor scales, and SiLU between."""
        resizes = block.up or block.down
        usual = block.time_embedding_norm == "default" and not block.skip_time_act
        return not resizes and usual and block.output_scale_factor == 1 and isinstance(block.nonlinearity, nn.SiLU)


class ProductsAttnProcessor(AttnProcessor2_0):
    """Made by `pack`: attention in bf16 as two batches of products, which are twice as fast as torch's fused kernel."""

    def __call__(  # its parameters have names, for `Attention` asks which there are
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Tensor:
        given = hidden_states, encoder_hidden_states, attention_mask, temb
        with _AsProducts() if hidden_states.dtype is torch.bfloat16 else nullcontext():  # it costs at each call in it
            result: Tensor = super().__call__(attn, *given, *args, **kwargs)
        return result


class _AsProducts(TorchFunctionMode):
    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if function is F.scaled_dot_product_attention and _takes(args[0], kwargs.get("attn_mask")):
            return attended(*args[:3])
        return function(*args, **kwargs)


def _takes(query: Tensor, mask: Tensor | None) -> bool:
    half = query.dtype is torch.bfloat16 and query.device.type == "cpu" and computes_in_bf16()
    return half and mask is None and not torch.is_grad_enabled()


def attended(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """As F.scaled_dot_product_attention, of (images, heads, tokens, width): a part of the scores at a time."""
    tokens, width, seen = *query.shape[2:], key.shape[2]
    row = seen * query.element_size()
    rows = min(tokens, max(1, _AT_ONCE // row))
    heads = max(1, _AT_ONCE // (row * rows))
    q, k, v = (x.flatten(0, 1) for x in (query * width**-0.5, key.transpose(2, 3), value))
    result = torch.empty_like(q)
    for head in range(0, len(q), heads):
        some = slice(head, head + heads)
        for first in range(0, tokens, rows):
            part = some, slice(first, first + rows)
            torch.bmm(torch.bmm(q[part], k[some]).softmax(-1), v[some], out=result[part])
    return result.view(query.shape)
