"""Telling what a model file is, from its header alone."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.header import Header, read_header


class Kind(Enum):
    """The value says it to a person."""

    TRANSPARENT_ENCODER = "LayerDiffuse transparency encoder"
    TRANSPARENT_DECODER = "LayerDiffuse transparency decoder"
    SHARING = "LayerDiffuse attention sharing file"
    OFFSET_LORA = "LayerDiffuse LoRA"
    OFFSET = "LayerDiffuse weight offsets"
    OFFSET_DIFFUSERS = "LayerDiffuse weight offsets in diffusers' naming"
    BASE = "base checkpoint"
    FOLDER = "base model folder"
    STYLE_LORA = "style LoRA"
    CONTROLNET = "ControlNet"
    CONTROLNET_UNION = "union ControlNet"
    T2I_ADAPTER = "T2I-Adapter"
    IMAGE_ENCODER = "CLIP image encoder"
    IP_ADAPTER = "IP-Adapter"
    VAE = "VAE"
    UNKNOWN = "unknown model"


class Family(Enum):
    """The base model that a file belongs to."""

    SD15 = "SD1.5"
    SD2 = "SD2"
    SDXL = "SDXL"
    SDXL_REFINER = "SDXL refiner"
    SD3 = "SD3"
    FLUX = "FLUX"
    MINI = "mini"


@dataclass(frozen=True)
class FileInfo:
    """What a file is. `None` where its header does not say (encoder and decoder look alike in both families).

    `frames`: of layer weights, 1 transparent, 2 conditioned, 3 joint. `input_channels`: of a UNet or offsets on one.
    """

    path: Path
    kind: Kind
    family: Family | None = None
    frames: int | None = None
    input_channels: int | None = None

    def __str__(self) -> str:
        family = f" ({self.family.value})" if self.family else ""
        return f"{self.kind.value}{family}"


def inspect(path: Path) -> FileInfo:
    """What the safetensors file or diffusers folder at `path` is.

    Raises:
        CheckpointError: missing, a pickle, truncated, or not a model at all.
    """
    if path.is_dir():
        return _inspect_folder(path)
    return identify(read_header(path))


def require(path: Path, kinds: set[Kind], family: Family | None = None) -> FileInfo:
    """`inspect`, and refuse everything but `kinds` of `family` (a file that does not tell its family is let through).

    Raises:
        CheckpointError: as `inspect`, or the file is something else.
    """
    info = inspect(path)
    if info.kind not in kinds or (family and info.family and info.family is not family):
        wanted = " or ".join(sorted(kind.value for kind in kinds)) + (f" ({family.value})" if family else "")
        raise CheckpointError(f"{path.name} is a {info}, but a {wanted} is needed", f"Choose a {wanted}")
    return info


def identify(header: Header) -> FileInfo:
    """What the file with this header is; `Kind.UNKNOWN` if nothing known matches."""
    for recognise in (_transparency, _sharing, _offsets, _base, _add_on):
        if info := recognise(header):
            return info
    return FileInfo(header.path, Kind.UNKNOWN)


def _transparency(header: Header) -> FileInfo | None:
    if "latent_conv_in.weight" in header.shapes and "conv_norm_out.weight" in header.shapes:
        return FileInfo(header.path, Kind.TRANSPARENT_DECODER)
    first = header.shapes.get("blocks.0.weight", ())
    if len(first) == 4 and first[1] == 4:
        return FileInfo(header.path, Kind.TRANSPARENT_ENCODER)
    return None


def _sharing(header: Header) -> FileInfo | None:
    if "hookers.layers.0.temporal_i.weight" not in header.shapes:
        return None
    frames = sum(f"hookers.layers.0.to_q_lora.{frame}.down.weight" in header.shapes for frame in range(8))
    context = header.shapes.get("hookers.layers.1.to_k_lora.0.down.weight", (0, 0))[1]
    return FileInfo(header.path, Kind.SHARING, Family.SD15 if context == 768 else None, frames=frames)


def _offsets(header: Header) -> FileInfo | None:
    names = header.shapes
    if any(name.endswith("::lora::0") for name in names):
        return FileInfo(header.path, Kind.OFFSET_LORA, Family.SDXL)
    if any(name.endswith("::diff::0") for name in names):
        entry = names.get("diffusion_model.input_blocks.0.0.weight::diff::0", ())
        return FileInfo(header.path, Kind.OFFSET, Family.SDXL, input_channels=entry[1] if entry else None)
    attention = re.compile(r"(down|mid|up)_blocks?\..*\.attn\d\.to_q\.weight")
    if any(attention.fullmatch(name) for name in names) and "conv_in.weight" not in names:
        return FileInfo(header.path, Kind.OFFSET_DIFFUSERS, Family.SDXL)
    return None


_UNET = "model.diffusion_model."


def _base(header: Header) -> FileInfo | None:
    names = header.shapes
    if any(name.startswith((f"{_UNET}double_blocks.", "double_blocks.")) for name in names):
        return FileInfo(header.path, Kind.BASE, Family.FLUX)
    if any(name.startswith(f"{_UNET}joint_blocks.") for name in names):
        return FileInfo(header.path, Kind.BASE, Family.SD3)
    entry = names.get(f"{_UNET}input_blocks.0.0.weight")
    if entry is None:
        return None
    return FileInfo(header.path, Kind.BASE, _unet_family(header), input_channels=entry[1])


def _unet_family(header: Header) -> Family | None:
    return _family_of(header, rf"{re.escape(_UNET)}.*\.transformer_blocks\.0\.attn2\.to_k\.weight")


def _family_of(header: Header, listening: str) -> Family | None:
    """By the width of the text encoder that the maps of these names listen to."""
    pattern = re.compile(listening)
    contexts = {shape[1] for name, shape in header.shapes.items() if len(shape) > 1 and pattern.fullmatch(name)}
    families = {384: Family.MINI, 768: Family.SD15, 1024: Family.SD2, 1280: Family.SDXL_REFINER, 2048: Family.SDXL}
    return families.get(contexts.pop()) if len(contexts) == 1 else None


_LORA = re.compile(r".*(\.lora_(down|up|A|B)\b|[._]lora\.(down|up)\.|_lora\.(down|up)\.|lora_linear_layer\.).*")
_LORA_LISTENING = r".*attn2[._](processor\.)?to_[kv][._]?(lora_A|lora_down|lora\.down|lora_linear_layer\.down).*weight"


def _add_on(header: Header) -> FileInfo | None:
    names = list(header.shapes)
    if any(name.startswith(("ip_adapter.", "image_proj.")) for name in names):
        return FileInfo(header.path, Kind.IP_ADAPTER, _family_of(header, r"ip_adapter\.\d+\.to_[kv]_ip\.weight"))
    if any(_LORA.fullmatch(name) for name in names):
        return FileInfo(header.path, Kind.STYLE_LORA, _family_of(header, _LORA_LISTENING))
    if any(name.startswith(("control_model.", "controlnet_", "input_hint_block.")) for name in names):
        kind = Kind.CONTROLNET_UNION if "task_embedding" in header.shapes else Kind.CONTROLNET
        return FileInfo(header.path, kind, _family_of(header, r".*\.transformer_blocks\.0\.attn2\.to_k\.weight"))
    if any(name.startswith("adapter.body.") for name in names):
        return FileInfo(header.path, Kind.T2I_ADAPTER)
    if "encoder.conv_in.weight" in names and "decoder.conv_in.weight" in names:
        return FileInfo(header.path, Kind.VAE)
    return None


_FOLDER_FAMILIES = {"StableDiffusionPipeline": Family.SD15, "StableDiffusionXLPipeline": Family.SDXL}


_PART_KINDS = {
    "ControlNetModel": Kind.CONTROLNET,
    "ControlNetUnionModel": Kind.CONTROLNET_UNION,
    "T2IAdapter": Kind.T2I_ADAPTER,
    "CLIPVisionModelWithProjection": Kind.IMAGE_ENCODER,
}


def _part_kind(folder: Path) -> Kind | None:
    """Of a folder that holds one module and its config.json."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        names = [config.get("_class_name"), *config.get("architectures", [])]
    except (OSError, ValueError, AttributeError, TypeError):
        return None
    return next((_PART_KINDS[name] for name in names if name in _PART_KINDS), None)


def _inspect_folder(folder: Path) -> FileInfo:
    """A diffusers folder, whose weights must be safetensors."""
    index = folder / "model_index.json"
    if kind := _part_kind(folder):
        return FileInfo(folder, kind)
    if not index.is_file():
        raise CheckpointError(f"{folder.name} is a folder without model_index.json", "Choose a diffusers model folder")
    weights = next((folder / "unet").glob("*.safetensors"), None)
    if weights is None:
        raise CheckpointError(
            f"{folder.name}/unet holds no .safetensors file", "Download the safetensors version of this model"
        )
    try:
        name = json.loads(index.read_text()).get("_class_name")
        channels = int(json.loads((folder / "unet" / "config.json").read_text())["in_channels"])
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{folder.name} has an unreadable configuration", "Download the model again") from error
    return FileInfo(folder, Kind.FOLDER, _FOLDER_FAMILIES.get(name), input_channels=channels)
