"""What computes, and in what: decided from what torch says of the device."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from acetate_engine.commands import doctor
from acetate_engine.models.runtime import devices
from acetate_engine.models.runtime.devices import (
    Precision,
    best_device,
    computes_in_bf16,
    name_of,
    precision_on,
    transparency_dtype,
)

HALF, BRAIN, FULL = torch.float16, torch.bfloat16, torch.float32
GIB = 1 << 30


def card(real: bool, emulated: bool = True) -> Callable[..., bool]:
    """`is_bf16_supported` of a device; torch counts emulation where nobody says otherwise."""
    return lambda including_emulation=True: real or (including_emulation and emulated)


@pytest.mark.parametrize("kind", ["cuda", "xpu"])
@pytest.mark.parametrize(("real", "vae"), [(True, BRAIN), (False, FULL)])
def test_bfloat16_only_where_the_device_has_it(
    kind: str, real: bool, vae: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getattr(torch, kind), "is_bf16_supported", card(real))
    assert precision_on(torch.device(kind)) == Precision(HALF, vae)


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists() or platform.machine() != "x86_64", reason="Linux lists them")
def test_bf16_is_asked_only_of_a_processor_that_lists_it() -> None:
    """oneDNN says yes to any AVX-512, and emulates."""
    listed = Path("/proc/cpuinfo").read_text()
    assert not computes_in_bf16() or "avx512_bf16" in listed


def test_apples_and_the_cpu() -> None:
    assert precision_on(torch.device("mps")) == Precision(HALF, FULL)
    assert precision_on(torch.device("cpu")) == Precision(FULL, FULL)


@pytest.mark.parametrize("kind", ["cuda", "xpu", "mps"])
@pytest.mark.parametrize(("spare", "wanted"), [(4 * GIB, FULL), (3 * GIB, HALF), (-GIB, HALF)])
def test_alpha_is_computed_in_full_where_that_fits_and_never_in_bfloat16(
    kind: str, spare: int, wanted: torch.dtype
) -> None:
    assert transparency_dtype(torch.device(kind), spare, 4 * GIB) is wanted
    assert transparency_dtype(torch.device("cpu"), spare, 4 * GIB) is FULL


def available(monkeypatch: pytest.MonkeyPatch, *kinds: str) -> None:
    monkeypatch.setattr(devices, "_is_available", lambda kind: kind in kinds)


@pytest.mark.parametrize(
    ("kinds", "chosen"), [((), "cpu"), (("mps",), "mps"), (("xpu",), "xpu"), (("mps", "xpu", "cuda"), "cuda")]
)
def test_every_kind_of_card_is_used_where_torch_has_it(
    kinds: tuple[str, ...], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    available(monkeypatch, *kinds)
    assert best_device().type == chosen


@pytest.mark.parametrize("kind", ["cuda", "xpu", "mps", "cpu"])
def test_doctor_tells_of_any_device(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    available(monkeypatch, kind)

    class Backend:
        """Of a card that is not here."""

        get_device_name = staticmethod(lambda device: f"A {kind} card")
        mem_get_info = staticmethod(lambda device: (3 * GIB, 8 * GIB))
        is_bf16_supported = staticmethod(card(real=False))

    if kind in ("cuda", "xpu"):
        monkeypatch.setattr(torch, kind, Backend)
    said: dict[str, Any] = doctor.device()
    assert kind in said["device"] and said["device"] == name_of(torch.device(kind))
    assert said["precision"] == f"UNet float{32 if kind == 'cpu' else 16}, VAE float32"
    assert said["memory"].endswith("on the device" if kind in ("cuda", "xpu") else "in main memory")
    assert ("A " in said["device"] and "3.0 GiB" in said["memory"]) == (kind in ("cuda", "xpu"))
