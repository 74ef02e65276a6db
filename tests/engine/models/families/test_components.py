"""What the loaded parts of a model keep while layer adapters come and go."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from acetate.protocol.requests import Style
from acetate_engine.models.adapters.attention_sharing import AttentionSharing, new_sharing_weights
from acetate_engine.models.families import components as module
from acetate_engine.models.families.components import Components
from tests.engine.models import small

_WIDTH = 4  # latent channels


def _components(read: list[str], condition: int = 0) -> Components:
    """With two layer adapters; `read` is told of each that is read."""
    torch.manual_seed(0)
    unet = small.sd15_unet()
    weights = {name: new_sharing_weights(unet, 1, rank=4, condition=condition) for name in ("transparent", "other")}
    for each in weights.values():
        for parameter in each.parameters():
            torch.nn.init.normal_(parameter, std=0.1)

    def attach(name: str) -> Any:
        def put_in(denoiser: Any) -> AttentionSharing:
            read.append(name)
            return AttentionSharing(denoiser, weights[name])

        return put_in

    parts: dict[str, Any] = dict.fromkeys(("vae", "scheduler", "encode_text", "transparency", "method"))
    adapters = {name: attach(name) for name in weights}
    numbers = {"latent_channels": _WIDTH, "vae_scale_factor": 8, "scaling_factor": 1.0}
    return Components(denoiser=unet, layer_adapters=adapters, **parts, **numbers)


@torch.no_grad()
def _predicted(components: Components, name: str | None) -> Tensor:
    components.use_layer_adapter(name)
    words = torch.ones(1, 3, components.denoiser.config.cross_attention_dim)  # type: ignore[attr-defined]  # a UNet
    return components.denoiser(torch.ones(1, _WIDTH, 8, 8), torch.tensor(3), encoder_hidden_states=words).sample


def test_layer_adapters_that_are_kept_come_back_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("transparent", None, "transparent", "other", None, "other", "transparent")
    read: list[str] = []
    components = _components(read)
    with monkeypatch.context() as none_kept:
        none_kept.setattr(module, "_ASIDE", 0)
        expected = [_predicted(components, name) for name in names]
        assert len(read) == 5
        components.use_layer_adapter(None)
    read.clear()
    assert all(torch.equal(_predicted(components, name), x) for name, x in zip(names, expected, strict=True))
    assert read == ["transparent", "other"]
    assert not torch.equal(expected[0], expected[1]) and not torch.equal(expected[0], expected[3])


def test_those_that_were_taken_out_last_are_kept_as_far_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    components = _components(read)
    size = components.use_layer_adapter("transparent").size  # type: ignore[union-attr]  # it is there
    monkeypatch.setattr(module, "_ASIDE", size)
    for name in ("other", "transparent", "other", "other", None, "other", None, "transparent"):
        components.use_layer_adapter(name)
    assert read == ["transparent", "other", "transparent"]


def test_styles_are_merged_anew() -> None:
    read: list[str] = []
    components = _components(read)
    components.use_layer_adapter("transparent")
    components.use_add_ons((Style("ink"),), ())
    components.use_layer_adapter("transparent")
    assert read == ["transparent", "transparent"]


def test_a_condition_leaves_with_its_layer_adapter() -> None:
    components = _components([], condition=16)
    plain = _predicted(components, "other")
    components.use_layer_adapter("other").set_condition(torch.ones(1, 3, 64, 64))  # type: ignore[union-attr]  # it is there
    assert not torch.equal(_predicted(components, "other"), plain)
    components.use_layer_adapter(None)
    assert torch.equal(_predicted(components, "other"), plain)
