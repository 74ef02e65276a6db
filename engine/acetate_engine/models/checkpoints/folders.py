"""What a folder in diffusers' layout is, from its configuration."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.info import Family, FileInfo, Kind
from acetate_engine.models.checkpoints.parts import Part
from acetate_engine.models.checkpoints.recognise import FAMILIES_BY_WIDTH, problem_of_base
from acetate_engine.models.checkpoints.sampling import Sampling, distilled_folder, unread
from acetate_engine.models.checkpoints.structure import Structure

_FAMILIES = {"StableDiffusionPipeline": Family.SD15, "StableDiffusionXLPipeline": Family.SDXL}
_PART_KINDS = {
    "ControlNetModel": Kind.CONTROLNET,
    "ControlNetUnionModel": Kind.CONTROLNET_UNION,
    "T2IAdapter": Kind.T2I_ADAPTER,
    "CLIPVisionModelWithProjection": Kind.IMAGE_ENCODER,
    "AutoencoderKL": Kind.VAE,
    "UNet2DConditionModel": Kind.UNKNOWN,
}


SPLITS_PICTURES = "QwenImageLayeredPipeline"


def inspect_folder(folder: Path) -> FileInfo:
    """A diffusers folder, whose weights must be safetensors.

    Raises:
        CheckpointError: it is none, has no such weights, or an unreadable configuration.
    """
    if kind := _part_kind(folder):
        problem = "" if kind is not Kind.UNKNOWN else "It is a UNet alone: choose the whole model's folder"
        return FileInfo(folder, kind, problem=problem)
    index = folder / "model_index.json"
    if not index.is_file():
        raise CheckpointError(f"{folder.name} is a folder without model_index.json", "Choose a diffusers model folder")
    if next((folder / "unet").glob("*.safetensors"), None) is None and not _is_foreign(index):
        raise CheckpointError(
            f"{folder.name}/unet holds no .safetensors file", "Download the safetensors version of this model"
        )
    try:
        return _base(folder, _read(index))
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise CheckpointError(f"{folder.name} has an unreadable configuration", "Download the model again") from error


def _part_kind(folder: Path) -> Kind | None:
    """Of a folder that holds one module and its config.json."""
    try:
        config = _read(folder / "config.json")
        names = [config.get("_class_name"), *config.get("architectures", [])]
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return None  # not a folder of ours; a listing names what it holds
    return next((_PART_KINDS[name] for name in names if name in _PART_KINDS), None)


def _read(path: Path) -> dict[str, Any]:
    parsed = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(parsed, dict):
        raise ValueError(f"{path.name} holds no object")
    return parsed


def _is_foreign(index: Path) -> bool:
    """Another architecture's pipeline, which has no UNet."""
    try:
        return _read(index).get("_class_name") not in (None, *_FAMILIES)
    except (OSError, ValueError, RecursionError):
        return False  # the folder is refused for the file that cannot be read


def _base(folder: Path, index: dict[str, Any]) -> FileInfo:
    name = str(index.get("_class_name"))
    if name not in _FAMILIES and not (folder / "unet" / "config.json").is_file():
        said = name.removesuffix("Pipeline")
        problem = "Choose an SD 1.5 or SDXL model: layer adapters were published for these"
        if name == SPLITS_PICTURES:
            problem = ""  # a family of its own, without layer adapters
        return FileInfo(folder, Kind.FOLDER, Family.OTHER, architecture=said, problem=problem)
    unet = _read(folder / "unet" / "config.json")
    width = unet.get("cross_attention_dim")
    family = _FAMILIES.get(name)
    if family is Family.SD15 and isinstance(width, int):  # SD2 has the same pipeline
        family = FAMILIES_BY_WIDTH.get(width, family)
    if family is Family.SDXL and (unet.get("mid_block_type", "") in (None, "UNetMidBlock2D") or _few_blocks(unet)):
        family = Family.SDXL_SMALL
    parts = frozenset(part for part in Part if next((folder / part.value).glob("*.safetensors"), None))
    info = FileInfo(
        folder,
        Kind.FOLDER,
        family,
        input_channels=int(unet["in_channels"]),
        width=width if isinstance(width, int) else None,
        parts=parts,
        sampling=_sampling(folder),
    )
    return replace(info, problem=problem_of_base(info, Structure.of_config(unet)))


def _few_blocks(unet: dict[str, Any]) -> bool:
    layers = unet.get("layers_per_block", 2)
    return (min(layers) if isinstance(layers, list) else layers) < 2


def _sampling(folder: Path) -> Sampling:
    path = folder / "scheduler" / "scheduler_config.json"
    scheduler = _read(path) if path.is_file() else {}
    name, said = str(scheduler.get("_class_name")), scheduler.get("prediction_type")
    prediction = said if isinstance(said, str) else None
    flows = "FlowMatch" in name or bool(scheduler.get("use_flow_sigmas"))
    return Sampling(
        prediction,
        bool(scheduler.get("rescale_betas_zero_snr")),
        "EDM" in name,
        distilled_folder(folder),
        unread("flow" if flows else prediction),
    )
