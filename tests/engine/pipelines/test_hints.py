from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from acetate.protocol.requests import ControlKind
from acetate_engine.pipelines.stages.hints import as_hint

DRAWN = [ControlKind.LINES, ControlKind.EDGES, ControlKind.SCRIBBLE]


@pytest.fixture
def ink() -> Tensor:
    """(1, 1, 32, 32), 0..1: soft lines."""
    lines = torch.zeros(1, 1, 32, 32)
    lines[..., 8, 3:30] = lines[..., 4:28, 20] = 1
    return F.avg_pool2d(lines, 3, 1, 1)


def rgba(grey: Tensor | float, alpha: Tensor | float, like: Tensor) -> Tensor:
    parts = [x if isinstance(x, Tensor) else torch.full_like(like, x) for x in (grey, grey, grey, alpha)]
    return torch.cat(parts, dim=1)


@pytest.mark.parametrize("kind", DRAWN)
def test_any_polarity_is_one_tensor(kind: ControlKind, ink: Tensor) -> None:
    ways = {
        "white on black": rgba(ink, 1.0, ink),
        "black on white": rgba(1 - ink, 1.0, ink),
        "black on transparency": rgba(0.0, ink, ink),
        "white on transparency": rgba(1.0, ink, ink),
    }
    for name, drawing in ways.items():
        made = as_hint(drawing, kind)
        torch.testing.assert_close(made, ink.expand(-1, 3, -1, -1), atol=1e-5, rtol=0, msg=name)


@pytest.mark.parametrize("tone", [0.0, 1.0], ids=["black", "white"])
def test_thick_strokes_may_cover_most(tone: float) -> None:
    ink = torch.zeros(1, 1, 32, 32)
    ink[..., 2:30, 2:14] = ink[..., 2:30, 16:30] = 1
    assert ink.mean() > 0.5
    torch.testing.assert_close(as_hint(rgba(tone, ink, ink), ControlKind.SCRIBBLE), ink.expand(-1, 3, -1, -1))


@pytest.mark.parametrize("side", [14, 26], ids=["a small sheet", "a large sheet"])
def test_a_sheet_that_does_not_cover_all(side: int) -> None:
    """White paper with black lines, black with white ones, on a layer that is transparent around them."""
    ink, paper = torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, 32, 32)
    paper[..., 2 : 2 + side, 2 : 2 + side] = 1
    ink[..., 6, 4:14] = 1
    for grey in (ink, 1 - ink):
        torch.testing.assert_close(as_hint(rgba(grey, paper, ink), ControlKind.LINES), ink.expand(-1, 3, -1, -1))


@pytest.mark.parametrize("kind", [ControlKind.DEPTH, ControlKind.POSE])
def test_other_kinds_are_taken_as_they_are(kind: ControlKind, ink: Tensor) -> None:
    drawing = rgba(1 - ink, 0.5, ink)
    assert torch.equal(as_hint(drawing, kind), drawing[:, :3] * drawing[:, 3:])


def test_colours_on_black_stay(ink: Tensor) -> None:
    drawing = torch.cat([ink, ink * 0.2, ink * 0.5, torch.ones_like(ink)], dim=1)
    assert torch.equal(as_hint(drawing, ControlKind.EDGES), drawing[:, :3])


@pytest.mark.parametrize("kind", DRAWN)
def test_nothing_drawn_is_black(kind: ControlKind) -> None:
    assert as_hint(torch.zeros(1, 4, 8, 8), kind).abs().sum() == 0
