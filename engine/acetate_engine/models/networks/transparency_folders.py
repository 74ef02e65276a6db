"""The networks of latent transparency from diffusers folders, as training exports them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from acetate_engine.models.networks import alpha_residual, space_to_depth_transparency, transparency
from acetate_engine.models.networks.latent_transparency import LatentTransparency

_CLASSES: dict[str, Any] = {
    network.__name__: network
    for network in (
        transparency.OffsetEncoder,
        transparency.TransparentDecoder,
        space_to_depth_transparency.SpaceToDepthOffsetEncoder,
        space_to_depth_transparency.SpaceToDepthTransparentDecoder,
        alpha_residual.AlphaResidual,
    )
}


def read_transparency(
    encoder: Path, decoder: Path, offset_scale: float, residual: Path | None = None
) -> LatentTransparency:
    """Its networks, frozen, on the CPU in float32; `offset_scale` is lambda. Raises OSError, ValueError."""
    return LatentTransparency(_frozen(encoder), _frozen(decoder), offset_scale, _frozen(residual) if residual else None)


def _frozen(folder: Path) -> Any:
    return transparency_network(folder).eval().requires_grad_(False)


def transparency_network(folder: Path) -> Any:
    """One network of the class that config.json names; raises ValueError where that is none of these."""
    name = json.loads((folder / "config.json").read_text(encoding="utf-8"))["_class_name"]
    if name not in _CLASSES:
        raise ValueError(f"config.json names {name}, not one of {', '.join(_CLASSES)}")
    return _CLASSES[name].from_pretrained(folder, local_files_only=True)
