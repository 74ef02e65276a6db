"""What `eval extract` and `eval finish` say of a layer that is known."""

from __future__ import annotations

import numpy as np
import pytest

from acetate_engine.evaluation.cutting import evaluate_extract, evaluate_finish
from tests.engine.pictures.scenes import backdrop, pixels, toy

pytestmark = pytest.mark.usefixtures("parts")


def test_ours_is_nearer_to_the_truth_than_its_parts_alone() -> None:
    report = evaluate_extract(pixels(toy())[None], pixels(backdrop())[None], 1, lambda text: None)
    assert set(report) == {"ours", "matting, true trimap", "u2netp alone", "GrabCut"}
    for rival in ("u2netp alone", "GrabCut"):
        assert report["ours"]["sad"] < report[rival]["sad"] and report["ours"]["colour"] < report[rival]["colour"]


def test_finish_is_measured_against_interpolation() -> None:
    report = evaluate_finish(pixels(toy())[None], lambda text: None)
    assert report["finish"]["psnr"] > 25 and set(report) == {"finish", "bicubic"}
    with pytest.raises(ValueError, match="at least 128"):
        evaluate_finish(np.zeros((1, 64, 64, 4), np.uint8), lambda text: None)
