"""Trained networks that later stages start from, read from the folders that earlier stages exported."""

from __future__ import annotations

from pathlib import Path

from acetate_engine.models.networks.latent_transparency import LatentTransparency
from acetate_engine.models.networks.transparency_folders import read_transparency


def load_transparency(folder: Path, offset_scale: float) -> LatentTransparency:
    """`encoder` and `decoder` that the stage `transparency` exported, frozen; `offset_scale` is its lambda.

    Raises OSError, and ValueError where config.json names none of these networks.
    """
    return read_transparency(folder / "encoder", folder / "decoder", offset_scale)
