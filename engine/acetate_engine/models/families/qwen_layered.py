"""Qwen-Image-Layered (arXiv 2512.15603): a picture → layers, by diffusers' own pipeline from a folder of the painter's.

It does one task, `decompose`; everything else that a family does is not for it.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from acetate.protocol.errors import CheckpointError
from acetate.protocol.events import ModelInfo
from acetate.protocol.tasks import Task
from acetate_engine.models.checkpoints.folders import SPLITS_PICTURES
from acetate_engine.models.families.base import Model, WorkingSize, stamped
from acetate_engine.models.families.places import Shelf, items, named

if TYPE_CHECKING:
    from acetate_engine.models.families.components import Components

FAMILY = "qwen_layered"
NATIVE = 640  # pixels: of its two sides, the one that it was mainly taught
_MEMORY = 58_000_000_000  # bytes in half precision, about
_LICENCE = "Apache-2.0"


def models() -> list[Model]:
    """Every folder of that pipeline among the checkpoints."""
    found = named(item for item in items(Shelf.CHECKPOINTS) if is_layered(item.path))
    return [_model(name, item.path) for name, item in found.items()]


def is_layered(path: Path) -> bool:
    """Whether it is a folder of that pipeline."""
    try:
        index = json.loads((path / "model_index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False  # no folder of ours
    return isinstance(index, dict) and index.get("_class_name") == SPLITS_PICTURES


def _model(name: str, folder: Path) -> Model:
    pickles = sorted(path.name for path in folder.glob("*/*.bin"))
    reason = f"it holds {pickles[0]}, which is no safetensors: download it again" if pickles else ""
    title = f"Qwen-Image-Layered ({name})"
    info = ModelInfo(name, title, FAMILY, (Task.DECOMPOSE,), NATIVE, not reason, _LICENCE, _MEMORY, reason)
    return Model(info, WorkingSize(NATIVE * NATIVE, 16, 4.0), stamped([folder]), partial(_refuse, title))


def _refuse(title: str) -> Components:
    raise CheckpointError(f"{title} splits pictures into layers and does nothing else", "Choose another model.")


def folder_of(model: Model) -> Path:
    """Where its model_index.json lies."""
    return next(path.parent for path, _ in model.files if path.name == "model_index.json")
