"""Puts the stages' exports together into the folder of an embedded model, in fp16, checked by what is read back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffusers import UNet2DConditionModel

from acetate.protocol.requests import ControlKind
from acetate_engine.models.networks.autoencoder import SpaceToDepthAutoencoder
from acetate_engine.models.networks.transparency_folders import transparency_network


@dataclass(frozen=True)
class Exports:
    """Folders that the stages wrote with --export."""

    vae: Path
    base: Path
    transparency: Path
    layers: tuple[Path, ...] = ()  # of `layer`, `joint`, `conditioned`: what is missing the model cannot do
    control: Path | None = None
    styles: tuple[Path, ...] = ()
    residual: Path | None = None


def assemble(exports: Exports, card: dict[str, Any], folder: Path) -> None:
    """Write `folder`: the parts of MODEL_INDEX, what stands beside them, model_index.json and `card` as mini.json."""
    folder.mkdir(parents=True, exist_ok=True)
    _half(SpaceToDepthAutoencoder.from_pretrained, exports.vae, folder / "vae")
    _half(UNet2DConditionModel.from_pretrained, exports.base / "unet", folder / "unet")
    for name in ("encoder", "decoder"):
        _half(transparency_network, exports.transparency / name, folder / f"transparent_{name}")
    if exports.residual:
        _half(transparency_network, exports.residual / "residual", folder / "transparent_residual")
    shutil.copytree(exports.base / "scheduler", folder / "scheduler", dirs_exist_ok=True)
    for taught in exports.base.glob("*.json"):
        shutil.copy(taught, folder)
    beside = [(layer, "layers") for layer in exports.layers] + [(style, "styles") for style in exports.styles]
    if exports.control:
        beside.append((exports.control, f"controlnet/{ControlKind.EDGES.value}"))
    for source, name in beside:
        shutil.copytree(source, folder / name, dirs_exist_ok=True)
    _write(folder / "model_index.json", MODEL_INDEX | (RESIDUAL if exports.residual else {}))
    _write(folder / "mini.json", card)


_NETWORKS = "acetate_engine.models.networks"
MODEL_INDEX = {
    "_class_name": "MiniLayerDiffuse",
    "vae": [f"{_NETWORKS}.autoencoder", "SpaceToDepthAutoencoder"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "scheduler": ["diffusers", "DPMSolverMultistepScheduler"],
    "text_encoder": [f"{_NETWORKS}.text", "MiniLMTextEncoder"],
    "transparent_encoder": [f"{_NETWORKS}.space_to_depth_transparency", "SpaceToDepthOffsetEncoder"],
    "transparent_decoder": [
        f"{_NETWORKS}.space_to_depth_transparency",
        "SpaceToDepthTransparentDecoder",
    ],
}
RESIDUAL = {"transparent_residual": [f"{_NETWORKS}.alpha_residual", "AlphaResidual"]}  # may be missing


def _half(load: Callable[[Path], Any], source: Path, target: Path) -> None:
    load(source).half().save_pretrained(target)
    config = json.loads((target / "config.json").read_text(encoding="utf-8"))
    config.pop("_name_or_path", None)  # a path of the machine that trained it
    _write(target / "config.json", config)


def _write(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
