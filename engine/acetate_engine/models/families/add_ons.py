"""What may go with a base checkpoint, found on the disk by name and by header. Torch-free.

In `models` of the data directory, with FAMILY one of mini, sd15 and sdxl:

    controlnet/FAMILY_KIND, FAMILY_union   a diffusers folder, or a single .safetensors file
    adapters/FAMILY_KIND                   T2I-Adapters, diffusers folders
    ip_adapter/NAME.safetensors            with folders of CLIP image encoders beside them
    loras/NAME.safetensors
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from acetate.protocol.errors import CheckpointError, UnsupportedTask
from acetate.protocol.events import ModelInfo
from acetate.protocol.requests import ControlKind, ControlMethod, GenerateRequest
from acetate_engine.models.checkpoints.kinds import Family, FileInfo, Kind, inspect
from acetate_engine.paths import models_dir

FOLDERS = ("checkpoints", "layerdiffuse", "controlnet", "adapters", "ip_adapter", "loras")
_MODEL_SUFFIXES = {".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".pkl"}


@dataclass(frozen=True)
class AddOns:
    """Of one family, by the names that requests call them."""

    controls: Mapping[tuple[ControlMethod, ControlKind], Path]
    ip_adapters: Mapping[str, Path]
    image_encoders: tuple[Path, ...]
    loras: Mapping[str, Path]

    def paths(self) -> list[Path]:
        named = (*self.controls.values(), *self.ip_adapters.values(), *self.image_encoders, *self.loras.values())
        return list(dict.fromkeys(named))


def find_add_ons(name: str, family: Family) -> AddOns:
    """Those of a family; a file that does not tell its family is looked at again when it is loaded."""
    encoders = sorted(path.parent for path in (models_dir() / "ip_adapter").glob("*/config.json"))
    return AddOns(
        dict(_controls(name)),
        _files("ip_adapter", Kind.IP_ADAPTER, family),
        tuple(encoders),
        _files("loras", Kind.STYLE_LORA, family),
    )


def with_add_ons(info: ModelInfo, add_ons: AddOns) -> ModelInfo:
    controls = tuple(dict.fromkeys(kind for _, kind in add_ons.controls))
    return replace(info, controls=controls, image_prompts=tuple(add_ons.ip_adapters), styles=tuple(add_ons.loras))


def require_add_ons(info: ModelInfo, request: GenerateRequest) -> None:
    """Before the model is loaded. Raises UnsupportedTask, which names those that are there, and where others belong.

    Of hints, what reads them says so (pipelines/control.py): that depends on the method, too.
    """
    put = f"put {{}} into {models_dir()}"
    for style in request.styles:
        if style.lora not in info.styles:
            remedy = _remedy(info.styles, put.format("its LoRA (.safetensors)") + "/loras")
            raise UnsupportedTask(f"{info.title} has no style {style.lora[:80]!r}", remedy)
    for prompt in request.image_prompts:
        if not info.image_prompts or prompt.adapter not in (None, *info.image_prompts):
            called = f" {prompt.adapter[:80]!r}" if prompt.adapter else ""
            needed = put.format("an IP-Adapter (.safetensors)") + "/ip_adapter, and its folder image_encoder beside it"
            raise UnsupportedTask(f"{info.title} has no image adapter{called}", _remedy(info.image_prompts, needed))


def _remedy(known: tuple[str, ...], put: str) -> str:
    return f"Choose one of these: {', '.join(known)}; or {put}." if known else f"{put[0].upper()}{put[1:]}."


def _controls(name: str) -> Iterator[tuple[tuple[ControlMethod, ControlKind], Path]]:
    folder = models_dir() / "controlnet"
    for kind in ControlKind:
        if path := _folder_or_file(folder / f"{name}_{kind.value}"):
            yield (ControlMethod.CONTROLNET, kind), path
        if path := _folder_or_file(folder / f"{name}_union"):
            yield (ControlMethod.UNION, kind), path
        if path := _folder_or_file(models_dir() / "adapters" / f"{name}_{kind.value}"):
            yield (ControlMethod.T2I_ADAPTER, kind), path


def _folder_or_file(path: Path) -> Path | None:
    file = path.with_name(f"{path.name}.safetensors")
    return path if path.is_dir() else file if file.is_file() else None


def _files(folder: str, kind: Kind, family: Family) -> dict[str, Path]:
    found = {}
    for path in sorted((models_dir() / folder).glob("*.safetensors")):
        info = inspected(path)
        if isinstance(info, FileInfo) and info.kind is kind and info.family in (family, None):
            found[path.stem] = path
    return found


def inspected(path: Path) -> FileInfo | CheckpointError:
    """What a file is, or why it cannot be used; its header is read again when it has changed."""
    state = path.stat()
    return _inspected(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=2048)
def _inspected(path: Path, size: int, modified: int) -> FileInfo | CheckpointError:
    try:
        return inspect(path)
    except CheckpointError as error:
        return error


def list_files() -> list[tuple[Path, FileInfo | CheckpointError]]:
    """Every model file and diffusers folder in its place, and what it is."""
    paths = [path for folder in FOLDERS for path in sorted((models_dir() / folder).glob("*"))]
    return [(path, inspected(path)) for path in paths if path.is_dir() or path.suffix.lower() in _MODEL_SUFFIXES]
