"""Against the projections of the real Krita; made by tests/references/psd/make.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.documents.blending import blend
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.planes import COVERING
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.tree import Blend, Memory, PixelLayer
from tests.engine.documents.pictures import REFERENCES, everything, noise, off, sample, shown_by_krita

# Krita 5.1.5 writes no clipping into PSD, and neither masks nor clipping into OpenRaster: those files hold less than
# the document that Krita showed.
LOST = {"clipping-u8.psd", "clipping-u16.psd"}
DOCUMENTS = [path for path in sorted(REFERENCES.iterdir()) if path.suffix in (".psd", ".kra", ".ora")]


@pytest.mark.parametrize("path", [p for p in DOCUMENTS if p.name not in LOST], ids=lambda path: path.name)
def test_agrees_with_krita(path: Path) -> None:
    """16 bit within 0.2/255, 8 bit within 2, and mostly within 1."""
    document = read_document(path)
    truth = shown_by_krita(path)
    difference = off(truth, flatten(document.layers, everything(document), depth=document.depth))
    assert document.depth == 8 * truth.itemsize
    if document.depth == 16:
        assert difference.max() <= 0.2
    else:
        assert difference.max() <= 2.0
        assert (difference > 1.0).mean() <= 5e-4


@pytest.mark.parametrize("name", sorted(LOST))
def test_clipping_that_krita_did_not_write(name: str) -> None:
    """The day Krita writes it, this fails and the list above gets shorter."""
    document = read_document(REFERENCES / name)
    truth = shown_by_krita(REFERENCES / name)
    assert off(truth, flatten(document.layers, everything(document), depth=document.depth)).max() > 100


@pytest.mark.parametrize("depth", [8, 16])
def test_a_region_is_that_part_of_the_whole(depth: int) -> None:
    document = sample(depth)
    whole = flatten(document.layers, everything(document), depth=depth)
    part = flatten(document.layers, Bounds(-5, 7, 30, 40), depth=depth)
    assert (part[:25, 5:] == whole[7:, :25]).all()
    assert not part[:25, :5, 3].any(), "nothing of the ground lies left of the canvas at these rows"


def test_one_layer_is_itself() -> None:
    pixels = noise(9, 7)
    shown = flatten((PixelLayer("one", source=Memory.at(0, 0, pixels)),), Bounds(0, 0, 7, 9))
    visible = pixels[..., 3] > 0
    assert (shown[visible] == pixels[visible]).all()
    assert (shown[..., 3] == pixels[..., 3]).all()


def test_hidden_layers_and_what_is_clipped_to_them_do_not_show() -> None:
    document = sample()
    hidden = (document.layers[0], replace(document.layers[1], visible=False), document.layers[2])
    assert (flatten(hidden, everything(document)) == flatten(document.layers[:1], everything(document))).all()


def test_a_region_beyond_all_measure_is_refused() -> None:
    with pytest.raises(FileError, match="Ask for at most"):
        flatten((), Bounds(0, 0, 300_000, 300_000))


@given(
    mode=st.sampled_from([mode for mode in Blend if mode is not Blend.PASS_THROUGH and mode not in COVERING]),
    colours=st.lists(st.floats(0, 1, width=32), min_size=6, max_size=6),
)
def test_blending_stays_in_range(mode: Blend, colours: list[float]) -> None:
    backdrop, source = np.array([[colours[:3]], [colours[3:]]], np.float32)
    result = blend(mode, backdrop, source)
    assert result.shape == (1, 3)
    assert np.isfinite(result).all()
    assert result.min() >= -1e-3
    assert result.max() <= 1 + 1e-3
