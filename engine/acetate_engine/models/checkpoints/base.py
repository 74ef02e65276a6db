"""Base models: SD1.5 and SDXL checkpoints in a single file or in a diffusers folder, from this machine's disk only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DiffusionPipeline,
    SchedulerMixin,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.loaders.single_file_utils import SingleFileComponentError
from torch import nn
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.header import read_header, require_shapes
from acetate_engine.models.checkpoints.kinds import Family, FileInfo, Kind, require
from acetate_engine.models.checkpoints.load import require_finite
from acetate_engine.models.checkpoints.names import SD15_ATTENTION_UP_BLOCKS, SDXL_ATTENTION_UP_BLOCKS, to_ldm
from acetate_engine.paths import resources_dir

_PIPELINES = {Family.SD15: StableDiffusionPipeline, Family.SDXL: StableDiffusionXLPipeline}
_CONFIGS = {Family.SD15: "sd15", Family.SDXL: "sdxl"}
_ATTENTION_UP_BLOCKS = {Family.SD15: SD15_ATTENTION_UP_BLOCKS, Family.SDXL: SDXL_ATTENTION_UP_BLOCKS}
_UNET = "model.diffusion_model."
_FOLDER_PARTS = ("unet", "vae", "text_encoder", "text_encoder_2")
_LATENT_CHANNELS = 4


@dataclass(frozen=True)
class BaseModel:
    """The parts of a base model, on the CPU, for inference. SDXL has two tokenizers and text encoders, SD1.5 one."""

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    scheduler: SchedulerMixin
    tokenizers: tuple[CLIPTokenizer, ...]
    text_encoders: tuple[CLIPTextModel | CLIPTextModelWithProjection, ...]


def load_base(
    path: Path,
    family: Family,
    dtype: torch.dtype = torch.float32,
    vae_dtype: torch.dtype = torch.float32,
    config: Path | None = None,
) -> BaseModel:
    """Load the base model at `path`; the network is never asked.

    Args:
        path: a `.safetensors` checkpoint in the original naming, or a diffusers folder.
        family: SD15 or SDXL.
        dtype: of UNet and text encoders.
        vae_dtype: of the VAE, which overflows in fp16: float32 or bfloat16.
        config: for a single file, a diffusers folder without weights that describes the parts; the released
            configuration of the family if None.

    Raises:
        CheckpointError: of another family, an inpainting model, a pickle, damaged, or incomplete.
        ValueError: `vae_dtype` is float16.
    """
    if vae_dtype == torch.float16:
        raise ValueError("the autoencoder overflows in fp16: load it in bf16 or fp32")
    info = require(path, {Kind.BASE, Kind.FOLDER}, family)
    _require_text_to_image(info)
    for file in _weight_files(info):
        read_header(file)
        require_finite(file)
    if info.kind is Kind.BASE:
        _require_unet(path, family, config or resources_dir() / "configs" / _CONFIGS[family])
    with _explained(path):
        pipeline = _from_folder(path, family) if info.kind is Kind.FOLDER else _from_file(path, family, config)
    return _parts(path, pipeline, dtype, vae_dtype)


def _require_text_to_image(info: FileInfo) -> None:
    if info.input_channels != _LATENT_CHANNELS:
        raise CheckpointError(
            f"{info.path.name} is an inpainting or editing model with {info.input_channels} input channels",
            "Choose the model that it was made from; regions are inpainted with that one",
        )


def _require_unet(path: Path, family: Family, config: Path) -> None:
    """diffusers does not say which weights of a single file are missing."""
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(config / "unet"))
    expected = {
        _UNET + to_ldm(name, _ATTENTION_UP_BLOCKS[family]): tuple(tensor.shape)
        for name, tensor in unet.state_dict().items()
    }
    found = {name: shape for name, shape in read_header(path).shapes.items() if name.startswith(_UNET)}
    require_shapes(path, found, expected)


def _weight_files(info: FileInfo) -> Iterator[Path]:
    if info.kind is Kind.BASE:
        yield info.path
        return
    for part in _FOLDER_PARTS:
        yield from sorted((info.path / part).glob("*.safetensors"))


def _from_folder(folder: Path, family: Family) -> DiffusionPipeline:
    halves = list((folder / "unet").glob("*.fp16.safetensors"))
    plain = [path for path in (folder / "unet").glob("*.safetensors") if path not in halves]
    return _PIPELINES[family].from_pretrained(
        folder,
        use_safetensors=True,
        local_files_only=True,
        variant=None if plain else "fp16",
        **_without_checker(family),
    )


def _from_file(path: Path, family: Family, config: Path | None) -> DiffusionPipeline:
    described = resources_dir() / "configs"
    vocabulary = described / "clip_tokenizer"
    tokenizers = {"tokenizer": CLIPTokenizer.from_pretrained(vocabulary)}
    if family is Family.SDXL:
        tokenizers["tokenizer_2"] = CLIPTokenizer.from_pretrained(vocabulary, pad_token="!")
    return _PIPELINES[family].from_single_file(
        str(path),
        config=str(config or described / _CONFIGS[family]),
        local_files_only=True,
        **tokenizers,
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
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError, SingleFileComponentError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise CheckpointError(f"{path.name} cannot be read: {reason}", "Download the model again") from error


def _parts(path: Path, pipeline: DiffusionPipeline, dtype: torch.dtype, vae_dtype: torch.dtype) -> BaseModel:
    found: dict[str, Any] = pipeline.components
    unet, vae = found["unet"], found["vae"]
    text_encoders = tuple(found[name] for name in ("text_encoder", "text_encoder_2") if found.get(name) is not None)
    tokenizers = tuple(found[name] for name in ("tokenizer", "tokenizer_2") if found.get(name) is not None)
    modules: tuple[nn.Module, ...] = (unet, vae, *text_encoders)
    for module in modules:
        _require_whole(path, module)
        # not diffusers' own `to`, which warns of modules to keep in float32 where there are none
        nn.Module.to(module.eval().requires_grad_(False), vae_dtype if module is vae else dtype)
    return BaseModel(unet, vae, found["scheduler"], tokenizers, text_encoders)


def _require_whole(path: Path, module: nn.Module) -> None:
    """diffusers leaves parameters that a file lacks on the meta device."""
    missing = [name for name, parameter in module.named_parameters() if parameter.is_meta]
    if missing:
        raise CheckpointError(
            f"{path.name} lacks {len(missing)} weights of its {type(module).__name__}, the first is {missing[0]}",
            "Download the model again",
        )
