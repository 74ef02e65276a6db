"""Style LoRAs, those of LCM and TCD among them: diffusers reads them and puts them into UNet and text encoders."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
from diffusers.utils import convert_state_dict_to_diffusers, convert_state_dict_to_peft, convert_unet_state_dict_to_peft
from diffusers.utils.peft_utils import recurse_remove_peft_layers, set_weights_and_activate_adapters
from safetensors.torch import load_file
from torch import Tensor, nn

from acetate.protocol.errors import CheckpointError
from acetate_engine.models.checkpoints.header import read_header
from acetate_engine.models.checkpoints.kinds import Family, Kind, require
from acetate_engine.models.checkpoints.load import require_finite

_FACTOR = re.compile(r"(.+)\.lora_(A|B)\.weight")
_WRONG_FILE = "Choose a LoRA that was made for this model family."

Tensors = dict[str, Tensor]


class StyleLoras:
    """Those in a base model; without any, its modules are the very ones that they were.

    Not to be changed while layer weights are attached: those are merged with them.

    Args:
        unet, text_encoders: of the base; SD1.5 has one text encoder, SDXL two.
        files: by the names that requests call them.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        text_encoders: Sequence[nn.Module],
        family: Family,
        files: Mapping[str, Path],
    ) -> None:
        self.names = tuple(files)
        self._family = family
        self._files = files
        self._parts: dict[str, nn.Module] = {"unet": unet}
        self._parts |= dict(zip(("text_encoder", "text_encoder_2"), text_encoders, strict=False))

    def use(self, wanted: Mapping[str, float]) -> None:
        """These, by name, with these weights, in place of all others.

        Raises:
            CheckpointError: a file is damaged, or does not fit the model; none is in it then.
        """
        self._remove_all()
        try:
            for index, name in enumerate(wanted):
                self._add(self._files[name], _adapter(index))
        except BaseException:
            self._remove_all()
            raise
        adapters, weights = [_adapter(index) for index in range(len(wanted))], list(wanted.values())
        for part in self._parts.values():
            if hasattr(part, "peft_config"):
                set_weights_and_activate_adapters(part, adapters, weights)

    def _add(self, path: Path, adapter: str) -> None:
        state, alphas = read_lora(path, self._family, self._parts)
        for prefix, part in self._parts.items():
            if not any(name.startswith(f"{prefix}.") for name in state):
                continue
            if prefix == "unet":
                StableDiffusionXLPipeline.load_lora_into_unet(state, alphas, part, adapter, low_cpu_mem_usage=True)
                _keep_in_full(part, _factors(state, prefix), adapter)
            else:
                StableDiffusionXLPipeline.load_lora_into_text_encoder(state, alphas, part, prefix, adapter_name=adapter)

    def _remove_all(self) -> None:
        parts: list[Any] = [part for part in self._parts.values() if hasattr(part, "peft_config")]
        for part in parts:
            recurse_remove_peft_layers(part)
            del part.peft_config
            part._hf_peft_config_loaded = False


def read_lora(path: Path, family: Family, parts: Mapping[str, nn.Module]) -> tuple[Tensors, dict[str, float] | None]:
    """Tensors in diffusers' naming and the alphas, checked against the modules of the base.

    Raises:
        CheckpointError: another kind or family, damaged, or with a tensor that has no place; the message names it.
    """
    require(path, {Kind.STYLE_LORA}, family)
    _refuse_others(path)
    require_finite(path)
    unet: Any = parts["unet"]
    try:
        state, alphas = StableDiffusionXLPipeline.lora_state_dict(load_file(path), unet_config=unet.config)
    except (KeyError, ValueError, AttributeError, IndexError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path.name} has tensors of unknown names: {reason}", _WRONG_FILE) from error
    state = _unet_in_peft_names(state)
    for name in state:
        if name.split(".")[0] not in parts:
            raise CheckpointError(f"{path.name} holds {name}, for which the model has no place", _WRONG_FILE)
    for prefix, part in parts.items():
        _require_fit(path, _factors(state, prefix), part)
    return state, alphas


def _refuse_others(path: Path) -> None:
    other = next(
        (name for name in read_header(path).shapes if re.search("dora_scale|magnitude|lokr_|hada_", name)), None
    )
    if other is not None:
        raise CheckpointError(
            f"{path.name} is no plain LoRA: it holds {other}", "Choose a LoRA without DoRA or LyCORIS."
        )


def _unet_in_peft_names(state: Tensors) -> Tensors:
    """diffusers does so only where the first tensor has no such name; its own files may mix both namings."""
    unet = {name: tensor for name, tensor in state.items() if name.startswith("unet.")}
    others = {name: tensor for name, tensor in state.items() if name not in unet}
    return others | convert_unet_state_dict_to_peft(unet)


def _factors(state: Tensors, prefix: str) -> Tensors:
    """Of one part of the model, in peft's naming."""
    own = {name.removeprefix(f"{prefix}."): x for name, x in state.items() if name.startswith(f"{prefix}.")}
    if prefix == "unet" or not own:
        return own
    return dict(convert_state_dict_to_peft(convert_state_dict_to_diffusers(own)))


def _require_fit(path: Path, factors: Tensors, part: nn.Module) -> None:
    modules = dict(part.named_modules())
    if "text_model" not in modules:  # newer transformers have flattened CLIPTextModel
        factors = {name.removeprefix("text_model."): x for name, x in factors.items()}
    for name, tensor in factors.items():
        found = _FACTOR.fullmatch(name)
        layer = modules.get(found[1]) if found else None
        weight = getattr(layer, "weight", None)
        if found is None or not isinstance(weight, Tensor):
            raise CheckpointError(f"{path.name} holds {name}, for which the model has no place", _WRONG_FILE)
        other = f"{found[1]}.lora_{'B' if found[2] == 'A' else 'A'}.weight"
        if other not in factors:
            raise CheckpointError(f"{path.name} lacks {other}", "Download the file again.")
        wanted = tuple(weight.shape[1:]) if found[2] == "A" else (weight.shape[0],)
        given = tuple(tensor.shape[1:]) if found[2] == "A" else (tensor.shape[0],)
        if wanted != given:
            raise CheckpointError(f"{path.name}: {name} is for {given}, and the model has {wanted}", _WRONG_FILE)


def _keep_in_full(unet: Any, factors: Tensors, adapter: str) -> None:
    """In what the UNet computes in: peft keeps them as the weights are kept, in 8 bits under layerwise casting."""
    for name, tensor in factors.items():
        parameter = unet.get_parameter(f"{name.removesuffix('.weight')}.{adapter}.weight")
        parameter.data = tensor.to(parameter.device, unet.dtype)


def _adapter(index: int) -> str:
    """peft's names make module names, so those of files, which may hold dots, will not do."""
    return f"style_{index}"
