"""Models that the user provides: any base checkpoint of a family, with the released LayerDiffuse files beside it.

`models/checkpoints` in the data directory holds the former, `models/layerdiffuse` the latter, under the names that
resources/models.json lists. What may go with them is in `add_ons.py`. Torch-free.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from acetate.protocol.errors import CheckpointError
from acetate.protocol.events import ModelInfo
from acetate.protocol.requests import Task
from acetate_engine.models.checkpoints.kinds import Family, FileInfo, Kind, inspect
from acetate_engine.models.families.add_ons import AddOns, find_add_ons, with_add_ons
from acetate_engine.models.families.base import Model, WorkingSize, stamped
from acetate_engine.paths import models_dir, resources_dir

if TYPE_CHECKING:
    from acetate_engine.models.families.components import Components

MULTIPLE = 64  # pixels: what UNet, VAE and transparent decoder all come down by
_NOTHING = "none of its tasks has its files"


@dataclass(frozen=True)
class Description:
    """A family's row of models.json."""

    title: str
    native: int  # side in pixels
    max_aspect: float
    memory: int  # bytes on a graphics card in half precision, about
    licence: str
    encoder: tuple[str, ...]
    decoder: tuple[str, ...]
    layers: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class ReleasedFiles:
    """What is there of a family's released files."""

    encoder: Path | None
    decoder: Path | None
    layers: Mapping[str, Path]
    add_ons: AddOns

    def paths(self) -> list[Path]:
        named = (self.encoder, self.decoder, *self.layers.values(), *self.add_ons.paths())
        return [path for path in named if path is not None]


Needs = Mapping[Task, tuple[str, ...]]
"""The released files of each task: "encoder", "decoder" or the name of a layer."""

Load = Callable[[Path, ReleasedFiles], "Components"]


def find_released(name: str, family: Family, needs: Needs, load: Load) -> list[Model]:
    """One model a base checkpoint; if there is none, one that says what to do."""
    description = _read_description(name)
    released = _find_files(name, family, description)
    size = WorkingSize(description.native**2, MULTIPLE, description.max_aspect)
    checkpoints = [info.path for path in _checkpoint_paths() if (info := _inspected(path)) and info.family is family]
    if not checkpoints:
        folder = models_dir() / "checkpoints"
        reason = f"put a {description.title} checkpoint (.safetensors, or a diffusers folder) into {folder}"
        return [
            Model(_info(name, description.title, name, description, (), reason), size, (), partial(_refuse, reason))
        ]
    tasks = _tasks(needs, released)
    reason = "" if tasks else f"{_NOTHING}: put the released files into {models_dir() / 'layerdiffuse'}"
    return [
        Model(
            with_add_ons(
                _info(path.stem, f"{path.stem} ({description.title})", name, description, tasks, reason),
                released.add_ons,
            ),
            size,
            stamped([path, *released.paths()]),
            partial(load, path, released),
        )
        for path in checkpoints
    ]


def _refuse(reason: str) -> Components:
    raise CheckpointError("there is no checkpoint", reason)


def _info(
    called: str, title: str, family: str, description: Description, tasks: tuple[Task, ...], reason: str
) -> ModelInfo:
    native, licence, memory = description.native, description.licence, description.memory
    return ModelInfo(called, title, family, tasks, native, not reason, licence, memory, reason)


def _read_description(name: str) -> Description:
    row = json.loads((resources_dir() / "models.json").read_text(encoding="utf-8"))["families"][name]
    return Description(
        row["title"],
        row["native"],
        row["max_aspect"],
        row["memory"],
        row["licence"],
        tuple(row["encoder"]),
        tuple(row["decoder"]),
        {layer: tuple(names) for layer, names in row["layers"].items()},
    )


def _find_files(name: str, family: Family, description: Description) -> ReleasedFiles:
    layers = {layer: _first(names) for layer, names in description.layers.items()}
    return ReleasedFiles(
        _first(description.encoder),
        _first(description.decoder),
        {layer: path for layer, path in layers.items() if path is not None},
        find_add_ons(name, family),
    )


def _first(names: tuple[str, ...]) -> Path | None:
    paths = (models_dir() / "layerdiffuse" / name for name in names)
    return next((path for path in paths if path.is_file()), None)


def _tasks(needs: Needs, files: ReleasedFiles) -> tuple[Task, ...]:
    there = set(files.layers)
    there |= {name for name in ("encoder", "decoder") if getattr(files, name) is not None}
    return tuple(task for task, names in needs.items() if there.issuperset(names))


def _checkpoint_paths() -> list[Path]:
    folder = models_dir() / "checkpoints"
    found = [*folder.glob("*.safetensors"), *(path.parent for path in folder.glob("*/model_index.json"))]
    return sorted(found)


def _inspected(path: Path) -> FileInfo | None:
    """None for what is no usable base checkpoint; `acetate models` names those apart."""
    try:
        info = inspect(path)
    except CheckpointError:
        return None
    return info if info.kind in (Kind.BASE, Kind.FOLDER) else None
