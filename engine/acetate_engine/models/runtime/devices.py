"""Which device computes, and in what: decided once, from what torch has here."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

_GRAPHICS = ("cuda", "xpu", "mps")  # in the order of preference: NVIDIA and AMD, Intel, Apple


@dataclass(frozen=True)
class Precision:
    """What the parts of a model compute in."""

    unet: torch.dtype  # and text encoders, ControlNets, image encoders
    vae: torch.dtype  # overflows in fp16


def best_device() -> torch.device:
    """A graphics card where torch has one that works, the CPU otherwise."""
    return torch.device(next((kind for kind in _GRAPHICS if _is_available(kind)), "cpu"))


def _is_available(kind: str) -> bool:
    backend = torch.backends.mps if kind == "mps" else getattr(torch, kind, None)
    return bool(backend is not None and backend.is_available())


def precision_on(device: torch.device) -> Precision:
    """fp32 on a CPU. bf16 only where it is real: emulated, it is slower than fp32 and takes the same memory."""
    if device.type == "cpu":
        return Precision(torch.float32, torch.float32)
    return Precision(torch.float16, torch.bfloat16 if has_bfloat16(device) else torch.float32)


def has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "xpu":
        return bool(torch.xpu.is_bf16_supported(including_emulation=False))
    return False


@cache
def computes_in_bf16() -> bool:
    """Whether this processor does, rather than torch in its place.

    oneDNN takes bf16 with any AVX-512, and computes it in fp32 where the processor has none: slower than fp32 itself.
    """
    ops: Any = torch.ops.mkldnn
    emulates = platform.machine() in ("x86_64", "AMD64") and not torch.cpu._is_avx512_bf16_supported()
    return bool(ops._is_mkldnn_bf16_supported()) and not emulates


def transparency_dtype(device: torch.device, spare: int, decoding: int) -> torch.dtype:
    """Of the networks of transparency, whose alpha suffers in bf16: fp32 where that fits, fp16 elsewhere.

    Mean error of alpha on the golden weights: 0.3/255 in fp16, 1.8/255 in bf16.

    Args:
        spare: bytes that are free on the device beside the weights of the model.
        decoding: bytes that decoding one layer takes in fp32.
    """
    return torch.float32 if device.type == "cpu" or spare >= decoding else torch.float16


def name_of(device: torch.device) -> str:
    """As a bug report wants it."""
    if device.type in ("cuda", "xpu"):
        return f"{getattr(torch, device.type).get_device_name(device)} ({device.type})"
    return "Apple's graphics processor (mps)" if device.type == "mps" else device.type


def empty_caches() -> None:
    """Give back what torch holds of a graphics card's memory and does not use."""
    for kind in _GRAPHICS:
        if _is_available(kind):
            getattr(torch, kind).empty_cache()
