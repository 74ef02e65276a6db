"""The whole evaluation on random weights: every figure of the report is there and finite."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from PIL import Image

from acetate.protocol.requests import Preset
from acetate_engine.evaluation.generation import is_soft
from acetate_engine.evaluation.probe import Probe, Reference, load_reference, pooled_text, save_reference
from acetate_engine.evaluation.report import Amount, Measured, evaluate, subject_of
from acetate_engine.evaluation.sheet import HARD, sheet_prompts
from acetate_engine.evaluation.translucent import evaluate_translucent
from tests.engine.commands.conftest import Acetate, acetate, tiny, tiny_resources  # noqa: F401  # fixtures
from tests.engine.training.conftest import data  # noqa: F401  # fixture

CAPTIONS = [f"disc number {number}, 3d emoji" for number in range(8)]
KEYS = {
    "latent": {"alpha_mae", "soft_alpha_mae", "alpha_sad", "alpha_grad", "composite_psnr", "composite_ssim",
               "identity_psnr", "latent_alone_alpha_mae", "latent_alone_soft_alpha_mae", "latent_alone_composite_psnr"},
    "generation": {"top1_of_50", "top1_real_ceiling", "top1_shuffled_floor", "nearest_train_distance", "kid",
                   "opaque_core_share", "clean_border_share", "weave"},
    "variety": {"seeds", "real", "share"},
    "layers": {"joint_inside_psnr", "joint_outside_psnr", "background_changes_foreground", "untouched_outside_alpha"},
    "matte": {"native_soft_alpha_mae", "matting_soft_alpha_mae", "native_kid", "matting_kid", "kid_interval"},
}  # fmt: skip


@pytest.fixture
def probe(tiny: Path) -> Path:  # noqa: F811
    torch.manual_seed(0)
    folder = tiny / "models" / "probe"
    if not folder.exists():
        probe = Probe(widths=(8, 8, 8), features=8)
        features = torch.nn.functional.normalize(torch.randn(8, 8), dim=-1)
        save_reference(Reference(probe, features, CAPTIONS), folder)
    return folder


@pytest.fixture
def subject(probe: Path, data: Path) -> Measured:  # noqa: F811
    return subject_of("mini", data, "val", Preset.DRAFT, lambda text: None)


def test_every_figure_is_there(subject: Measured) -> None:
    report = evaluate(subject, Amount(16, 2, 2, 6), lambda text: None)
    for group, names in KEYS.items():
        figures = report[group]
        assert isinstance(figures, dict)
        assert names <= figures.keys()
        assert all(math.isfinite(value) for value in figures.values() if isinstance(value, float))
    assert report["layers"]["untouched_outside_alpha"] == pytest.approx(1)  # type: ignore[index]
    json.dumps(report)


def test_samples_of_one_seed_are_the_same_again(subject: Measured) -> None:
    first, second, other = (subject.sampler.native(["a disc"], seed) for seed in (3, 3, 4))
    assert (first == second).all()
    assert (first != other).any()


def test_half_of_the_sheet_is_translucent_where_that_was_taught() -> None:
    solid, soft = [f"disc {n}, photo" for n in range(60)], [f"glass {n}, translucent" for n in range(60)]
    assert [is_soft(prompt) for prompt in sheet_prompts(soft + solid)] == [False] * 32 + [True] * 32
    assert sheet_prompts(solid)[48:] == list(HARD)


def test_the_sheets_have_a_cell_for_each_prompt_and_three_grounds(
    probe: Path,
    tmp_path: Path,
    acetate: Acetate,  # noqa: F811
    data: Path,  # noqa: F811
) -> None:
    said = acetate("eval", "sheet", "--data", data, "--out", tmp_path / "all.png", "--preset", "draft")
    assert [line.count(" | ") for line in said.splitlines()][-3:] == [7, 7, 7]
    for name in ("all", "all-light", "all-dark"):
        assert Image.open(tmp_path / f"{name}.png").size == (8 * 64, 3 * 64)


def test_translucent_subjects_are_measured_against_rendered_ones(subject: Measured) -> None:
    captions = [*CAPTIONS, "a soap bubble, translucent", "rain, translucent"]
    grounds = subject.backgrounds.pixels
    figures = evaluate_translucent(subject.sampler, captions, grounds, subject.reference, 6)
    assert figures is not None and figures["samples"] == 6
    assert all(math.isfinite(value) for value in figures.values() if isinstance(value, float))
    assert evaluate_translucent(subject.sampler, CAPTIONS, grounds, subject.reference, 6) is None


def test_captions_are_judged_and_lists_written(subject: Measured, tmp_path: Path, acetate: Acetate, data: Path) -> None:  # noqa: F811
    said = acetate("eval", "captions", "--data", data, "--out", tmp_path / "report.json", "--write", tmp_path)
    report = json.loads((tmp_path / "report.json").read_text())
    assert f"{report['passed']} of {len(subject.captions)} captions pass" in said
    assert json.loads((tmp_path / "taught.json").read_text()) == subject.captions
    good = [row["caption"] for row in report["each"] if row["passes"]]
    assert json.loads((tmp_path / "captions.json").read_text()) == good
    assert report["dropped_share"] == pytest.approx(1 - len(good) / len(subject.captions))


def test_a_folder_without_pictures_is_named(probe: Path, tmp_path: Path, acetate: Acetate) -> None:  # noqa: F811
    said = acetate("eval", "--data", tmp_path, status=1)
    assert str(tmp_path) in said


def test_a_reference_is_read_as_it_was_written(probe: Path) -> None:
    reference = load_reference(probe)
    assert reference.captions == CAPTIONS
    assert reference.features.shape == (8, 8)
    assert reference.read(["a disc"]).shape == (1, 8)
    torch.testing.assert_close(pooled_text(["a", "b"])[:1], pooled_text(["a"]), atol=1e-5, rtol=0)
