"""Styles in a base model: LoRAs by peft, and what peft has no layer for in the parameters themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.utils.peft_utils import recurse_remove_peft_layers, set_weights_and_activate_adapters
from torch import Tensor, nn

from acetate_engine.models.adapters.lora_algebra import LowRank, Tensors, reshaped_difference
from acetate_engine.models.adapters.lora_files import layer_of, read_lora
from acetate_engine.models.adapters.lora_names import LayerNames
from acetate_engine.models.adapters.parameter_patch import ParameterPatch
from acetate_engine.models.checkpoints.info import Family


class StyleLoras:
    """Those in a base model; without any, its modules are the very ones that they were.

    Not to be changed while a layer adapter is attached: those are merged with them.

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
        self._family = family
        self._files = files
        self._parts: dict[str, nn.Module] = {"unet": unet}
        self._parts |= dict(zip(("text_encoder", "text_encoder_2"), text_encoders, strict=False))
        self._names = LayerNames(self._parts, family)
        self._patch = ParameterPatch()
        self.embeddings: dict[str, dict[str, Tensor]] = {}  # words that came with those in use
        self.notes: tuple[str, ...] = ()  # what of those in use has no place in this model

    def use(self, wanted: Mapping[str, float]) -> None:
        """These, by name, with these weights, in place of all others.

        Raises:
            CheckpointError: a file is damaged, or does not fit the model; none is in it then.
        """
        self._remove_all()
        try:
            for index, (name, weight) in enumerate(wanted.items()):
                self._add(self._files[name], weight, _adapter(index))
        except BaseException:
            self._remove_all()
            raise
        adapters, weights = [_adapter(index) for index in range(len(wanted))], list(wanted.values())
        for part in self._parts.values():
            if hasattr(part, "peft_config"):
                set_weights_and_activate_adapters(part, adapters, weights)

    def _add(self, path: Path, weight: float, adapter: str) -> None:
        file = read_lora(path, self._family, self._parts, self._names)
        for prefix, factors in file.factors.items():
            _put_in(self._parts[prefix], factors, adapter)
        for prefix, changes in file.tensors.items():
            for name, tensors in changes.items():
                self._add_difference(layer_of(self._parts[prefix], name), tensors, weight)
        self.embeddings |= file.embeddings
        self.notes = (*self.notes, *file.unused)

    def _add_difference(self, layer: nn.Module, tensors: Tensors, weight: float) -> None:
        """What peft has no layer for, or none that may be mixed with others: into the parameters themselves."""
        difference = reshaped_difference(tensors, layer)
        for name, offset in (("weight", difference.weight), ("bias", difference.bias)):
            if offset is not None:
                self._patch.add(layer, name, partial(_scaled, offset, weight))

    def _remove_all(self) -> None:
        self._patch.undo()
        self.embeddings, self.notes = {}, ()
        parts: list[Any] = [part for part in self._parts.values() if hasattr(part, "peft_config")]
        for part in parts:
            recurse_remove_peft_layers(part)
            del part.peft_config
            part._hf_peft_config_loaded = False


def _put_in(part: Any, factors: Mapping[str, LowRank], adapter: str) -> None:
    """By peft, in what the part computes in: it would keep them as the weights are kept, maybe in 8 bits."""
    from peft import LoraConfig, inject_adapter_in_model  # takes long to import: not without a style

    ranks = {name: len(pair.down) for name, pair in factors.items()}
    rank = Counter(ranks.values()).most_common(1)[0][0]
    others = {name: own for name, own in ranks.items() if own != rank}
    config = LoraConfig(
        r=rank, lora_alpha=rank, target_modules=list(factors), rank_pattern=others, alpha_pattern=others
    )
    inject_adapter_in_model(config, part, adapter, low_cpu_mem_usage=True)
    for name, pair in factors.items():
        layer = part.get_submodule(name)
        for tensors, value in ((layer.lora_A, pair.down), (layer.lora_B, pair.up)):
            target = tensors[adapter]
            weight = value.to(layer.base_layer.weight.device, part.dtype).contiguous()
            target.weight = nn.Parameter(weight, requires_grad=False)


def _scaled(offset: Tensor, weight: float, device: torch.device) -> Tensor:
    return offset.to(device) * weight


def _adapter(index: int) -> str:
    """peft's names make module names, so those of files, which may hold dots, will not do."""
    return f"style_{index}"
