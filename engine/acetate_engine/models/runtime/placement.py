"""Where the parts of a model are: chosen from the memory there is, done by the hooks of diffusers and accelerate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

import psutil
import torch
from accelerate import cpu_offload_with_hook
from diffusers import UNet2DConditionModel
from diffusers.hooks import HookRegistry
from torch import nn

_RESERVE = 2 << 30  # bytes for what is computed, the decoding of pictures included, which goes on in tiles
_STREAMING = ("cuda", "xpu")  # devices with a memory of their own and streams that copy while computing
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


def choose_policy(free: int, weights: WeightBytes, device: torch.device, host_free: int) -> Policy:
    """The fastest that fits; the only one that changes pixels comes last.

    Args:
        free: bytes that are free on the device.
        host_free: bytes that are free in main memory beside the model, which has been loaded there.
    """
    if device.type not in _STREAMING:  # it computes in main memory: moving weights would save nothing
        return Policy.ALL_ON_DEVICE
    if weights.total + _RESERVE <= free:
        return Policy.ALL_ON_DEVICE
    if weights.largest + _RESERVE <= free:
        return Policy.MODEL_OFFLOAD
    if weights.largest <= host_free:  # layers are copied from pinned memory
        return Policy.GROUP_OFFLOAD
    return Policy.LAYERWISE_CASTING


def free_bytes(device: torch.device) -> int:
    """On a streaming device; in main memory for any other."""
    if device.type in _STREAMING:
        free, _ = getattr(torch, device.type).mem_get_info(device)
        return int(free)
    return int(psutil.virtual_memory().available)


class Placement:
    """The parts of a model, put where a policy wants them.

    Args:
        before: what is used before the UNet, in this order: text encoders.
        after: what is used after it: VAE, transparent decoder.
        storage: what layerwise casting keeps weights in.
    """

    def __init__(
        self,
        policy: Policy,
        device: torch.device,
        before: Sequence[nn.Module],
        unet: UNet2DConditionModel,
        after: Sequence[nn.Module],
        storage: torch.dtype = torch.float8_e4m3fn,
    ) -> None:
        self.policy = policy
        self._device = device
        self._unet = unet
        if policy is Policy.LAYERWISE_CASTING:
            unet.enable_layerwise_casting(storage_dtype=storage, compute_dtype=unet.dtype)
            nn.Module.to(unet, device)
        if policy is Policy.ALL_ON_DEVICE:
            for part in (*before, unet, *after):
                nn.Module.to(part, device)
        else:
            middle = [unet] if policy is Policy.MODEL_OFFLOAD else []
            _offload_in_turn([*before, *middle, *after], device)
        self._stream_groups()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Around any change of the UNet's layers: hooks of groups refer to the tensors that were there before."""
        if self.policy is Policy.GROUP_OFFLOAD:
            registry = HookRegistry.check_if_exists_or_initialize(self._unet)
            for name in _GROUP_HOOKS:
                registry.remove_hook(name, recurse=True)
            nn.Module.to(self._unet, "cpu")
        try:
            yield
        finally:
            self._stream_groups()

    def _stream_groups(self) -> None:
        if self.policy is Policy.GROUP_OFFLOAD:
            streams = self._device.type in _STREAMING
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
