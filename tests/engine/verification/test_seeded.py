from __future__ import annotations

import torch

from acetate_engine.verification.seeded import seed_module, seeded_tensor, seeded_weights


def test_name_shape_and_salt_decide() -> None:
    tensor = seeded_tensor("a.weight", (3, 4))
    assert torch.equal(tensor, seeded_tensor("a.weight", (3, 4)))
    assert not torch.equal(tensor, seeded_tensor("b.weight", (3, 4)))
    assert not torch.equal(tensor, seeded_tensor("a.weight", (3, 4), salt=1))
    assert tensor.dtype == torch.float32


def test_scales() -> None:
    weights = seeded_weights({"norm.weight": (9999,), "norm.bias": (9999,), "conv.weight": (99, 25, 2, 2)})
    assert abs(weights["norm.weight"].mean() - 1) < 0.01
    assert abs(weights["norm.bias"].std() - 0.02) < 0.001
    assert abs(weights["conv.weight"].std() - 0.1) < 0.005


def test_modules_are_filled_by_name() -> None:
    layer = torch.nn.Linear(2, 3)
    seed_module(layer, salt=4)
    assert torch.equal(layer.weight, seeded_tensor("weight", (3, 2), 4))
