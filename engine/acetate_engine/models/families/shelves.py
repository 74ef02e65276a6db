"""What may go into a loaded base: its hints' nets, styles and IP-Adapters, each read at its first use."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import nn

from acetate.protocol.errors import CheckpointError
from acetate.protocol.requests import ControlMethod
from acetate_engine.models.adapters.controls import Net, load_reader
from acetate_engine.models.adapters.image_prompts import IPAdapters
from acetate_engine.models.adapters.styles import StyleLoras
from acetate_engine.models.checkpoints.header import read_header
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.families.add_ons import AddOns


def shelves(
    unet: UNet2DConditionModel,
    text_encoders: Sequence[nn.Module],
    family: Family,
    add_ons: AddOns,
    device: torch.device,
) -> dict[str, Any]:
    """Keyword arguments of Components."""

    @cache
    def net(method: ControlMethod, path: Path) -> Net:
        """A union is one net, whatever the kind of hint."""
        return Net(partial(load_reader, path, method, family, unet, device), _bytes(path, unet.dtype))

    return {
        "controls": {(method, kind): net(method, path) for (method, kind), path in add_ons.controls.items()},
        "styles": StyleLoras(unet, text_encoders, family, add_ons.loras),
        "image_prompts": IPAdapters(unet, family, add_ons.ip_adapters, add_ons.image_encoders, device),
    }


def _bytes(path: Path, dtype: torch.dtype) -> int:
    """That the weights of a file or folder take; 0 of one that cannot be read, which says so when it is used."""
    try:
        files = [path] if path.is_file() else sorted(path.glob("*.safetensors"))[:1]
        return sum(read_header(file).parameters for file in files) * dtype.itemsize
    except CheckpointError:
        return 0  # loading it says what is wrong
