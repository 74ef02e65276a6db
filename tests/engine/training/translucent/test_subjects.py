"""Every translucent subject: soft where it should be, the same for the same seed, another for another."""

from __future__ import annotations

import numpy as np
import pytest

from acetate_engine.training.datasets import Bytes
from acetate_engine.training.rendered import with_rendered
from acetate_engine.training.translucent.frame import COLOURS, Frame
from acetate_engine.training.translucent.subjects import STYLE, SUBJECTS, render, render_all

SIDE = 48  # pixels: all that is tested shows at this size, too


@pytest.fixture(scope="module")
def pictures() -> dict[str, Bytes]:
    return {caption: render(caption, SIDE, 0) for caption in SUBJECTS}


def named(words: str) -> list[str]:
    return [caption for caption in SUBJECTS if words in caption]


def test_there_are_a_few_hundred_captions_and_each_is_said_once(pictures: dict[str, Bytes]) -> None:
    assert len(SUBJECTS) >= 250
    assert all(caption.endswith(f", {STYLE}") and len(caption) < 60 for caption in SUBJECTS)
    assert len({pixels.tobytes() for pixels in pictures.values()}) == len(SUBJECTS)


@pytest.mark.parametrize(
    "kind",
    ["bottle", "wine glass", "sphere", "pane of", "magnifying", "bubble", "ice", "drop", "flame", "candle", "campfire",
     "smoke", "steam", "fog", "cloud", "sparks", "magic swirl", "lightning", "beam", "lens flare", "neon",
     "spider web", "feather", "hair", "grass", "net", "lace", "rain", "snow", "shadow"],
)  # fmt: skip
def test_every_subject_of_the_list_is_there(kind: str) -> None:
    assert named(kind)


def test_something_is_to_be_seen_and_much_of_it_is_soft(pictures: dict[str, Bytes]) -> None:
    for caption, pixels in pictures.items():
        alpha = pixels[..., 3].astype(float) / 255
        soft = (alpha > 0.02) & (alpha < 0.98)
        assert alpha.max() > 0.15, caption
        assert alpha.mean() > 0.008, caption
        assert soft.sum() > 0.12 * (alpha > 0.02).sum(), caption


def test_glass_is_seen_through_and_wax_is_not(pictures: dict[str, Bytes]) -> None:
    for caption in named("clear glass sphere"):
        assert pictures[caption][SIDE // 2, SIDE // 2, 3] < 140
    for caption in named("burning"):
        assert pictures[caption][..., 3].max() == 255


def test_the_border_stays_empty_but_for_what_fills_the_air(pictures: dict[str, Bytes]) -> None:
    wide = ("rain", "snow", "lightning", "fog")
    spilt = [
        caption
        for caption, pixels in pictures.items()
        if not any(word in caption for word in wide) and pixels[[0, -1], :, 3].mean() > 25
    ]
    assert len(spilt) < 0.05 * len(SUBJECTS), spilt


def test_colour_goes_on_under_alpha_0(pictures: dict[str, Bytes]) -> None:
    """As true straight colour does: a picture scaled or blurred later shows no dark contour."""
    pixels = pictures["a white feather, translucent"]
    beside = (pixels[..., 3] == 0) & np.roll(pixels[..., 3] > 0, 1, 0)
    assert beside.any()
    assert pixels[beside, :3].min() > 120


@pytest.mark.parametrize("tint", ["red", "green", "blue"])
def test_a_colour_that_is_said_is_there(pictures: dict[str, Bytes], tint: str) -> None:
    strongest = int(np.argmax(COLOURS[tint]))
    captions = [caption for caption in named(tint) if "wine" not in caption and "hot" not in caption]
    assert len(captions) > 8
    for caption in captions:
        pixels = pictures[caption].astype(float)
        weight = pixels[..., 3] * np.ptp(pixels[..., :3], axis=-1)  # solid logs, wax and highlights are no light
        if "campfire" not in caption and "candle" not in caption:
            assert (pixels[..., :3] * weight[..., None]).sum((0, 1)).argmax() == strongest, caption


def test_the_same_seed_renders_the_same_and_another_something_else() -> None:
    for caption in list(SUBJECTS)[::12]:
        first, again, other = (render(caption, SIDE, seed) for seed in (5, 5, 6))
        np.testing.assert_array_equal(first, again)
        assert (first != other).any(), caption


def test_a_larger_picture_shows_the_same() -> None:
    for caption in ("a blue glass sphere, translucent", "a cloud of white smoke, translucent"):
        small, large = render(caption, 32, 3)[..., 3].astype(float), render(caption, 64, 3)[..., 3].astype(float)
        assert np.abs(large.reshape(32, 2, 32, 2).mean((1, 3)) - small).mean() < 12


def test_a_frame_knows_where_its_pixels_are() -> None:
    frame = Frame.posed(40, np.random.default_rng(3), turn=30)
    places = np.stack([frame.x.ravel(), frame.y.ravel()])
    rows, columns = np.mgrid[:40, :40]
    found = frame.matrix[:, :2] @ places + frame.matrix[:, 2:]
    np.testing.assert_allclose(found, np.stack([columns.ravel(), rows.ravel()]), atol=1e-3)


def test_all_captions_come_about_as_often() -> None:
    few = tuple(SUBJECTS)[:3]
    made = render_all(7, 16, 0, few)
    assert [made.captions.count(caption) for caption in few] == [3, 2, 2]
    assert len({pixels.tobytes() for pixels in made.pixels}) == 7
    both = with_rendered(made, 2)
    assert len(both) == 9 and both.pixels.shape == (9, 16, 16, 4)
