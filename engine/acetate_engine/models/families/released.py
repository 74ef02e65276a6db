"""Models that the user provides: any base checkpoint of a family, with the released LayerDiffuse files beside it.

`models/checkpoints` in the data directory holds the former, `models/layerdiffuse` the latter, under the names that
resources/models.json lists. What may go with them is in `add_ons.py`. Torch-free.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from acetate.protocol.errors import CheckpointError
from acetate.protocol.events import ModelInfo
from acetate.protocol.requests import Task
from acetate_engine.models.checkpoints.info import Family, FileInfo, Kind
from acetate_engine.models.checkpoints.kinds import inspected
from acetate_engine.models.checkpoints.parts import Part
from acetate_engine.models.checkpoints.sampling import Distilled
from acetate_engine.models.families.add_ons import AddOns, find_add_ons, with_add_ons
from acetate_engine.models.families.base import Model, WorkingSize, stamped
from acetate_engine.models.families.beside import missing_parts, parts_beside, usable_vaes
from acetate_engine.models.families.expectation import expectation
from acetate_engine.models.families.places import Item, Shelf, items, named
from acetate_engine.paths import is_file, models_dir, resources_dir

if TYPE_CHECKING:
    import torch

    from acetate_engine.models.families.components import Components

MULTIPLE = 64  # pixels: what UNet, VAE and transparent decoder all come down by
RESERVED = frozenset({"mini", "sd15", "sdxl"})  # names of models that are there without a checkpoint
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
    beside: Mapping[Part, Path] = field(default_factory=dict)  # what takes the place of parts of the checkpoint

    def paths(self) -> list[Path]:
        named = (self.encoder, self.decoder, *self.layers.values(), *self.add_ons.paths(), *self.beside.values())
        return [path for path in named if path is not None]


Needs = Mapping[Task, tuple[str, ...]]
"""The released files of each task: "encoder", "decoder" or the name of a layer."""


def find_released(name: str, family: Family, needs: Needs) -> list[Model]:
    """One model a base checkpoint; if there is none, one that says what to do."""
    finder = _Finder(name, family, needs)
    found = [(called, item, info) for called, item, info in _checkpoints() if info.family is family]
    if not found:
        title, folder = finder.description.title, models_dir() / "checkpoints"
        reason = f"put a {title} checkpoint (.safetensors, or a diffusers folder) into {folder}"
        return [finder.unusable(name, title, reason)]
    return [finder.isolated(*row) for row in found]


@dataclass(frozen=True)
class _Finder:
    """Models of one family, in one look at the disk: each shelf is walked through once."""

    name: str
    family: Family
    needs: Needs

    @cached_property
    def description(self) -> Description:
        return read_description(self.name)

    @cached_property
    def size(self) -> WorkingSize:
        return WorkingSize(self.description.native**2, MULTIPLE, self.description.max_aspect)

    @cached_property
    def _layer_adapters(self) -> dict[str, Path]:
        found = [item.path for item in reversed(items(Shelf.LAYERS)) if is_file(item.path)]
        return {path.name.lower(): path for path in found}

    @cached_property
    def _vaes(self) -> list[Item]:
        return usable_vaes()

    @cached_property
    def _add_ons(self) -> Callable[[int | None], AddOns]:
        return cache(partial(find_add_ons, self.name, self.family))

    def isolated(self, called: str, item: Item, info: FileInfo) -> Model:
        """Whatever is wrong with one model, the others are listed."""
        try:
            return self._model(called, item, info)
        except Exception as error:  # noqa: BLE001  # of a type that nobody foresaw: still one model's fault alone
            said = error.detail if isinstance(error, CheckpointError) else f"{type(error).__name__}: {error}"
            return self.unusable(called, called, f"unusable, because {said}")

    def _model(self, called: str, item: Item, info: FileInfo) -> Model:
        title = f"{called} ({self.description.title})"
        if info.problem:
            return self.unusable(called, title, f"it is a {info}. {info.problem}")
        beside = parts_beside(item, info, self._vaes)
        if missing := missing_parts(info, beside):
            return self.unusable(called, title, _lacks(info, missing))
        released = self._released(info, beside)
        tasks = _tasks(self.needs, released)
        reason = "" if tasks else f"{_NOTHING}: put the released files into {models_dir() / 'layerdiffuse'}"
        row = replace(_info(called, title, self.name, self.description, tasks, reason), note=expectation(info))
        return Model(
            with_add_ons(row, released.add_ons),
            self.size,
            stamped([item.path, *released.paths()]),
            partial(load_released, item.path, self.family, released),
            info.sampling.distilled,
            _distilled_styles(released.add_ons),
        )

    def _released(self, info: FileInfo, beside: Mapping[Part, Path]) -> ReleasedFiles:
        layers = {layer: self._first(names) for layer, names in self.description.layers.items()}
        return ReleasedFiles(
            self._first(self.description.encoder),
            self._first(self.description.decoder),
            {layer: path for layer, path in layers.items() if path is not None},
            self._add_ons(info.width),
            beside,
        )

    def _first(self, names: tuple[str, ...]) -> Path | None:
        return next((self._layer_adapters[name] for name in names if name in self._layer_adapters), None)

    def unusable(self, called: str, title: str, reason: str) -> Model:
        row = _info(called, title, self.name, self.description, (), reason)
        return Model(row, self.size, (), partial(_refuse, reason))


def load_released(
    checkpoint: Path, family: Family, files: ReleasedFiles, device: torch.device | None = None
) -> Components:
    """On the best device where none is named. Raises CheckpointError where a file cannot be used."""
    from acetate_engine.models.runtime.lean import whole_diffusers

    whole_diffusers()
    from acetate_engine.models.families.released_parts import load_parts  # torch: not when models are only listed

    return load_parts(checkpoint, family, files, device)


def _distilled_styles(add_ons: AddOns) -> dict[str, Distilled]:
    told = {name: inspected(path) for name, path in add_ons.loras.items()}
    return {
        name: info.sampling.distilled
        for name, info in told.items()
        if isinstance(info, FileInfo) and info.sampling.distilled
    }


def _lacks(info: FileInfo, missing: list[Part]) -> str:
    """What a file of some parts needs to be a whole model."""
    holds = ", ".join(part.said for part in Part if part in info.parts)
    lacks = " and ".join(part.said for part in missing)
    places = [folder for part, folder in ((Part.VAE, "vae"), (None, "text_encoders")) if _belongs(part, missing)]
    where = " and ".join(str(models_dir() / folder) for folder in places)
    return f"it holds only its {holds} and lacks its {lacks}: put files of these into {where}"


def _belongs(part: Part | None, missing: list[Part]) -> bool:
    return part in missing if part is not None else any(each is not Part.VAE for each in missing)


def _refuse(reason: str) -> Components:
    raise CheckpointError("there is no checkpoint", reason)


def _info(
    called: str, title: str, family: str, description: Description, tasks: tuple[Task, ...], reason: str
) -> ModelInfo:
    native, licence, memory = description.native, description.licence, description.memory
    return ModelInfo(called, title, family, tasks, native, not reason, licence, memory, reason)


def read_description(name: str) -> Description:
    """The family's row of models.json."""
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


def _tasks(needs: Needs, files: ReleasedFiles) -> tuple[Task, ...]:
    there = set(files.layers)
    there |= {name for name in ("encoder", "decoder") if getattr(files, name) is not None}
    return tuple(task for task, names in needs.items() if there.issuperset(names))


def _checkpoints() -> list[tuple[str, Item, FileInfo]]:
    """Every base checkpoint by its name, of all families: what is none, `acetate models` names apart."""
    found = [(item, info) for item in items(Shelf.CHECKPOINTS) if (info := _base(item.path))]
    names = named((item for item, _ in found), RESERVED)
    infos = {item.path: info for item, info in found}
    return [(name, item, infos[item.path]) for name, item in names.items()]


def _base(path: Path) -> FileInfo | None:
    info = inspected(path)
    return info if isinstance(info, FileInfo) and info.kind in (Kind.BASE, Kind.FOLDER) else None


def refusal(name: str) -> tuple[str, str] | None:
    """Of a file in the place of checkpoints that is called so and is no model: what it is, and the remedy."""
    item = named(items(Shelf.CHECKPOINTS), RESERVED).get(name)
    if item is None:
        return None
    info = inspected(item.path)
    if isinstance(info, CheckpointError):
        return info.detail, info.remedy
    return f"{item.path.name} is a {info}", info.problem or "Choose a base checkpoint of SD 1.5 or SDXL"
