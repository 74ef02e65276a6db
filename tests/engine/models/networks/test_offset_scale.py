"""With mini's own networks, which are trained, and lambda folded into their weights or not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from acetate_engine.models.families.add_ons import AddOns
from acetate_engine.models.families.components import Components
from acetate_engine.models.families.mini import load, read_card
from acetate_engine.models.networks.latent_transparency import RELEASED_OFFSET_SCALE, LatentTransparency
from acetate_engine.models.networks.offset_scale import FOLDED_IN, settled
from acetate_engine.paths import resources_dir


@pytest.fixture(scope="module")
def mini() -> Components:
    return load(resources_dir() / "models" / "mini", AddOns({}, {}, (), {}))


@pytest.fixture
def last_layer(mini: Components) -> torch.nn.Module:
    """Of the encoder; put back as it was."""
    layer = [module for module in mini.transparency.encoder.modules() if isinstance(module, torch.nn.Conv2d)][-1]
    kept = {name: parameter.clone() for name, parameter in layer.named_parameters()}
    yield layer
    for name, parameter in layer.named_parameters():
        parameter.data = kept[name]


def wanting(mini: Components, layer: torch.nn.Module, scale: float) -> LatentTransparency:
    """mini's networks as a file would hold them whose lambda is `scale`."""
    own = read_card(resources_dir() / "models" / "mini").offset_scale
    for parameter in layer.parameters():
        parameter.data = parameter.data * (own / scale)
    return replace(mini.transparency, offset_scale=RELEASED_OFFSET_SCALE)


@pytest.mark.parametrize("scale", [RELEASED_OFFSET_SCALE, FOLDED_IN])
def test_the_scale_whose_alpha_comes_back(mini: Components, last_layer: torch.nn.Module, scale: float) -> None:
    found = settled(wanting(mini, last_layer, scale), mini.vae, mini.vae_scale_factor)
    assert found.offset_scale == scale


def test_where_neither_does_the_released_one_stays(mini: Components, last_layer: torch.nn.Module) -> None:
    for parameter in last_layer.parameters():
        parameter.data = torch.zeros_like(parameter)
    found = settled(mini.transparency, mini.vae, mini.vae_scale_factor)
    assert found.offset_scale == RELEASED_OFFSET_SCALE
