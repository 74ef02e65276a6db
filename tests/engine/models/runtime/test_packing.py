"""Packed weights compute what torch computes, and follow every change of the parameters."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from acetate_engine.models.adapters.attention_sharing import AttentionSharing, new_sharing_weights
from acetate_engine.models.adapters.parameter_patch import ParameterPatch
from acetate_engine.models.runtime.devices import computes_in_bf16
from acetate_engine.models.runtime.packing import is_packed, pack, pack_where_room, unpack
from tests.engine.models import small

_NEAR = 1e-5  # of values of about 1


@pytest.fixture
def network() -> nn.Sequential:
    layers = nn.Conv2d(4, 8, 3, padding=1, stride=2), nn.SiLU(), nn.Conv2d(8, 8, 1, bias=False), nn.Linear(6, 5)
    return nn.Sequential(*layers).requires_grad_(False)


def _picture(dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(2, 4, 10, 12, generator=torch.Generator().manual_seed(1)).to(dtype)


@torch.no_grad()
def _apart(packed: nn.Module, plain: nn.Module, x: Tensor) -> float:
    return float((packed(x).float() - plain(x).float()).abs().max())


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_outputs_are_those_of_torch(network: nn.Sequential, order: torch.memory_format) -> None:
    plain = copy.deepcopy(network)
    pack(network)
    assert _apart(network, plain, _picture().to(memory_format=order)) < _NEAR
    assert _apart(network, plain, _picture()[:1, :, :8]) < _NEAR  # another shape than that it was packed for
    assert _apart(network, plain, _picture()[0]) < _NEAR


def test_in_bf16_they_differ_by_its_rounding(network: nn.Sequential) -> None:
    plain = copy.deepcopy(network)
    pack(network.to(torch.bfloat16))
    with torch.no_grad():
        assert (network(_picture(torch.bfloat16)).float() - plain(_picture())).abs().max() < 0.05
    assert is_packed(network) and (network[0].packed is not None) == computes_in_bf16()


def test_changes_of_parameters_are_followed(network: nn.Sequential) -> None:
    plain, layer = copy.deepcopy(network), network[0]
    pack(network)
    assert _apart(network, plain, _picture()) < _NEAR
    patch = ParameterPatch()
    for size in (0.5, 0.25):  # the second may come to lie where the first one was
        patch.add(layer, "weight", lambda device, size=size: torch.full((8, 4, 3, 3), size))
        changed = copy.deepcopy(plain)
        changed.get_parameter("0.weight").add_(size)
        assert _apart(network, changed, _picture()) < _NEAR
        patch.undo()
    assert _apart(network, plain, _picture()) < _NEAR
    with torch.no_grad():
        network[3].weight.mul_(2)
        plain[3].weight.mul_(2)
    assert _apart(network, plain, _picture()) < _NEAR


def test_gradients_are_those_of_torch(network: nn.Sequential) -> None:
    pack(network)
    x = _picture().requires_grad_()
    network(x).sum().backward()
    assert x.grad is not None and network[0].packed is None


def test_parameters_and_copies_stay_what_they_are(network: nn.Sequential) -> None:
    names = list(network.state_dict())
    pack(network)
    with torch.no_grad():
        network(_picture())
    assert list(network.state_dict()) == names
    other = copy.deepcopy(network)
    other.get_parameter("0.weight").zero_()
    assert _apart(other, network, _picture()) > 0.01


def test_unpacking_gives_the_very_layers_back(network: nn.Sequential) -> None:
    kinds = [type(layer) for layer in network]
    plain = copy.deepcopy(network)
    pack(network)
    unpack(network)
    assert [type(layer) for layer in network] == kinds and not is_packed(network)
    with torch.no_grad():
        assert torch.equal(network(_picture()), plain(_picture()))


def test_nothing_is_packed_where_memory_is_short(network: nn.Sequential) -> None:
    pack_where_room(network, 1000)
    assert not is_packed(network)
    pack_where_room(network, 1 << 20)
    assert is_packed(network)


def test_a_layer_adapter_is_packed_with_its_unet() -> None:
    unet = small.sd15_unet()
    weights = new_sharing_weights(unet, 2, rank=4)
    with AttentionSharing(unet, weights):
        assert not is_packed(unet)
    pack(unet)
    with AttentionSharing(unet, weights):
        assert not [layer for layer in unet.modules() if type(layer) is nn.Linear]
