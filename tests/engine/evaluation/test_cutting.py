"""What `eval extract` and `eval finish` say of a layer that is known."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from acetate_engine.evaluation.alpha import alpha_conn
from acetate_engine.evaluation.cutting import Composites, evaluate_extract, evaluate_finish, in_turns, set_aside
from acetate_engine.evaluation.finished import unused
from acetate_engine.evaluation.generation import chosen_prompts
from acetate_engine.evaluation.probe import load_reference, probe_distance
from acetate_engine.evaluation.splitting import evaluate_split, levels_off
from acetate_engine.paths import resources_dir
from acetate_engine.training.gather import read_gather_config
from tests.engine.pictures.scenes import backdrop, pixels, scene, toy

pytestmark = pytest.mark.usefixtures("parts")


def _composites(share: tuple[int, int] = (0, 1)) -> Composites:
    return Composites(pixels(toy())[None], pixels(backdrop())[None], 1, share)


def test_ours_is_nearer_to_the_truth_than_its_parts_alone() -> None:
    report = evaluate_extract(_composites(), lambda text: None)
    assert set(report) == {"ours", "matting, true trimap", "pymatting alone", "network alone", "GrabCut"}
    for rival in ("network alone", "GrabCut"):
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


def test_neighbours_are_crops_of_different_photographs() -> None:
    crops = np.arange(6, dtype=np.uint8)[:, None, None, None]
    assert in_turns(crops, ["a", "a", "b", "b", "b", "c"]).ravel().tolist() == [0, 2, 5, 1, 3, 4]


def test_one_way_can_be_measured_alone() -> None:
    report = evaluate_extract(_composites(), lambda text: None, ways=["GrabCut"])
    assert set(report) == {"GrabCut"}


def test_shares_together_are_all_composites_in_their_order() -> None:
    layers = np.stack([pixels(toy(x)) for x in (0.4, 0.6)])
    grounds = np.stack([pixels(backdrop(name)) for name in ("dawn_lake", "forest_clearing", "window_table")])
    whole = [scene.tobytes() for _, scene in Composites(layers, grounds, 3)]
    halves = [list(Composites(layers, grounds, 3, (half, 2))) for half in (0, 1)]
    assert [len(Composites(layers, grounds, 3, (half, 4))) for half in range(4)] == [2, 2, 1, 1]
    assert [scene.tobytes() for _, scene in halves[0]] == whole[::2] and len(set(whole)) == 6
    assert [scene.tobytes() for _, scene in halves[1]] == whole[1::2]


def test_the_list_of_pictures_says_each_with_its_licence() -> None:
    listed = read_gather_config(resources_dir() / "presets" / "eval" / "pictures.yaml")
    chosen = [name for source in listed.sources for selection in source.pictures for name in selection.names]
    table = (resources_dir() / "presets" / "eval" / "PICTURES.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([^|]+) \| ([\w.-]+) \|$", table, re.MULTILINE))
    assert set(chosen) | set(listed.rendered) <= set(rows)
    assert len(chosen) + len(listed.rendered) >= 60 and len([name for name in rows if name.endswith(".jpg")]) >= 20


def test_pictures_come_together_again() -> None:
    rows: list[list[np.ndarray]] = []
    report = evaluate_split([("toy", pixels(scene()))], 2, lambda text: None, rows.append)
    assert report["toy"] == {"subjects": 1, "levels_off": report["toy"]["levels_off"]}
    assert report["toy"]["levels_off"] <= 1 and [cell.shape for cell in rows[0]] == [(160, 160, 4)] * 4
    apart = [np.dstack([np.full((9, 9, 3), 0.5), np.ones((9, 9))]).astype(np.float32)]
    assert levels_off(apart, np.ones((9, 9, 4), np.float32)) == 127


def test_the_weave_is_measured_on_captions_that_its_smoothing_was_not_tuned_on() -> None:
    captions = [str(number) for number in range(60)]
    assert len(unused(captions)) == 12 and not set(unused(captions)) & set(chosen_prompts(captions, 48))


def test_a_layer_that_is_set_aside_keeps_its_colour_in_each_corner_in_turn() -> None:
    layers = np.full((5, 40, 60, 4), (200, 100, 50, 255), np.uint8)
    moved = set_aside(layers)
    for layer, (top, left) in zip(moved, [(0, 0), (0, 24), (16, 0), (16, 24), (0, 0)], strict=True):
        inside = layer[top : top + 24, left : left + 36]
        assert (np.abs(inside.astype(int) - layers[0, 0, 0]) <= 1).all()
        assert np.count_nonzero(layer[..., 3]) == 24 * 36
