"""Blocks that work in place give the same bits, and attention by products what torch's own gives."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn

from acetate_engine.models.runtime import in_place
from acetate_engine.models.runtime.devices import computes_in_bf16
from acetate_engine.models.runtime.in_place import InPlaceResnetBlock2D, attended
from acetate_engine.models.runtime.packing import pack, unpack

_needs_bf16 = pytest.mark.skipif(not computes_in_bf16(), reason="this processor has no bf16 arithmetic")


def _random(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _block(**settings: object) -> ResnetBlock2D:
    torch.manual_seed(0)
    return ResnetBlock2D(in_channels=8, groups=4, **{"temb_channels": 6, **settings}).eval().requires_grad_(False)


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("out", [8, 16])
@pytest.mark.parametrize("temb", [6, None])
def test_a_block_in_place_gives_the_same_bits(dtype: torch.dtype, out: int, temb: int | None) -> None:
    plain = _block(out_channels=out, temb_channels=temb).to(dtype)
    ours = copy.deepcopy(plain)
    ours.__class__ = InPlaceResnetBlock2D
    x, time = _random(2, 8, 6, 6).to(dtype), None if temb is None else _random(2, temb).to(dtype)
    given, told = x.clone(), None if time is None else time.clone()
    assert torch.equal(ours(x, time), plain(given, told))
    assert torch.equal(x, given) and (time is None or torch.equal(time, told))  # what comes in stays as it was


@pytest.mark.parametrize("settings", [{"up": True}, {"output_scale_factor": 2.0}, {"non_linearity": "mish"}])
def test_other_blocks_stay_what_they_are(settings: dict[str, object]) -> None:
    block = _block(**settings)
    pack(block)
    assert type(block) is ResnetBlock2D


def test_with_gradients_a_block_is_torchs() -> None:
    block = _block()
    pack(block)
    x = _random(1, 8, 4, 4).requires_grad_()
    block(x, _random(1, 6)).sum().backward()
    assert type(block) is InPlaceResnetBlock2D and x.grad is not None


@_needs_bf16
@pytest.mark.parametrize("bytes_at_once", [64, 1 << 10, 1 << 20])  # single rows, parts of a head, all heads
def test_attention_in_parts_is_torchs_within_the_rounding(monkeypatch: pytest.MonkeyPatch, bytes_at_once: int) -> None:
    monkeypatch.setattr(in_place, "_AT_ONCE", bytes_at_once)
    q, k, v = (_random(2, tokens, 3 * 8, seed=tokens).view(2, tokens, 3, 8).transpose(1, 2) for tokens in (37, 21, 21))
    exact = F.scaled_dot_product_attention(q, k, v)
    with torch.no_grad():
        ours = attended(*(x.bfloat16() for x in (q, k, v)))
    assert (ours.float() - exact).abs().max() < 0.03


@_needs_bf16
@torch.no_grad()
def test_packed_attention_goes_by_products_in_bf16_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.dtype] = []
    monkeypatch.setattr(in_place, "attended", lambda q, k, v: seen.append(q.dtype) or attended(q, k, v))
    torch.manual_seed(0)
    layers = nn.ModuleList([Attention(16, heads=2, dim_head=8)]).eval()
    plain = copy.deepcopy(layers)
    pack(layers)
    x = _random(1, 9, 16)
    assert (layers[0](x) - plain[0](x)).abs().max() < 1e-5 and not seen
    masked = torch.zeros(1, 1, 9, dtype=torch.bfloat16)
    layers.bfloat16()[0](x.bfloat16(), attention_mask=masked)
    assert not seen
    assert (layers[0](x.bfloat16()).float() - plain[0](x)).abs().max() < 0.03 and seen == [torch.bfloat16]
    unpack(layers)
    assert type(layers[0].processor) is AttnProcessor2_0
