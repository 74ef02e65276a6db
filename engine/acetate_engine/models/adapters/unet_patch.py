"""Adding released offsets to a UNet, and taking them away again without a trace."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from acetate_engine.models.adapters.concat_condition import grow_conv_in
from acetate_engine.models.checkpoints.load import require_finite
from acetate_engine.models.checkpoints.offsets import OffsetFile

_STACK = "acetate_patches"  # on the UNet itself, so that the two are freed together


class UNetPatch:
    """One file of offsets for one UNet: `apply()` and `remove()` as often as wanted, or a `with` block.

    The original parameters are kept (on the CPU, where those of a UNet on the CPU take no extra memory) and put back as
    they were, bit for bit; `conv_in` gets its former number of channels back. Patches are removed last in, first out.
    Apply before layerwise casting and offload hooks are set up. Style LoRAs may be loaded before or after.

    Raises:
        CheckpointError: the file does not fit this UNet, or is damaged. Nothing has been changed then.
    """

    def __init__(self, unet: UNet2DConditionModel, file: OffsetFile) -> None:
        self.unet = unet
        self.file = file
        self._undo: list[Callable[[], None]] = []
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
        while self._undo:
            self._undo.pop()()
        stack.pop()

    @torch.no_grad()
    def _add_all(self) -> None:
        channels = self.file.input_channels
        if channels is not None and channels > self.unet.conv_in.in_channels:
            self._undo.append(grow_conv_in(self.unet, channels))
        parameters = _parameters(self.unet)
        for name, parts in self.file.read():
            self._add(parameters[name], parts)

    def _add(self, parameter: nn.Parameter, parts: tuple[Tensor, ...]) -> None:
        original = parameter.data
        offset, *factors = (part.to(original.device, torch.float32) for part in parts)
        if factors:
            offset = offset @ factors[0]
        kept = original.to("cpu")
        parameter.data = (original.float() + offset).to(original.dtype)

        def put_back() -> None:
            parameter.data = kept.to(parameter.device)

        self._undo.append(put_back)

    def __enter__(self) -> UNetPatch:
        self.apply()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


def _parameters(unet: UNet2DConditionModel) -> dict[str, nn.Parameter]:
    """The UNet's own parameters by their plain names, also where style LoRAs have wrapped a layer."""
    return {
        name.replace(".base_layer.", "."): parameter
        for name, parameter in unet.named_parameters()
        if ".lora_" not in name and ".processor." not in name
    }
