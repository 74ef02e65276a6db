"""The limit of a network: the shapes of its matrix products, found in what runs."""

from __future__ import annotations

import torch
from torch import nn

from acetate_engine.models.runtime.packing import pack
from acetate_engine.verification.table.limits import _Products, matrix_seconds


def test_each_product_is_counted_at_its_own_shape() -> None:
    products = _Products()
    with torch.no_grad(), products:
        nn.Conv2d(3, 8, 3, padding=1)(torch.ones(2, 3, 5, 7))
        nn.Linear(6, 4)(torch.ones(9, 6))
        torch.bmm(torch.ones(2, 3, 4), torch.ones(2, 4, 5))
        nn.SiLU()(torch.ones(3))
    assert products.counted == {(1, 8, 27, 2 * 5 * 7): 1, (1, 9, 6, 4): 1, (2, 3, 4, 5): 1}


def test_without_products_nothing_is_the_limit() -> None:
    assert matrix_seconds(lambda: torch.ones(3) + 1, torch.float32) == 0.0
    assert matrix_seconds(lambda: torch.ones(300, 300) @ torch.ones(300, 300), torch.float32) > 0.0


def test_packed_weights_and_attention_are_counted_as_what_they_compute() -> None:
    network, products = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Linear(7, 4)), _Products()
    pack(network)
    with torch.no_grad(), products:
        network(torch.ones(2, 3, 5, 7))
        q = torch.ones(1, 2, 9, 8)
        nn.functional.scaled_dot_product_attention(q, q[:, :, :6], q[:, :, :6])
    assert products.counted == {(1, 8, 27, 2 * 5 * 7): 1, (1, 2 * 8 * 5, 7, 4): 1}
    assert products.attentions == {((1, 2, 9, 8), (1, 2, 6, 8)): 1}
    assert products.seconds(torch.float32) > 0


def test_inference_mode_counts_the_same() -> None:
    network, counts = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Linear(7, 4)), []
    for mode in (torch.no_grad(), torch.inference_mode()):
        products = _Products()
        with mode, products:
            network(torch.ones(2, 3, 5, 7))
            q = torch.ones(1, 2, 9, 8)
            nn.functional.scaled_dot_product_attention(q, q[:, :, :6], q[:, :, :6])
        counts.append((products.counted, products.convolutions, products.attentions))
    assert counts[0] == counts[1]
    assert all(counts[0])
