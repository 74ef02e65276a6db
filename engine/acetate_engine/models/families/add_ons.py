"""What may go with a base checkpoint, found on the disk by name and by header. Torch-free.

In `models` of the data directory, with FAMILY one of mini, sd15 and sdxl:

    controlnet/FAMILY_KIND, FAMILY_union   a diffusers folder, or a single .safetensors file
    adapters/FAMILY_KIND                   T2I-Adapters, diffusers folders
    ip_adapter/NAME.safetensors            with folders of CLIP image encoders beside them
    loras/NAME.safetensors
    embeddings/NAME.safetensors

In folders of other programs ControlNets are told by what their names say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from acetate.protocol.errors import CheckpointError, UnsupportedTask
from acetate.protocol.events import ModelInfo
from acetate.protocol.requests import ControlKind, ControlMethod, GenerateRequest
from acetate_engine.models.checkpoints.info import Family, FileInfo, Kind
from acetate_engine.models.checkpoints.kinds import inspected
from acetate_engine.models.families.places import Item, Shelf, Shelves, items, named
from acetate_engine.paths import is_file, is_folder, models_dir

Controls = Mapping[tuple[ControlMethod, ControlKind], Path]

_NAMED_KINDS = (
    (ControlKind.POSE, r"openpose|pose"),
    (ControlKind.DEPTH, r"depth"),
    (ControlKind.SCRIBBLE, r"scribble|sketch"),
    (ControlKind.EDGES, r"canny|edges?"),
    (ControlKind.LINES, r"lineart|lines?|mlsd|softedge|hed"),
)


@dataclass(frozen=True)
class AddOns:
    """Of one family, by the names that requests call them."""

    controls: Controls
    ip_adapters: Mapping[str, Path]
    image_encoders: tuple[Path, ...]
    loras: Mapping[str, Path]
    embeddings: Mapping[str, Path] = field(default_factory=dict)
    other_embeddings: Mapping[str, str] = field(default_factory=dict)  # what those are that do not fit

    def paths(self) -> list[Path]:
        named_files = (
            *self.ip_adapters.values(),
            *self.image_encoders,
            *self.loras.values(),
            *self.embeddings.values(),
        )
        return list(dict.fromkeys((*self.controls.values(), *named_files)))


def find_add_ons(name: str, family: Family, width: int | None = None) -> AddOns:
    """Those of a family; a file that does not tell its family is looked at again when it is loaded.

    `width`: of the text that the model listens to; what tells another is of another model.
    """
    there, fits = Shelves(), _Fits(family, width)
    looks, embeddings = there.items(Shelf.IP_ADAPTER), there.items(Shelf.EMBEDDINGS)
    encoders = [item.path for item in (*looks, *there.items(Shelf.IMAGE_ENCODERS)) if is_folder(item.path)]
    return AddOns(
        {**dict(_controls_by_name(there.items(Shelf.CONTROLNET), fits)), **dict(_controls(name))},
        _files(looks, Kind.IP_ADAPTER, fits),
        tuple(encoders),
        _files(there.items(Shelf.LORAS), Kind.STYLE_LORA, fits),
        _files(embeddings, Kind.EMBEDDING, fits),
        _others(embeddings, fits),
    )


@dataclass(frozen=True)
class _Fits:
    """Whether a file may belong to a model, as far as its header tells."""

    family: Family
    width: int | None

    def __call__(self, info: FileInfo) -> bool:
        if info.problem or info.family not in (self.family, None):
            return False
        if info.kind is Kind.EMBEDDING:  # SDXL has two tables, narrower than what they make together
            return info.family is not None or (self.family is Family.SD15 and self.width in (None, info.width))
        return None in (self.width, info.width) or self.width == info.width


def with_add_ons(info: ModelInfo, add_ons: AddOns) -> ModelInfo:
    controls = tuple(dict.fromkeys(kind for _, kind in add_ons.controls))
    return replace(
        info,
        controls=controls,
        image_prompts=tuple(add_ons.ip_adapters),
        styles=tuple(add_ons.loras),
        embeddings=tuple(add_ons.embeddings),
    )


def require_add_ons(info: ModelInfo, request: GenerateRequest) -> None:
    """Before the model is loaded. Raises UnsupportedTask, which names those that are there, and where others belong.

    Of hints, what reads them says so (pipelines/control.py): that depends on the method, too.
    """
    put = f"put {{}} into {models_dir()}"
    for style in request.styles:
        if style.lora not in info.styles:
            remedy = _remedy(info.styles, put.format("its LoRA (.safetensors)") + "/loras")
            raise UnsupportedTask(
                f"{info.title} has no style {style.lora[:80]!r}{_whose(Shelf.LORAS, style.lora)}", remedy
            )
    for prompt in request.image_prompts:
        if not info.image_prompts or prompt.adapter not in (None, *info.image_prompts):
            called = f" {prompt.adapter[:80]!r}" if prompt.adapter else ""
            needed = put.format("an IP-Adapter (.safetensors)") + "/ip_adapter, and its folder image_encoder beside it"
            whose = _whose(Shelf.IP_ADAPTER, prompt.adapter) if prompt.adapter else ""
            raise UnsupportedTask(f"{info.title} has no IP-Adapter{called}{whose}", _remedy(info.image_prompts, needed))


def _whose(shelf: Shelf, called: str) -> str:
    """What is there by that name, and cannot be used with this model."""
    item = named(items(shelf)).get(called)
    info = inspected(item.path) if item else None
    if isinstance(info, CheckpointError):
        return f": {info.detail}"
    if item is None or info is None:
        return ""
    return f": {item.path.name} is a {info}" + (f". {info.problem}" if info.problem else "")


def _remedy(known: tuple[str, ...], put: str) -> str:
    return f"Choose one of these: {', '.join(known)}; or {put}." if known else f"{put[0].upper()}{put[1:]}."


def _controls(name: str) -> Iterator[tuple[tuple[ControlMethod, ControlKind], Path]]:
    home = models_dir()
    places = ((ControlMethod.CONTROLNET, "controlnet"), (ControlMethod.T2I_ADAPTER, "adapters"))
    there = [(method, home / folder) for method, folder in places if is_folder(home / folder)]
    union = _folder_or_file(home / "controlnet" / f"{name}_union")
    for kind in ControlKind:
        if union:
            yield (ControlMethod.UNION, kind), union
        for method, folder in there:
            if path := _folder_or_file(folder / f"{name}_{kind.value}"):
                yield (method, kind), path


def _folder_or_file(path: Path) -> Path | None:
    file = path.with_name(f"{path.name}.safetensors")
    return path if is_folder(path) else file if is_file(file) else None


def _controls_by_name(nets: list[Item], fits: _Fits) -> Iterator[tuple[tuple[ControlMethod, ControlKind], Path]]:
    """Of a family that their header tells; those that were published have names that say what hint they take."""
    for item in reversed(nets):  # of several, the first stays
        info = inspected(item.path)
        if not isinstance(info, FileInfo) or info.family is None or not fits(info):
            continue
        if info.kind is Kind.CONTROLNET_UNION:
            yield from (((ControlMethod.UNION, kind), item.path) for kind in ControlKind)
        elif info.kind is Kind.CONTROLNET and (kind := _kind_of(item.stem)):
            yield (ControlMethod.CONTROLNET, kind), item.path


def _kind_of(stem: str) -> ControlKind | None:
    return next((kind for kind, pattern in _NAMED_KINDS if re.search(pattern, stem.lower())), None)


def _files(there: list[Item], kind: Kind, fits: _Fits) -> dict[str, Path]:
    """By their names among all of their shelf, so that a name means one file whatever the model."""
    found = named(item for item in there if is_file(item.path) or item.path.is_symlink())
    infos = {name: (item, inspected(item.path)) for name, item in found.items()}
    return {
        name: item.path
        for name, (item, info) in infos.items()
        if isinstance(info, FileInfo) and info.kind is kind and fits(info)
    }


def _others(there: list[Item], fits: _Fits) -> dict[str, str]:
    """What those of a shelf are that cannot be used with a model, by name."""
    infos = {name: inspected(item.path) for name, item in named(there).items()}
    return {
        name: info.detail if isinstance(info, CheckpointError) else f"{info.path.name} is a {info}"
        for name, info in infos.items()
        if isinstance(info, CheckpointError) or not fits(info)
    }


def list_files() -> list[tuple[Item, FileInfo | CheckpointError]]:
    """Every model file and diffusers folder in its place, and what it is."""
    there = Shelves()
    found = {item.path: item for shelf in Shelf for item in there.items(shelf)}
    return [(item, inspected(path)) for path, item in found.items()]
