"""Enlarging by the real network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from acetate.protocol.errors import CheckpointError
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.notes import NoteKind, kind_of
from acetate.protocol.requests import Task
from acetate_engine.compositing.alpha import premultiply, to_float
from acetate_engine.compositing.pixels import Pixels
from acetate_engine.compositing.resize import resize
from acetate_engine.models.networks.compact_upscaler import CompactUpscaler
from acetate_engine.models.parts.shelf import read_part
from acetate_engine.models.runtime.devices import computes_in_bf16
from acetate_engine.pipelines.contract import JobCancelled
from acetate_engine.pipelines.stages import enlarging
from acetate_engine.pipelines.stages.enlarging import enlarge, enlarge_to
from acetate_engine.pipelines.tasks import TaskGenerator
from tests.engine.pipelines.reporters import Recorder
from tests.engine.pipelines.samples import a_request, layer_bytes, run

pytestmark = pytest.mark.usefixtures("parts")


def badge(side: int) -> Pixels:
    """An orange ring with a soft shadow, antialiased, on what is magenta where nothing shows."""
    fine = 8 * side
    y, x = (np.indices((fine, fine)) + 0.5) / fine - 0.5
    radius = np.hypot(x, y)
    ring = ((radius < 0.38) & (radius > 0.2)).astype(np.float32)
    shadow = 0.6 * np.exp(-(((x - 0.05) ** 2 + (y - 0.1) ** 2) / 0.02)).astype(np.float32)
    alpha = cv2.resize(np.maximum(ring, np.where(shadow > 0.01, shadow, 0)), (side, side), interpolation=cv2.INTER_AREA)
    share = cv2.resize(ring, (side, side), interpolation=cv2.INTER_AREA)[..., None]
    colour = share * np.array([250, 140, 20]) + (1 - share) * np.array([30, 30, 60])
    colour[alpha == 0] = (255, 0, 255)
    return np.dstack([colour, alpha * 255]).round().astype(np.uint8)


def alpha_error(pixels: Pixels, true: Pixels) -> float:
    return float(np.abs(to_float(pixels)[..., 3] - to_float(true)[..., 3]).mean())


@pytest.mark.parametrize("extent", [Extent(64, 64), Extent(61, 130), Extent(300, 17), Extent(32, 9), Extent(5, 5)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_any_size_comes_out_exactly(extent: Extent, dtype: type) -> None:
    source = badge(32).astype(dtype) * (257 if dtype is np.uint16 else 1)
    made = enlarge_to(source, extent)
    assert made.shape == (extent.height, extent.width, 4) and made.dtype == dtype


@pytest.mark.parametrize("factor", [1.5, 2, 4, 8])
def test_edges_come_nearer_to_the_true_ones_than_by_interpolation(factor: float) -> None:
    true = badge(round(64 * factor))
    source = resize(true, Extent(64, 64))
    assert alpha_error(enlarge(source, factor), true) < 0.8 * alpha_error(resize(source, Extent(*true.shape[:2])), true)


def test_colour_that_nobody_sees_does_not_show() -> None:
    true = badge(256)
    made = premultiply(to_float(enlarge(resize(true, Extent(64, 64)), 4)))
    assert np.abs(made[..., :3] - premultiply(to_float(true))[..., :3]).mean() < 0.01
    assert (made[..., 0] - made[..., 1])[true[..., 3] == 0].max() < 0.2  # magenta has 1


@pytest.mark.parametrize("is_draft", [False, True])
def test_alpha_of_nothing_and_of_everything_stays_exactly_that(is_draft: bool) -> None:
    source = badge(64)
    made = enlarge_to(source, Extent(256, 256), is_draft=is_draft)[..., 3]
    for value in (0, 255):
        all_around = cv2.erode((source[..., 3] == value).astype(np.uint8), np.ones((3, 3))).repeat(4, 0).repeat(4, 1)
        assert all_around.any() and (made[all_around == 1] == value).all()


def test_an_opaque_picture_stays_opaque_and_an_empty_one_empty() -> None:
    picture = badge(48)
    picture[..., 3] = 255
    assert (enlarge(picture, 3)[..., 3] == 255).all()
    assert not enlarge(np.zeros_like(picture), 3).any()


def test_tiles_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    source = badge(96)
    whole = enlarge(source, 4)
    monkeypatch.setattr(enlarging, "_TILE", 40)
    assert np.abs(enlarge(source, 4).astype(int) - whole).max() <= 1  # sums in another order


def test_a_draft_is_nearly_the_same() -> None:
    source = badge(64)
    made, draft = (
        premultiply(to_float(enlarge_to(source, Extent(256, 256), is_draft=quick))) for quick in (False, True)
    )
    away = 255 * np.abs(made - draft)
    assert away.mean() < 0.5 and away.max() < 10
    assert (away.max() > 0) == computes_in_bf16()


def test_the_same_layer_gives_the_same_bytes() -> None:
    assert enlarge(badge(40), 3).tobytes() == enlarge(badge(40), 3).tobytes()


def test_a_weave_is_smoothed_and_edges_are_kept() -> None:
    flat = badge(64)
    flat[..., 3], flat[:, :32, :3], flat[:, 32:, :3] = 255, 90, 190
    y, x = np.indices((64, 64))
    weave = 5 * (np.sin(np.pi * x / 2) + np.sin(np.pi * y / 2))  # 4 pixels wide, which a network takes for detail
    grainy = np.dstack([(flat[..., :3] + weave[..., None]).round().clip(0, 255), flat[..., 3:]]).astype(np.uint8)
    made, smooth = enlarge(grainy, 4)[..., 0].astype(int), enlarge(grainy, 4, grain=0.1)[..., 0].astype(int)
    assert smooth[40:-40, 40:80].var() < made[40:-40, 40:80].var() / 5
    across = smooth[128]
    assert across[136] - across[119] > 85  # of 100, within two source pixels on each side


def test_ripples_as_wide_as_a_patch_are_levelled_and_drawing_beside_them_is_kept() -> None:
    y, x = np.indices((96, 96))
    ripple = 3 * (np.sin(2 * np.pi * x / 16) + np.sin(2 * np.pi * y / 16))  # of 255
    grey = np.where(x < 64, 120 + ripple, np.where((x // 3) % 2, 160, 80))  # beside it stripes of a drawing
    layer = np.dstack([grey, grey, grey, np.full_like(grey, 255)]).round().astype(np.uint8)
    made, level = enlarge(layer, 4)[..., 0].astype(float), enlarge(layer, 4, grain=0.05)[..., 0].astype(float)
    flat, drawn = np.s_[80:-80, 80:160], np.s_[80:-80, 300:-40]
    assert level[flat].var() < made[flat].var() / 5
    assert level[drawn].var() > 0.9 * made[drawn].var()
    assert abs(level[flat].mean() - made[flat].mean()) < 1


def test_alpha_is_the_same_with_and_without_grain() -> None:
    assert (enlarge(badge(48), 3, grain=0.05)[..., 3] == enlarge(badge(48), 3)[..., 3]).all()


def test_files_that_are_no_such_network_are_refused() -> None:
    files = read_part("compact_x4")
    for weights in (files["compact_x4.bin"][:-4], files["compact_x4.bin"] + b"more"):
        with pytest.raises(CheckpointError):
            CompactUpscaler.from_ncnn(files["compact_x4.param"], weights)


LARGE = Bounds(0, 0, 192, 192)  # the tiny mini works at 64×64


def test_a_result_that_is_enlarged_is_finished_unless_it_shall_not_be(tiny: TaskGenerator) -> None:
    finished = run(tiny, a_request(Task.FOREGROUND, LARGE))
    plain = run(tiny, a_request(Task.FOREGROUND, LARGE, finish=False))
    assert layer_bytes(finished) != layer_bytes(plain)
    assert not any("finish" in note for note in finished.notes)


def test_without_the_network_a_result_is_resampled_and_says_so(
    tiny: TaskGenerator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    enlarging.upscaler.cache_clear()
    made = run(tiny, a_request(Task.FOREGROUND, LARGE))
    assert layer_bytes(made) == layer_bytes(run(tiny, a_request(Task.FOREGROUND, LARGE, finish=False)))
    (note,) = [note for note in made.notes if kind_of(note) is NoteKind.LASTING]
    assert "acetate models get compact_x4" in note


def test_finishing_can_be_cancelled(tiny: TaskGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    recorder.seen = 0

    def check() -> None:
        if (step := recorder.stages[-1:]) and step[0][2] == "decode":
            recorder.seen += 1
            if recorder.seen == 2:  # the first is of the step itself
                raise JobCancelled

    monkeypatch.setattr(recorder, "check", check)
    with pytest.raises(JobCancelled):
        run(tiny, a_request(Task.FOREGROUND, LARGE), reporter=recorder)


def shaded(side: int) -> Pixels:
    """An opaque picture of soft shading in strong colours, and a fine drawing on it."""
    y, x = np.indices((side, side)) / side
    rgb = np.dstack([0.9 - 0.5 * x, 0.2 + 0.4 * y, 0.1 + 0.6 * x * y])
    rgb[np.hypot(x - 0.5, y - 0.5) % 0.1 < 0.02] *= 0.4
    return np.dstack([rgb * 255, np.full((side, side), 255)]).round().astype(np.uint8)


@pytest.mark.parametrize("draw", [shaded, badge])
def test_made_small_again_it_has_the_colours_that_it_had(draw: Callable[[int], Pixels]) -> None:
    small = resize(draw(256), Extent(64, 64))
    again = premultiply(to_float(resize(enlarge(small, 4), Extent(64, 64))))
    seen = small[..., 3] > 250
    assert np.abs(again - premultiply(to_float(small)))[seen].mean() < 0.004


@pytest.mark.parametrize("draw", [shaded, badge])
def test_colours_are_nearer_to_the_true_ones_than_by_interpolation(draw: Callable[[int], Pixels]) -> None:
    true = premultiply(to_float(draw(256)))[..., :3]
    small = resize(draw(256), Extent(64, 64))
    finished, plain = (
        premultiply(to_float(made))[..., :3] for made in (enlarge(small, 4), resize(small, Extent(256, 256)))
    )
    assert np.abs(finished - true).mean() < np.abs(plain - true).mean()
