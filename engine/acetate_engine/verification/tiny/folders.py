"""Tiny base models as diffusers folders, and with their layer adapters a whole model of a family."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from functools import cache
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor, nn

from acetate_engine.models.checkpoints.kinds import Family
from acetate_engine.models.families.add_ons import AddOns
from acetate_engine.models.families.released import ReleasedFiles
from acetate_engine.paths import resources_dir
from acetate_engine.verification.tiny import networks
from acetate_engine.verification.tiny.layer_adapters import GOLDEN

FOLDERS = {Family.SD15: "sd15", Family.SDXL: "sdxl"}
_TOKENIZERS = {Family.SD15: ("tokenizer",), Family.SDXL: ("tokenizer", "tokenizer_2")}


@cache
def modules(family: Family) -> dict[str, nn.Module]:
    """The parts by their names in a diffusers folder; not to be changed."""
    return networks.base_parts(family)


def configs() -> Path:
    """Configurations of the real models, with their tokenizer."""
    return resources_dir() / "configs"


def write_config(folder: Path, family: Family) -> Path:
    """A configuration folder for `modules(family)`, without weights."""
    shutil.copytree(configs() / FOLDERS[family], folder, dirs_exist_ok=True)
    for name, module in modules(family).items():
        if hasattr(module, "save_config"):
            module.save_config(folder / name)  # type: ignore[operator]  # of diffusers
        else:
            module.config.save_pretrained(folder / name)  # type: ignore[operator, union-attr]  # of transformers
    return folder


def write_folder(folder: Path, family: Family, variant: str | None = None) -> Path:
    """A diffusers folder."""
    write_config(folder, family)
    for name, module in modules(family).items():
        module.save_pretrained(folder / name, safe_serialization=True, variant=variant)  # type: ignore[operator]
    for name in _TOKENIZERS[family]:
        shutil.copytree(configs() / "clip_tokenizer", folder / name)
    return folder


def write_golden(folder: Path, family: Family, layers: Collection[str] | None = None) -> ReleasedFiles:
    """The base model of the golden runs as `folder / "base"`, and the layer adapters that go with it.

    Args:
        layers: those that are needed; None: all.
    """
    write_folder(folder / "base", family)
    unet = networks.unet(family)
    files = {name: make(unet) for name, make in GOLDEN[family].items() if layers is None or name in layers}
    files |= {"encoder": networks.encoder().state_dict(), "decoder": networks.decoder().state_dict()}
    paths = {name: save(tensors, folder / f"{name}.safetensors") for name, tensors in files.items()}
    return ReleasedFiles(paths.pop("encoder"), paths.pop("decoder"), paths, AddOns({}, {}, (), {}))


def save(tensors: dict[str, Tensor], path: Path) -> Path:
    """Writes a safetensors file, and gives its path."""
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return path
