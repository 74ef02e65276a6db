"""Files of layer adapters of attention sharing → modules."""

from __future__ import annotations

from pathlib import Path

import torch

from acetate_engine.models.adapters.sharing_weights import SharingWeights
from acetate_engine.models.checkpoints.kinds import Kind
from acetate_engine.models.checkpoints.load import load_module


def load_sharing_weights(path: Path, dtype: torch.dtype = torch.float32) -> SharingWeights:
    """A layer adapter's file (`layer_sd15_transparent_attn`, `_joint`, `_fg2bg`, `_bg2fg`), on the CPU, for inference.

    Raises:
        CheckpointError: another kind of file, or a damaged one.
    """
    return load_module(path, Kind.SHARING, SharingWeights.for_shapes, dtype)
