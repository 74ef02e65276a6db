"""SD 1.5: any checkpoint of the family, with the released layer adapters; shared attention, in one pass."""

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
    Task.JOINT: ("joint", "decoder"),
    Task.FOREGROUND_ON_BACKGROUND: ("bg2fg", "decoder"),
    Task.BACKGROUND_BEHIND_FOREGROUND: ("fg2bg",),
    Task.BLEND: ("fg2bg",),
    Task.STACK: ("transparent", "bg2fg", "decoder"),
    Task.REFINE: ("transparent", "encoder", "decoder"),
    Task.INPAINT: ("transparent", "encoder", "decoder"),
}


def models() -> list[Model]:
    return find_released("sd15", Family.SD15, NEEDS, load)


def load(checkpoint: Path, files: ReleasedFiles, device: torch.device | None = None) -> Components:
    """On the best device where none is named. Raises CheckpointError where a file cannot be used."""
    from acetate_engine.models.families.released_parts import load_parts, sharing  # torch: not when only listing
    from acetate_engine.pipelines.methods.shared_attention import SharedAttention

    return load_parts(checkpoint, Family.SD15, files, sharing, SharedAttention(), device)
