"""Layer adapters do the same wherever the model's own weights are, and whatever these are kept in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from acetate_engine.models.adapters.attention_sharing import AttentionSharing
from acetate_engine.models.adapters.sharing_weights import SharingWeights, frame_attention
from acetate_engine.models.adapters.unet_patch import UNetPatch
from acetate_engine.models.checkpoints.offsets import OffsetFile
from acetate_engine.models.runtime.placement import Placement, Policy
from tests.engine.models import official, small

Attach = Callable[[nn.Module], AbstractContextManager[object]]
SMALL = 0.01  # of the weights' spread: what rounding to 8 bits would swallow


def small_offsets(unet: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Released files' offsets are about a hundredth of the weights that they are added to."""
    spread = float(torch.cat([x.flatten() for x in unet.parameters()]).std())
    return {name: x / x.std().clamp(min=1e-6) * SMALL * spread if x.numel() > 1 else x for name, x in tensors.items()}


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, int, Attach]]:
    """(family, frames or input channels, what puts a layer adapter in)."""
    folder, xl, sd = tmp_path_factory.mktemp("layers"), small.sdxl_unet(), small.sd15_unet()
    made: dict[str, tuple[str, int, Attach]] = {}
    rows = {
        "conv": (official.is_not_qkv, 4),
        "fg2ble": (official.is_convolutional, 8),
        "bgble2fg": (official.is_not_qkv, 12),
    }
    for name, (keep, channels) in rows.items():
        tensors = small_offsets(xl, official.diff_tensors(xl, keep, channels))
        path = official.save(tensors, folder / f"{name}.safetensors")
        made[name] = ("sdxl", channels, partial(_patched, path))
    for name, frames in (("transparent", 1), ("bg2fg", 2), ("joint", 3)):
        weights = SharingWeights.from_state_dict(official.sharing_tensors(sd, frames))
        made[name] = ("sd15", frames, partial(_shared, weights))
    return made


def _patched(path: Path, unet: nn.Module) -> UNetPatch:
    return UNetPatch(unet, OffsetFile(path))


def _shared(weights: SharingWeights, unet: nn.Module) -> AttentionSharing:
    return AttentionSharing(unet, weights)


TASKS = ["conv", "fg2ble", "bgble2fg", "transparent", "bg2fg", "joint"]


@torch.no_grad()
def predict(unet: nn.Module, count: int) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    if unet.config.addition_embed_type:
        sample = torch.randn(1, 12, 8, 8, generator=generator)[:, : unet.config.in_channels]
        return unet(sample, **small.sdxl_arguments(1)).sample
    sample = torch.randn(count, 4, 8, 8, generator=generator)
    return unet(sample, 300, torch.randn(count, 5, 48, generator=generator)).sample


def effect(unet: nn.Module, placement: Placement | None, count: int, attach: Attach) -> Tensor:
    """What layer adapters change, in the very model that they are put into; and that model is given back whole."""
    plain = predict(unet, count)
    kept = {name: parameter.clone() for name, parameter in unet.named_parameters()}
    if placement is None:
        with attach(unet):
            patched = predict(unet, count)
    else:
        with placement.changing():
            attached = attach(unet)
            attached.__enter__()
        patched = predict(unet, count)
        with placement.changing():
            attached.__exit__(None, None, None)
    after = dict(unet.named_parameters())
    assert after.keys() == kept.keys()
    assert all(after[name].dtype == x.dtype and torch.equal(after[name].float(), x.float()) for name, x in kept.items())
    return patched - plain


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("task", TASKS)
def test_the_effect_is_the_same_under_every_policy(
    task: str, policy: Policy, tasks: dict[str, tuple[str, int, Attach]]
) -> None:
    family, count, attach = tasks[task]
    build = small.sd15_unet if family == "sd15" else small.sdxl_unet
    unet, exact = build(), build()
    if policy is Policy.LAYERWISE_CASTING:  # the same weights, rounded as they are kept, without any hook
        with torch.no_grad():
            for name, parameter in exact.named_parameters():
                if "norm" not in name:
                    parameter.copy_(parameter.to(torch.float8_e4m3fn).float())
    wanted = effect(exact, None, count, attach)
    placement = Placement(policy, torch.device("cpu"), [], unet, [small.vae()])
    made = effect(unet, placement, count, attach)
    assert (made - wanted).norm() / wanted.norm() < 0.05


def test_scores_of_wide_spread_do_not_overflow_in_half_precision() -> None:
    generator = torch.Generator().manual_seed(0)
    q, other, v = (torch.randn(1, 3, 64, 320, generator=generator) * 25 for _ in range(3))
    k = q + other / 5
    half = frame_attention(q.half(), k.half(), v.half(), 2)
    exact = frame_attention(q.half().float(), k.half().float(), v.half().float(), 2)
    assert half.dtype is torch.float16 and half.isfinite().all()
    torch.testing.assert_close(half.float(), exact, atol=0.1, rtol=0.01)
    assert (q.half() * k.half()).unflatten(-1, (2, -1)).sum(-1).isinf().any()  # what the scores must not be made of
