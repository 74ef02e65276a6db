"""Parts of a base model from single files, each into a module that its configuration describes.

Every tensor is read once, at its use: brought to the dtype that the module computes in (8-bit weights times their
scales), and looked at for values that are no numbers. What no part reads is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint, convert_open_clip_checkpoint
from safetensors import safe_open
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.header import Header, require_shapes
from acetate_engine.models.checkpoints.info import Family
from acetate_engine.models.checkpoints.names import SD15_ATTENTION_UP_BLOCKS, SDXL_ATTENTION_UP_BLOCKS, to_ldm
from acetate_engine.models.checkpoints.parts import Naming, Part, PartPlace, names_of
from acetate_engine.models.networks.empty import empty_parameters

_ATTENTION_UP_BLOCKS = {Family.SD15: SD15_ATTENTION_UP_BLOCKS, Family.SDXL: SDXL_ATTENTION_UP_BLOCKS}
_SCALES = ("scale_weight", "weight_scale")
_INCOMPLETE = "Choose a file that holds all of it; what is missing was left out when it was made"

Module = TypeVar("Module", bound=nn.Module)


class PartFile:
    """One part's tensors in a file."""

    def __init__(self, header: Header, place: PartPlace) -> None:
        self.header = header
        self.place = place
        self.names = names_of(header, place)

    @property
    def path(self) -> Path:
        return self.header.path

    def read(self, names: Mapping[str, str], dtype: torch.dtype) -> dict[str, Tensor]:
        """{name in the module: name in the file} → tensors by the former.

        Raises:
            CheckpointError: a value is no number.
        """
        with safe_open(self.path, "pt") as file:
            return {ours: self._tensor(file, theirs, dtype) for ours, theirs in names.items()}

    def _tensor(self, file: Any, name: str, dtype: torch.dtype) -> Tensor:
        tensor: Tensor = file.get_tensor(name)
        eight_bits = self.header.dtypes[name].startswith("F8")
        tensor = tensor.float() if eight_bits else tensor
        if eight_bits and (scale := self._scale(name)) is not None:
            tensor = tensor * file.get_tensor(scale).float()
        if tensor.is_floating_point() and not tensor.isfinite().all():
            remedy = "Choose another version of the model: this one was damaged when it was made"
            raise CheckpointError(f"{self.path.name} has values that are not numbers in {name}", remedy)
        return tensor.to(dtype) if tensor.is_floating_point() else tensor

    def _scale(self, name: str) -> str | None:
        stem = name.removesuffix("weight")
        return next((stem + scale for scale in _SCALES if stem + scale in self.header.shapes), None)


def load_unet(file: PartFile, family: Family, config: Path, dtype: torch.dtype) -> UNet2DConditionModel:
    """Raises CheckpointError where a tensor is missing, left over, of another shape, or no number."""
    with empty_parameters():
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(config / "unet"))
    blocks, original = _ATTENTION_UP_BLOCKS[family], file.place.naming is Naming.ORIGINAL
    names = {name: file.place.prefix + (to_ldm(name, blocks) if original else name) for name in unet.state_dict()}
    shapes = {names[name]: tuple(tensor.shape) for name, tensor in unet.state_dict().items()}
    require_shapes(file.path, {name: file.header.shapes[name] for name in file.names}, shapes)
    return _filled(unet, file.read(names, dtype))


def load_vae(file: PartFile, config: Path, dtype: torch.dtype) -> AutoencoderKL:
    """As `load_unet`; what is no part of a VAE is not looked at."""
    with empty_parameters():
        vae = AutoencoderKL.from_config(AutoencoderKL.load_config(config / "vae"))
    bare = {name.removeprefix(file.place.prefix): name for name in file.names}
    tensors = file.read({ours: name for ours, name in bare.items() if _of_vae(ours)}, dtype)
    if file.place.naming is Naming.ORIGINAL:
        tensors = convert_ldm_vae_checkpoint(
            {f"first_stage_model.{name}": x for name, x in tensors.items()}, vae.config
        )
    return _filled_from(file, vae, tensors, Part.VAE)


def _of_vae(name: str) -> bool:
    return name.startswith(("encoder.", "decoder.", "quant_conv.", "post_quant_conv."))


def load_text(
    file: PartFile, part: Part, config: Path, dtype: torch.dtype
) -> CLIPTextModel | CLIPTextModelWithProjection:
    """As `load_vae`."""
    build: Callable[..., Any] = CLIPTextModel if part is Part.TEXT else CLIPTextModelWithProjection
    described = CLIPTextConfig.from_pretrained(config / part.value)
    with empty_parameters():
        model = build(described)
    if file.place.naming is Naming.ORIGINAL:
        tensors = file.read({name: name for name in file.names}, dtype)
        tensors = convert_open_clip_checkpoint(model, tensors, prefix=file.place.prefix)
    else:
        tensors = file.read({name.removeprefix(file.place.prefix): name for name in file.names}, dtype)
    return _filled_from(file, model, _named_as_in(model, tensors), part)


def _named_as_in(model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Files and versions of transformers have `text_model.` before a name, or not."""
    plain = {name.removeprefix("text_model."): tensor for name, tensor in tensors.items()}
    return {name: plain[short] for name in model.state_dict() if (short := name.removeprefix("text_model.")) in plain}


def _filled_from(file: PartFile, module: Module, tensors: Mapping[str, Tensor], part: Part) -> Module:
    state = module.state_dict()
    missing = [name for name in state if name not in tensors]
    if missing:
        raise CheckpointError(
            f"{file.path.name} lacks {len(missing)} tensors of its {part.said}, the first is {missing[0]}", _INCOMPLETE
        )
    kept = {name: tensors[name] for name in state}
    require_shapes(
        file.path,
        {name: tuple(x.shape) for name, x in kept.items()},
        {name: tuple(x.shape) for name, x in state.items()},
    )
    return _filled(module, kept)


def _filled(module: Module, tensors: Mapping[str, Tensor]) -> Module:
    """Buffers that no file holds, such as the numbers of places in a text, are counted anew."""
    module.load_state_dict(tensors, strict=True, assign=True)
    for name, buffer in list(module.named_buffers()):
        if buffer.is_meta:
            owner = module.get_submodule(name.rpartition(".")[0])
            owner.register_buffer(name.rpartition(".")[2], torch.arange(buffer.shape[-1]).expand(buffer.shape), False)
    return module.eval().requires_grad_(False)
