"""The transparent decoder and a denoising step at released size, with random weights."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn

from acetate_engine.models.networks.latent_transparency import PASSES, decode_alpha_rgb
from acetate_engine.models.networks.space_to_depth_transparency import SpaceToDepthTransparentDecoder
from acetate_engine.models.networks.transparency import TransparentDecoder
from acetate_engine.models.runtime.devices import computes_in_bf16
from acetate_engine.models.runtime.heap import keep_freed
from acetate_engine.models.runtime.memory import unsaid
from acetate_engine.models.runtime.packing import pack
from acetate_engine.verification.bench import EQUAL, Timing, sharing_steps
from acetate_engine.verification.seeded import seed_module
from acetate_engine.verification.table.limits import least
from acetate_engine.verification.table.line import Bound, Line, in_turn

_NARROW = (8, 8, 16, 16, 16, 16, 16)


def decoding(side: int, small: bool) -> Iterator[Line]:
    """Eight ways as published, one after the other in fp32, against ours, bf16 and drafts."""
    decoder = TransparentDecoder(**({"widths": _NARROW} if small else {})).eval().requires_grad_(False)
    seed_module(decoder)
    decoder.conv_out.bias.data += 0.5
    pixel, latent = _inputs(side)
    exact = _decoded(decoder, pixel, latent, 8, 1)
    (peer,) = in_turn(1, lambda: _decoded(decoder, pixel, latent, 8, 1))
    keep_freed()  # as the worker does
    nn.Module.to(decoder, memory_format=torch.channels_last)  # type: ignore[call-overload]  # as it is loaded for a processor
    pack(decoder)
    (ours,) = in_turn(1, lambda: _decoded(decoder, pixel, latent, 8))
    whole = partial(_decoded, decoder, pixel, latent, 8)
    found, notes, bounds = [f"{ours:.1f} s: {peer / ours:.2f}×"], [], [least(whole).beside(ours)]
    best, draft_holds = peer / ours, False
    for passes in PASSES[:-1]:
        (took,) = in_turn(1, partial(_decoded, decoder, pixel, latent, passes))
        away = (_decoded(decoder, pixel, latent, passes) - exact)[:, 0].abs().mean().item()
        notes.append(f"{passes} passes {peer / took:.1f}×, alpha MAE {away:.4f}")
        draft_holds = draft_holds or (peer / took >= 7 and away <= 0.01)
    spread = exact[:, 0].std().item()
    notes.append(f"alpha itself spreads by {spread:.3f}, so ways of random weights have nothing in common")
    notes.append(f"ways of mini's trained decoder: {SpaceToDepthTransparentDecoder.orientations}, in drafts and finals")
    if computes_in_bf16():
        nn.Module.to(decoder, torch.bfloat16)
        (took,) = in_turn(1, whole)
        away = (whole() - exact).abs().mean().item() * 255
        found.append(f"bf16 {peer / took:.2f}×, mean error {away:.2f}/255")
        bounds.append(least(whole).beside(took, "bf16"))
        best = max(best, peer / took if away <= 2 else 0.0)
    yield Line(
        f"transparent decode, {side}², eight ways",
        f"published, one after the other, fp32 {peer:.1f} s",
        "; ".join(found),
        "≥ 2.5× at 2/255; draft ≥ 7× at alpha MAE ≤ .01",
        best >= 2.5 and draft_holds,
        "; ".join(notes),
        tuple(bounds),
    )


@torch.no_grad()
def _decoded(
    decoder: TransparentDecoder, pixel: Tensor, latent: Tensor, passes: int, batch: int | None = None
) -> Tensor:
    return decode_alpha_rgb(decoder, pixel, latent, note=unsaid, passes=passes, batch=batch)


def _inputs(side: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    latent = torch.randn(1, 4, side // 8, side // 8, generator=generator)
    coarse = torch.rand(1, 3, side // 8, side // 8, generator=generator)
    return torch.nn.functional.interpolate(coarse, scale_factor=8.0, mode="bicubic").clamp(0, 1), latent


def steps(side: int, small: bool) -> Iterator[Line]:
    """SD1.5 with attention sharing, merged against published."""
    timings = list(sharing_steps(side, 1, small, side if computes_in_bf16() else None))
    for case, goal in (("joint", 1.3), ("conditioned", 1.3)):
        yield _step([timing for timing in timings if timing.case == case], case, side, goal)


def _step(timings: list[Timing], case: str, side: int, goal: float) -> Line:
    published, merged, *half = timings[:3]
    ratio = published.cpu_seconds / merged.cpu_seconds
    today = f"{merged.cpu_seconds:.1f} s: {ratio:.2f}×"
    fast, bounds = 0.0, list(_bounds(merged) if ratio < goal else ())
    if half and half[0].dtype == "bfloat16":
        fast = published.cpu_seconds / half[0].cpu_seconds
        today += f"; bf16 {fast:.2f}×"
        bounds += _bounds(half[0]) if fast < 2.5 else ()
    return Line(
        f"SD1.5 {case} step, {side}²",
        f"published way {published.cpu_seconds:.1f} s",
        f"{today}, {merged.error:.0e} apart",
        f"≥ {goal}×; bf16 ≥ 2.5×",
        ratio >= goal and fast >= 2.5 and merged.error <= EQUAL,
        "" if merged.error <= EQUAL else "pixels are not equal",
        tuple(bounds) if merged.error <= EQUAL else (),
    )


def _bounds(timing: Timing) -> Iterator[Bound]:
    if timing.least is not None:
        yield timing.least.beside(timing.cpu_seconds, "" if timing.dtype == "float32" else timing.dtype)
