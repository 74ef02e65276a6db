"""Adding released offsets to a UNet, and taking them away again without a trace."""

from __future__ import annotations

from functools import partial
from types import TracebackType

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from acetate_engine.models.adapters.concat_condition import grow_conv_in
from acetate_engine.models.adapters.parameter_patch import ParameterPatch
from acetate_engine.models.checkpoints.load import require_finite
from acetate_engine.models.checkpoints.offsets import OffsetFile

_STACK = "acetate_patches"  # on the UNet itself, so that the two are freed together


class UNetPatch:
    """One file of offsets for one UNet: `apply()` and `remove()` as often as wanted, or a `with` block.

    The original parameters are kept (on the CPU, where those of a UNet on the CPU take no extra memory) and put back as
    they were, bit for bit; `conv_in` gets its former number of channels back. Patches are removed last in, first out.
    Group offloading must be off meanwhile (Placement.changing). Style LoRAs may be loaded before or after.

    Raises:
        CheckpointError: the file does not fit this UNet, or is damaged. Nothing has been changed then.
    """

    def __init__(self, unet: UNet2DConditionModel, file: OffsetFile) -> None:
        self.unet = unet
        self.file = file
        self._patch = ParameterPatch()
        base = {name: tuple(parameter.shape) for name, parameter in _parameters(unet).items()}
        file.require_fit(base)
        require_finite(file.path)

    def apply(self) -> None:
        """Add the offsets, computed in float32 and stored in the UNet's dtype.

        Raises:
            RuntimeError: it is applied already.
        """
        stack: list[UNetPatch] = self.unet.__dict__.setdefault(_STACK, [])
        if self in stack:
            raise RuntimeError(f"{self.file.path.name} is applied already")
        stack.append(self)
        try:
            self._add_all()
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Put back what was there.

        Raises:
            RuntimeError: it is not the patch that was applied last.
        """
        stack: list[UNetPatch] = self.unet.__dict__.get(_STACK, [])
        if not stack or stack[-1] is not self:
            raise RuntimeError(f"{self.file.path.name} is not the patch that was applied last to this UNet")
        self._patch.undo()
        stack.pop()

    @torch.no_grad()
    def _add_all(self) -> None:
        channels = self.file.input_channels
        if channels is not None and channels > self.unet.conv_in.in_channels:
            self._patch.on_undo(grow_conv_in(self.unet, channels))
        owners = _owners(self.unet)
        for name, parts in self.file.read():
            layer, own = owners[name]
            self._patch.add(layer, own, partial(_offset, parts))

    def __enter__(self) -> UNetPatch:
        self.apply()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


def _offset(parts: tuple[Tensor, ...], device: torch.device) -> Tensor:
    offset, *factors = (part.to(device, torch.float32) for part in parts)
    return offset @ factors[0] if factors else offset


def _parameters(unet: UNet2DConditionModel) -> dict[str, nn.Parameter]:
    """The UNet's own parameters by their plain names, also where style LoRAs have wrapped a layer."""
    return {name: layer.get_parameter(own) for name, (layer, own) in _owners(unet).items()}


def _owners(unet: UNet2DConditionModel) -> dict[str, tuple[nn.Module, str]]:
    """(layer, name in it) of the same."""
    return {
        name.replace(".base_layer.", "."): (unet.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2])
        for name, _ in unet.named_parameters()
        if ".lora_" not in name and ".processor." not in name
    }
