"""What `eval extract` and `eval finish` say of a layer that is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from acetate_engine.evaluation.alpha import alpha_conn
from acetate_engine.evaluation.cutting import evaluate_extract, evaluate_finish
from acetate_engine.evaluation.probe import load_reference, probe_distance
from tests.engine.pictures.scenes import backdrop, pixels, toy

pytestmark = pytest.mark.usefixtures("parts")


def test_ours_is_nearer_to_the_truth_than_its_parts_alone() -> None:
    report = evaluate_extract(pixels(toy())[None], pixels(backdrop())[None], 1, lambda text: None)
    assert set(report) == {"ours", "matting, true trimap", "pymatting alone", "u2netp alone", "GrabCut"}
    for rival in ("u2netp alone", "GrabCut"):
        assert report["ours"]["sad"] < report[rival]["sad"] and report["ours"]["colour"] < report[rival]["colour"]


def test_finish_is_measured_against_interpolation() -> None:
    rows: list[list[np.ndarray]] = []
    report = evaluate_finish(pixels(toy())[None], lambda text: None, rows.append)
    assert report["finish"]["psnr"] > 25 and set(report) == {"finish", "bicubic"}
    assert [cell.shape for cell in rows[0]] == [(256, 256, 4)] * 3


def test_the_probe_sees_nothing_different_in_equal_layers_and_more_the_more_differs() -> None:
    probe, layer = load_reference().probe, pixels(toy())[None]
    soft = cv2.GaussianBlur(layer[0], (0, 0), 3)[None]
    softer = cv2.GaussianBlur(layer[0], (0, 0), 9)[None]
    assert probe_distance(probe, layer, layer) == pytest.approx(0, abs=1e-9)
    assert 0 < probe_distance(probe, soft, layer) < probe_distance(probe, softer, layer)


def test_what_does_not_hang_together_counts_as_unconnected() -> None:
    true = np.zeros((1, 40, 40), np.float32)
    true[:, 5:20, 5:20] = 1
    apart = true.copy()
    apart[:, 30:35, 30:35] = 1
    beside = true.copy()
    beside[:, 20:25, 5:10] = 1
    assert alpha_conn(true, true) == 0
    assert alpha_conn(apart, true) == pytest.approx(0.025) and alpha_conn(beside, true) == pytest.approx(0.025)
    faint = true * np.float32(0.93)  # hangs together, and is hardly off
    assert alpha_conn(faint, true) == pytest.approx(0, abs=1e-6)


def test_what_is_too_small_to_be_enlarged_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 128"):
        evaluate_finish(np.zeros((1, 64, 64, 4), np.uint8), lambda text: None)
