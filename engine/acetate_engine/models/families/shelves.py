"""What may go into a loaded base: its hints' nets, styles and IP-Adapters, each read at its first use."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import nn

from acetate_engine.models.adapters.controls import load_reader
from acetate_engine.models.adapters.image_prompts import IPAdapters
from acetate_engine.models.adapters.styles import StyleLoras
from acetate_engine.models.checkpoints.kinds import Family
from acetate_engine.models.families.add_ons import AddOns


def shelves(
    unet: UNet2DConditionModel,
    text_encoders: Sequence[nn.Module],
    family: Family,
    add_ons: AddOns,
    device: torch.device,
) -> dict[str, Any]:
    """Keyword arguments of Components."""
    return {
        "controls": {
            (method, kind): cache(partial(load_reader, path, method, family, unet, device))
            for (method, kind), path in add_ons.controls.items()
        },
        "styles": StyleLoras(unet, text_encoders, family, add_ons.loras),
        "image_prompts": IPAdapters(unet, family, add_ons.ip_adapters, add_ons.image_encoders, device),
    }
