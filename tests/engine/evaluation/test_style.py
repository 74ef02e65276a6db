"""A style's axis, and what is said of layers along it."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from acetate_engine.evaluation.probe import Probe, Reference
from acetate_engine.evaluation.style import _figures, style_axis

CAPTIONS = ["a cat, ink wash", "a dog, ink wash", "a cat, photo", "a dog, photo", "ink wash, photo"]


def reference() -> Reference:
    torch.manual_seed(0)
    features = torch.randn(5, 8) * 0.1
    features[:2, 0] += 1
    features[2:, 1] += 1
    return Reference(Probe(widths=(8, 8, 8), features=8), F.normalize(features, dim=-1), CAPTIONS)


def test_the_axis_leads_from_other_pictures_to_those_of_the_style() -> None:
    known = reference()
    axis = style_axis(known, "ink_wash")
    assert axis is not None
    places = known.features @ axis
    assert places[:2].min() > 0.5 > -0.5 > places[2:].max()
    assert style_axis(known, "oil") is None


def test_a_change_towards_the_style_is_told_from_none() -> None:
    known = reference()
    axis = style_axis(known, "ink_wash")
    assert axis is not None
    plain = F.normalize(torch.randn(60, 8), dim=-1)
    nearer = _figures(axis, plain, plain + 0.2 * axis, known, "ink_wash")
    same = _figures(axis, plain, plain + 0.2 * torch.randn(60, 1) * axis, known, "ink_wash")
    assert nearer["interval"][0] > 0  # type: ignore[index]
    assert same["interval"][0] < 0 < same["interval"][1]  # type: ignore[index]
    assert nearer["real"] > nearer["plain"]  # type: ignore[operator]
