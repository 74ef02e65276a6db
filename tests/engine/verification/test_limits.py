"""The limit of a network: the shapes of its matrix products, found in what runs."""

from __future__ import annotations

import torch
from torch import nn

from acetate_engine.models.runtime.packing import pack
from acetate_engine.verification.table.limits import _Counts, least


def of_floats(*shapes: object) -> dict[tuple[torch.dtype, object], int]:
    """Each counted once in float32."""
    return {(torch.float32, shape): 1 for shape in shapes}


def test_each_product_is_counted_at_its_own_shape() -> None:
    counts = _Counts()
    with torch.no_grad(), counts:
        nn.Conv2d(3, 8, 3, padding=1)(torch.ones(2, 3, 5, 7))
        nn.Linear(6, 4)(torch.ones(9, 6))
        torch.bmm(torch.ones(2, 3, 4), torch.ones(2, 4, 5))
        nn.SiLU()(torch.ones(3))
    assert counts.products == of_floats((1, 8, 27, 2 * 5 * 7), (1, 9, 6, 4), (2, 3, 4, 5))


def test_without_products_nothing_is_the_limit() -> None:
    assert least(lambda: torch.ones(3) + 1).seconds == 0.0
    product = least(lambda: torch.ones(300, 300) @ torch.ones(300, 300))
    assert product.products > 0.0
    assert product.exponentials == 0.0


def test_activations_and_softmax_take_one_exponential_a_value() -> None:
    counts = _Counts()
    with torch.no_grad(), counts:
        nn.Sequential(nn.SiLU(inplace=True), nn.GELU())(torch.ones(3, 5))
        torch.ones(2, 7, dtype=torch.bfloat16).softmax(-1)
    assert counts.exponentials == {torch.float32: 30, torch.bfloat16: 14}
    assert counts.exponential_seconds() > 0


def test_each_product_is_measured_in_the_dtype_in_which_it_ran() -> None:
    counts = _Counts()
    with torch.no_grad(), counts:
        torch.ones(2, 3) @ torch.ones(3, 4)
        torch.ones(2, 3, dtype=torch.bfloat16) @ torch.ones(3, 4, dtype=torch.bfloat16)
    assert counts.products == {(torch.float32, (1, 2, 3, 4)): 1, (torch.bfloat16, (1, 2, 3, 4)): 1}


def test_packed_weights_and_attention_are_counted_as_what_they_compute() -> None:
    network, counts = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Linear(7, 4)), _Counts()
    pack(network)
    with torch.no_grad(), counts:
        network(torch.ones(2, 3, 5, 7))
        q = torch.ones(1, 2, 9, 8)
        nn.functional.scaled_dot_product_attention(q, q[:, :, :6], q[:, :, :6])
    assert counts.products == of_floats((1, 8, 27, 2 * 5 * 7), (1, 2 * 8 * 5, 7, 4))
    assert counts.attentions == of_floats(((1, 2, 9, 8), (1, 2, 6, 8)))
    assert counts.product_seconds() > 0


def test_inference_mode_counts_the_same() -> None:
    network, found = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Linear(7, 4)), []
    for mode in (torch.no_grad(), torch.inference_mode()):
        counts = _Counts()
        with mode, counts:
            network(torch.ones(2, 3, 5, 7))
            q = torch.ones(1, 2, 9, 8)
            nn.functional.scaled_dot_product_attention(q, q[:, :, :6], q[:, :, :6])
        found.append((counts.products, counts.convolutions, counts.attentions))
    assert found[0] == found[1]
    assert all(found[0])
