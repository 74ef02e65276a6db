"""SDXL: any checkpoint of the family, with the released layer adapters; concatenated latents, in two passes.

One-pass models for SDXL were never released: joint is a foreground from text, then the background behind it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from acetate.protocol.requests import Task
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.families.base import Model
from acetate_engine.models.families.released import Needs, ReleasedFiles, find_released

if TYPE_CHECKING:
    import torch

    from acetate_engine.models.families.components import Components

NEEDS: Needs = {
    Task.FOREGROUND: ("transparent", "decoder"),
    Task.JOINT: ("transparent", "fg2ble", "fgble2bg", "decoder"),
    Task.FOREGROUND_ON_BACKGROUND: ("bg2ble", "bgble2fg", "decoder"),
    Task.BACKGROUND_BEHIND_FOREGROUND: ("fg2ble", "fgble2bg"),
    Task.BLEND: ("fg2ble",),
    Task.STACK: ("transparent", "bg2ble", "bgble2fg", "decoder"),
    Task.REFINE: ("transparent", "encoder", "decoder"),
    Task.INPAINT: ("transparent", "encoder", "decoder"),
}


def models() -> list[Model]:
    return find_released("sdxl", Family.SDXL, NEEDS, load)


def load(checkpoint: Path, files: ReleasedFiles, device: torch.device | None = None) -> Components:
    """On the best device where none is named. Raises CheckpointError where a file cannot be used."""
    from acetate_engine.models.families.released_parts import load_parts, offsets  # torch: not when only listing
    from acetate_engine.pipelines.methods.concatenated import Concatenated

    return load_parts(checkpoint, Family.SDXL, files, offsets, Concatenated(), device)
