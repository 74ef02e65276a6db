"""What makes a caption pass, and how far seeds differ."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from acetate_engine.evaluation.captions import judge, summary, worst_rank
from acetate_engine.evaluation.probe import Probe, Reference
from acetate_engine.evaluation.variety import real_spread, spread
from tests.engine.evaluation.test_alpha import discs
from tests.engine.evaluation.test_weave import woven


def test_the_worst_picture_decides_the_rank() -> None:
    texts = torch.eye(4)
    assert worst_rank(torch.eye(4)[[2, 2]], texts, 2) == 1
    doubtful = F.normalize(torch.tensor([[0.0, 0.0, 1.0, 0.0], [0.9, 0.5, 0.3, 0.0]]), dim=-1)
    assert worst_rank(doubtful, texts, 2) == 3


def test_a_solid_layer_passes_and_each_fault_fails_it() -> None:
    solid, spilt, glassy = discs(2, 4), discs(2, 4), discs(2, 4)
    spilt[2, :, 0, 3] = 255
    glassy[1, ..., 3] //= 2
    assert judge("a disc", solid, 1, 0.01).passes
    assert not judge("a disc", solid, 6, 0.01).passes
    assert not judge("a disc", spilt, 1, 0.01).passes
    assert not judge("a disc", glassy, 1, 0.01).passes
    assert judge("glass, translucent", glassy, 1, 0.01).passes, "what is translucent needs no opaque core"
    assert not judge("a disc", solid, 1, 0.01, "no disc").passes


def test_woven_fills_fail_by_how_much_more_they_have_than_real_ones() -> None:
    layers = woven(4, 0.03)
    layers[:, [0, 1, -2, -1]] = layers[:, :, [0, 1, -2, -1]] = 0
    grain = judge("a wall", layers, 1, 0.005)
    assert grain.grain is not None and grain.grain > 2 and not grain.passes
    assert judge("a wall", layers, 1, 0.05).passes


def test_what_is_said_of_all() -> None:
    good, bad = judge("a", discs(2, 4), 1, 0.01), judge("b", discs(2, 4), 9, 0.01)
    said = summary([good, good, bad, bad])
    assert (said["captions"], said["passed"], said["dropped_share"], said["rank_share"]) == (4, 2, 0.5, 0.5)
    assert [row["passes"] for row in said["each"]] == [True, True, False, False]


def test_spread_is_the_mean_distance_of_pairs() -> None:
    same, apart = torch.eye(3)[[0, 0, 0]], torch.eye(3)
    assert spread(same) == pytest.approx(0, abs=1e-6)
    assert spread(apart) == pytest.approx(1, abs=1e-6)
    assert spread(torch.eye(3)[[0, 0, 1]]) == pytest.approx(2 / 3, abs=1e-6)


def test_real_pictures_of_one_concept_are_compared_whatever_their_style() -> None:
    torch.manual_seed(0)
    features = torch.eye(4)[[0, 1, 2, 2]]
    reference = Reference(
        Probe(widths=(8, 8, 8), features=4), features, ["a fox, photo", "a fox, 3d emoji", "b, x", "b, y"]
    )
    assert real_spread(reference) == pytest.approx(0.5, abs=1e-6)
    alone = Reference(reference.probe, features[:1], ["a fox, photo"])
    assert real_spread(alone) is None
    assert np.isfinite(spread(features))
