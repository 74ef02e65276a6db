"""Where the parts of a model are: chosen from the memory there is, done by the hooks of diffusers and accelerate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

import psutil
import torch
from accelerate import cpu_offload_with_hook
from accelerate.hooks import remove_hook_from_module
from diffusers import UNet2DConditionModel
from diffusers.hooks import HookRegistry
from torch import nn
from torch.utils.hooks import RemovableHandle

from acetate_engine.models.runtime.devices import empty_caches

_RESERVE = 2 << 30  # bytes for what is computed, where nobody has counted (estimates.py)
STREAMING = ("cuda", "xpu")  # devices with a memory of their own and streams that copy while computing
_GROUP_HOOKS = ("group_offloading", "layer_execution_tracker", "lazy_prefetch_group_offloading")


class Policy(Enum):
    """The value says it to a person."""

    ALL_ON_DEVICE = "all of the model stays on the device"
    MODEL_OFFLOAD = "one part of the model at a time is on the device"
    GROUP_OFFLOAD = "the layers of the UNet come to the device one after the other"
    LAYERWISE_CASTING = "the UNet's weights are kept in 8 bits, which changes the picture a little"


@dataclass(frozen=True)
class WeightBytes:
    """Of a model in the dtypes that it computes in."""

    total: int
    largest: int  # part: the UNet

    @staticmethod
    def of(parts: Sequence[nn.Module]) -> WeightBytes:
        sizes = [sum(x.numel() * x.element_size() for x in part.parameters()) for part in parts]
        return WeightBytes(sum(sizes), max(sizes))


def choose_policy(
    free: int, weights: WeightBytes, device: torch.device, host_free: int, reserve: int = _RESERVE, beside: int = 0
) -> Policy:
    """The fastest that fits; the only one that changes pixels comes last.

    With one part at a time on the device the UNet has left it before pictures are decoded, so that these need no tiles.

    Args:
        free: bytes that are free on the device.
        host_free: bytes that are free in main memory beside the model, which has been loaded there.
        reserve: bytes for what is computed: decoding, encoding and denoising at the size that the model works at.
        beside: bytes of what a job brings along and stays on the device: ControlNets, image encoders.
    """
    if device.type not in STREAMING:  # it computes in main memory: moving weights would save nothing
        return Policy.ALL_ON_DEVICE
    needed = reserve + beside
    if weights.total + needed <= free:
        return Policy.ALL_ON_DEVICE
    if weights.largest + needed <= free:
        return Policy.MODEL_OFFLOAD
    if weights.largest <= host_free:  # layers are copied from pinned memory
        return Policy.GROUP_OFFLOAD
    return Policy.LAYERWISE_CASTING


def free_bytes(device: torch.device) -> int:
    """On a streaming device; in main memory for any other."""
    if device.type in STREAMING:
        free, _ = getattr(torch, device.type).mem_get_info(device)
        return int(free)
    return int(psutil.virtual_memory().available)


class Placement:
    """The parts of a model, put where a policy wants them.

    Args:
        before: what is used before the UNet, in this order: text encoders.
        after: what is used after it: VAE, transparent decoder.
        storage: what layerwise casting keeps weights in.
        choose: the policy, by the bytes that a job brings along; None: it stays as it is.
        free: bytes that are free on a device that has a memory of its own; None: it has none.
    """

    def __init__(
        self,
        policy: Policy,
        device: torch.device,
        before: Sequence[nn.Module],
        unet: UNet2DConditionModel,
        after: Sequence[nn.Module],
        storage: torch.dtype = torch.float8_e4m3fn,
        choose: Callable[[int], Policy] | None = None,
        free: Callable[[], int] | None = None,
    ) -> None:
        self._device = device
        self._free = free
        self._away: RemovableHandle | None = None  # what brings the UNet back
        self._before, self._unet, self._after = before, unet, after
        self._choose = choose
        self.policy = policy
        if policy is Policy.LAYERWISE_CASTING:
            unet.enable_layerwise_casting(storage_dtype=storage, compute_dtype=unet.dtype)
        self._place()

    def fits_beside(self, beside: int) -> bool:
        """Whether all of the model stays on the device beside so many bytes."""
        return self._choose is None or self._choose(beside) is Policy.ALL_ON_DEVICE

    def make_room(self, beside: int) -> None:
        """For what a job brings along, in bytes; afterwards the model may come back to the device.

        Weights in 8 bits stay so: what was rounded is gone.
        """
        policy = self.policy if self._choose is None else self._choose(beside)
        if policy is self.policy or Policy.LAYERWISE_CASTING in (policy, self.policy):
            return
        self._remove_group_hooks()
        for part in (*self._before, self._unet, *self._after):
            remove_hook_from_module(part)
        self.policy = policy
        self._place()

    def clear_for(self, needed: int) -> None:
        """Before pictures are decoded or encoded: where so many bytes are not free beside the UNet, it makes way.

        It comes back to the device when it is called. Other policies take it away by themselves.
        """
        stays = self.policy in (Policy.ALL_ON_DEVICE, Policy.LAYERWISE_CASTING)
        if self._free is None or not stays or self._away is not None or self._free() >= needed:
            return
        nn.Module.to(self._unet, "cpu")
        empty_caches()
        self._away = self._unet.register_forward_pre_hook(self._bring_back)

    @property
    def unet_is_away(self) -> bool:
        return self._away is not None

    def _bring_back(self, module: nn.Module, given: object) -> None:
        self._forget_way_back()
        nn.Module.to(module, self._device)

    def _forget_way_back(self) -> None:
        if self._away is not None:
            self._away.remove()
            self._away = None

    def _place(self) -> None:
        self._forget_way_back()
        parts: list[Any] = [*self._before, self._unet, *self._after]
        if self.policy is Policy.ALL_ON_DEVICE:
            for part in parts:
                nn.Module.to(part, self._device)
        else:
            for part in parts:
                nn.Module.to(part, "cpu")
            others = parts if self.policy is Policy.MODEL_OFFLOAD else [p for p in parts if p is not self._unet]
            _offload_in_turn(others, self._device)
        if self.policy is Policy.LAYERWISE_CASTING:
            nn.Module.to(self._unet, self._device)
        self._stream_groups()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Around any change of the UNet's layers: hooks of groups refer to the tensors that were there before."""
        self._remove_group_hooks()
        try:
            yield
        finally:
            self._stream_groups()

    def _remove_group_hooks(self) -> None:
        if self.policy is Policy.GROUP_OFFLOAD:
            registry = HookRegistry.check_if_exists_or_initialize(self._unet)
            for name in _GROUP_HOOKS:
                registry.remove_hook(name, recurse=True)
            nn.Module.to(self._unet, "cpu")

    def _stream_groups(self) -> None:
        if self.policy is Policy.GROUP_OFFLOAD:
            streams = self._device.type in STREAMING
            self._unet.enable_group_offload(
                onload_device=self._device, offload_type="leaf_level", use_stream=streams, record_stream=streams
            )


def _offload_in_turn(parts: Sequence[Any], device: torch.device) -> None:
    """Each comes to the device when it is called, and the one before it in the ring goes."""
    hooks: list[Any] = []
    for part in parts:
        _, hook = cpu_offload_with_hook(part, device, hooks[-1] if hooks else None)
        hooks.append(hook)
    if len(hooks) > 1:
        hooks[0].hook.prev_module_hook = hooks[-1]  # the next job begins with the first again
