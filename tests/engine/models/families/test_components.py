"""What the loaded parts of a model keep while layer adapters come and go."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from acetate_engine.models.adapters.attention_sharing import AttentionSharing, new_sharing_weights
from acetate_engine.models.families.components import Components
from tests.engine.models import small

_WIDTH = 4  # latent channels


def _components(read: list[str]) -> Components:
    """With two layer adapters; `read` is told of each that is read."""
    torch.manual_seed(0)
    unet = small.sd15_unet()
    weights = {name: new_sharing_weights(unet, 1, rank=4) for name in ("transparent", "other")}
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


def test_layer_adapters_that_are_kept_come_back_as_they_were() -> None:
    read: list[str] = []
    components = _components(read)
    names = ("transparent", None, "transparent", "other", None, "other", "transparent")
    expected = [_predicted(components, name) for name in names]
    assert len(read) == 5
    read.clear()
    components.use_layer_adapter(None)
    with components.keeping_layer_adapters():
        assert all(torch.equal(_predicted(components, name), x) for name, x in zip(names, expected, strict=True))
    assert read == ["transparent", "other"]
    assert not torch.equal(expected[0], expected[1]) and not torch.equal(expected[0], expected[3])


def test_none_is_kept_afterwards() -> None:
    read: list[str] = []
    components = _components(read)
    with components.keeping_layer_adapters():
        components.use_layer_adapter("transparent")
        components.use_layer_adapter(None)
    components.use_layer_adapter("transparent")
    assert read == ["transparent", "transparent"]
