"""Base models: SD1.5 and SDXL checkpoints in a single file or in a diffusers folder, from this machine's disk only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DiffusionPipeline,
    SchedulerMixin,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from torch import nn
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.header import read_header
from acetate_engine.models.checkpoints.info import NEEDED_PARTS, Family, FileInfo, Kind
from acetate_engine.models.checkpoints.kinds import require
from acetate_engine.models.checkpoints.load import require_finite
from acetate_engine.models.checkpoints.parts import Part, find_parts
from acetate_engine.models.checkpoints.sampling import Sampling
from acetate_engine.models.checkpoints.single_file import PartFile, load_text, load_unet, load_vae
from acetate_engine.models.checkpoints.structure import CONFIG_FOLDERS, Structure, described, differences
from acetate_engine.paths import resources_dir

_PIPELINES = {Family.SD15: StableDiffusionPipeline, Family.SDXL: StableDiffusionXLPipeline}


@dataclass(frozen=True)
class BaseModel:
    """The parts of a base model, on the CPU, for inference. SDXL has two tokenizers and text encoders, SD1.5 one."""

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    scheduler: SchedulerMixin
    tokenizers: tuple[CLIPTokenizer, ...]
    text_encoders: tuple[CLIPTextModel | CLIPTextModelWithProjection, ...]
    zeros_for_empty: bool = True  # SDXL: an empty prompt is zeros, not what the encoders make of it
    sampling: Sampling = field(default_factory=Sampling)


def load_base(
    path: Path,
    family: Family,
    dtype: torch.dtype = torch.float32,
    vae_dtype: torch.dtype = torch.float32,
    config: Path | None = None,
    beside: Mapping[Part, Path] | None = None,
) -> BaseModel:
    """Load the base model at `path`; the network is never asked. No more than one copy in these dtypes is in memory.

    Args:
        path: a `.safetensors` checkpoint, or a diffusers folder.
        family: SD15 or SDXL.
        dtype: of UNet and text encoders.
        vae_dtype: of the VAE, which overflows in fp16: float32 or bfloat16.
        config: for a single file, a diffusers folder without weights that describes the parts; the released
            configuration of the family if None.
        beside: files of parts that take the place of those in `path`.

    Raises:
        CheckpointError: of another family, an inpainting model, another format, damaged, or incomplete.
        ValueError: `vae_dtype` is float16.
    """
    if vae_dtype == torch.float16:
        raise ValueError("the autoencoder overflows in fp16: load it in bf16 or fp32")
    info = require(path, {Kind.BASE, Kind.FOLDER}, family)
    dtypes = {part: vae_dtype if part is Part.VAE else dtype for part in Part}
    description = config or resources_dir() / "configs" / CONFIG_FOLDERS[family]
    with _explained(path):
        if info.kind is Kind.FOLDER:
            return _from_folder(info, family, dtypes, beside or {})
        return _from_file(info, family, dtypes, description, beside or {})


def _from_file(
    info: FileInfo, family: Family, dtypes: Mapping[Part, torch.dtype], config: Path, beside: Mapping[Part, Path]
) -> BaseModel:
    header = read_header(info.path)
    own = {part: PartFile(header, place) for part, place in find_parts(header).items()}
    files = own | {part: part_file(path, part) for part, path in beside.items()}
    for part in NEEDED_PARTS[family]:
        if part not in files:
            raise CheckpointError(f"{info.path.name} holds no {part.said}", where_to_put(part))
    _require_built_as(info, files[Part.UNET], family, config)
    texts = [part for part in NEEDED_PARTS[family] if part in (Part.TEXT, Part.TEXT_2)]
    return BaseModel(
        load_unet(files[Part.UNET], family, config, dtypes[Part.UNET]),
        load_vae(files[Part.VAE], config, dtypes[Part.VAE]),
        _scheduler(config, info.sampling),
        _tokenizers(family),
        tuple(load_text(files[part], part, config, dtypes[part]) for part in texts),
        _zeros_for_empty(config),
        info.sampling,
    )


def _require_built_as(info: FileInfo, unet: PartFile, family: Family, config: Path) -> None:
    """Raises CheckpointError, which says how another size of the family's UNet differs."""
    if other := differences(Structure.of_header(unet.header, unet.place, info.width), described(config)):
        raise CheckpointError(
            f"{info.path.name} is no plain {family.value}: its UNet has {other}",
            f"Choose the plain {family.value}, or a model made from it",
        )


def part_file(path: Path, part: Part) -> PartFile:
    """A file that holds this part, alone or among others.

    Raises:
        CheckpointError: it does not.
    """
    header = read_header(path)
    parts = find_parts(header)
    if part is Part.TEXT_2 and part not in parts and Part.TEXT in parts:  # narrow ones do not tell which they are
        part = Part.TEXT
    if part not in parts:
        raise CheckpointError(f"{path.name} holds no {part.said}", f"Choose a file of a {part.said}")
    return PartFile(header, parts[part])


def where_to_put(part: Part) -> str:
    folder = "vae" if part is Part.VAE else "text_encoders"
    return f"Put a file of its {part.said} into the folder {folder} of the models, or choose a whole checkpoint"


def _scheduler(config: Path, sampling: Sampling) -> SchedulerMixin:
    """The noise schedule that the file asks for; what steps through it is chosen for each run."""
    described = dict(DDIMScheduler.load_config(config / "scheduler"))
    if sampling.prediction is not None:
        described["prediction_type"] = sampling.prediction
    if sampling.zero_terminal_snr:
        described |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    return DDIMScheduler.from_config(described)


def _tokenizers(family: Family) -> tuple[CLIPTokenizer, ...]:
    vocabulary = resources_dir() / "configs" / "clip_tokenizer"
    first = CLIPTokenizer.from_pretrained(vocabulary)
    return (first,) if family is Family.SD15 else (first, CLIPTokenizer.from_pretrained(vocabulary, pad_token="!"))


def _zeros_for_empty(folder: Path) -> bool:
    path = folder / "model_index.json"
    described = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return bool(described.get("force_zeros_for_empty_prompt", True))


def _from_folder(
    info: FileInfo, family: Family, dtypes: Mapping[Part, torch.dtype], beside: Mapping[Part, Path]
) -> BaseModel:
    folder = info.path
    for part in Part:
        for file in sorted((folder / part.value).glob("*.safetensors")):
            read_header(file)
            require_finite(file)
    given: dict[str, Any] = {part.value: _loaded(path, part, folder, dtypes[part]) for part, path in beside.items()}
    pipeline = _pipeline(folder, family, dtypes, given)
    found: dict[str, Any] = pipeline.components
    text_encoders = tuple(found[name] for name in ("text_encoder", "text_encoder_2") if found.get(name) is not None)
    tokenizers = tuple(found[name] for name in ("tokenizer", "tokenizer_2") if found.get(name) is not None)
    for module in (found["unet"], found["vae"], *text_encoders):
        _require_whole(folder, module)
        module.eval().requires_grad_(False)
        # not diffusers' own `to`, which warns of modules to keep in float32 where there are none
        nn.Module.to(module, dtypes[Part.VAE] if module is found["vae"] else dtypes[Part.UNET])
    return BaseModel(
        found["unet"],
        found["vae"],
        found["scheduler"],
        tokenizers,
        text_encoders,
        _zeros_for_empty(folder),
        info.sampling,
    )


def _loaded(path: Path, part: Part, folder: Path, dtype: torch.dtype) -> nn.Module:
    """A part from a file of its own, described by the folder that it goes into."""
    load: Callable[..., nn.Module] = load_vae if part is Part.VAE else load_text
    return load(part_file(path, part), *(() if part is Part.VAE else (part,)), folder, dtype)


def _pipeline(
    folder: Path, family: Family, dtypes: Mapping[Part, torch.dtype], given: Mapping[str, Any]
) -> DiffusionPipeline:
    halves = list((folder / "unet").glob("*.fp16.safetensors"))
    plain = [path for path in (folder / "unet").glob("*.safetensors") if path not in halves]
    return _PIPELINES[family].from_pretrained(
        folder,
        use_safetensors=True,
        local_files_only=True,
        variant=None if plain else "fp16",
        dtype={"default": dtypes[Part.UNET], "vae": dtypes[Part.VAE]},
        **given,
        **_without_checker(family),
    )


def _without_checker(family: Family) -> dict[str, Any]:
    if family is not Family.SD15:
        return {}
    return {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What diffusers and transformers raise about a file, as an error that names the file."""
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        remedy = "Choose another version of the model, or look at its configuration"
        raise CheckpointError(f"{path.name} cannot be read: {reason}", remedy) from error


def _require_whole(path: Path, module: nn.Module) -> None:
    """diffusers leaves parameters that a file lacks on the meta device."""
    missing = [name for name, parameter in module.named_parameters() if parameter.is_meta]
    if missing:
        raise CheckpointError(
            f"{path.name} lacks {len(missing)} weights of its {type(module).__name__}, the first is {missing[0]}",
            "Choose a model that holds all of them",
        )
