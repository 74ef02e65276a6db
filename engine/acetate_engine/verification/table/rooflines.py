"""What a step costs at least on a graphics card, by count: operations and weights, against what the card can do.

The makers' figures for dense tensor cores in half precision with float32 sums, and for memory. Nothing runs on one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from diffusers import UNet2DConditionModel
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from acetate_engine.models.networks.transparency import TransparentDecoder


@dataclass(frozen=True)
class Card:
    name: str
    flops: float  # a second
    bandwidth: float  # bytes a second


CARDS = (Card("H200", 989e12, 4.8e12), Card("RTX 4090", 165e12, 1.01e12), Card("RTX 3060", 25.6e12, 0.36e12))


@dataclass(frozen=True)
class Cost:
    name: str
    flops: float  # multiply and add are two
    weights: int  # bytes in half precision, each read once

    def least(self, card: Card) -> float:
        """Seconds."""
        return max(self.flops / card.flops, self.weights / card.bandwidth)


def costs() -> Iterator[Cost]:
    """Of a guided step and of a decoding pass; SDXL at 1024², the others at 512²."""
    with torch.device("meta"):
        sd15 = UNet2DConditionModel(cross_attention_dim=768)
        yield _cost("SD1.5 step, one layer", sd15, lambda: sd15(torch.empty(2, 4, 64, 64), 1, torch.empty(2, 77, 768)))
        yield _cost("SD1.5 step, joint", sd15, lambda: sd15(torch.empty(6, 4, 64, 64), 1, torch.empty(6, 77, 768)))
        sdxl = UNet2DConditionModel(**_SDXL)
        extra = {"text_embeds": torch.empty(2, 1280), "time_ids": torch.empty(2, 6)}
        yield _cost(
            "SDXL step, one layer",
            sdxl,
            lambda: sdxl(torch.empty(2, 4, 128, 128), 1, torch.empty(2, 77, 2048), added_cond_kwargs=extra),
        )
        decoder = TransparentDecoder()
        yield _cost(
            "transparent decoder, eight ways",
            decoder,
            lambda: decoder(torch.empty(8, 3, 512, 512), torch.empty(8, 4, 64, 64)),
        )


_SDXL = {
    "sample_size": 128,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "block_out_channels": (320, 640, 1280),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}


def _cost(name: str, module: nn.Module, run: Callable[[], object]) -> Cost:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        run()
    return Cost(name, float(counter.get_total_flops()), 2 * sum(each.numel() for each in module.parameters()))
