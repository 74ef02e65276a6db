from __future__ import annotations

import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import nn

from acetate_engine.models.adapters.lora import effective_linear, merged_linear


def wrapped(**config: object) -> nn.Module:
    """A linear layer with a style LoRA whose up matrix is not zero."""
    model = nn.ModuleDict({"layer": nn.Linear(6, 5)})
    inject_adapter_in_model(LoraConfig(r=2, lora_alpha=3, target_modules=["layer"], **config), model)
    layer = model["layer"].eval()
    nn.init.normal_(layer.lora_B["default"].weight)
    return layer


@pytest.mark.parametrize("config", [{}, {"use_dora": True}, {"use_rslora": True}, {"lora_bias": True}])
@torch.no_grad()
def test_effective_linear_is_what_the_layer_computes(config: dict[str, object]) -> None:
    layer = wrapped(**config)
    weight, bias = effective_linear(layer)
    x = torch.randn(7, 6)
    torch.testing.assert_close(nn.functional.linear(x, weight, bias), layer(x), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_merged_linear_adds_the_product_and_leaves_the_layer_alone() -> None:
    layer = wrapped()
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    down, up = torch.randn(3, 6), torch.randn(5, 3)
    x = torch.randn(7, 6)
    torch.testing.assert_close(merged_linear(layer, down, up)(x), layer(x) + x @ down.T @ up.T, atol=1e-5, rtol=1e-5)
    assert all(torch.equal(before[name], tensor) for name, tensor in layer.state_dict().items())


def test_other_layers_are_refused() -> None:
    with pytest.raises(TypeError, match="Conv2d"):
        effective_linear(nn.Conv2d(1, 1, 1))
