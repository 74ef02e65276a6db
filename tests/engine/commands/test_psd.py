from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.tree import Group, PixelLayer
from acetate_engine.documents.writer import write_document
from tests.engine.commands.conftest import Acetate
from tests.engine.documents.pictures import REFERENCES, everything, sample


@pytest.fixture
def document(tmp_path: Path) -> Path:
    write_document(sample(), tmp_path / "document.psd")
    return tmp_path / "document.psd"


def names(path: Path) -> list[str]:
    return [key for key, _ in read_document(path).walk()]


def test_the_tree(acetate: Acetate) -> None:
    text = acetate("psd", "ls", REFERENCES / "groups-u8.psd")
    assert "128×96, RGB, 8 bit" in text
    assert "inner  (group, 50%)" in text
    assert text.index("off canvas") < text.index("ground")
    report = acetate("psd", "ls", REFERENCES / "groups-u8.psd", "--json")
    assert [layer["name"] for layer in report["layers"]] == ["off canvas", "hidden", "through", "multiplied", "ground"]
    assert report["layers"][2]["layers"][1] == {
        "name": "tint",
        "visible": True,
        "opacity": 1.0,
        "blend": "overlay",
        "clip": "none",
        "masks": 0,
        "notes": [],
        "bounds": [71, 8, 49, 80],
    }


def test_identity_comes_back_above_its_source(acetate: Acetate, document: Path, tmp_path: Path) -> None:
    acetate("psd", document, "--task", "identity", "--foreground", "base", "-o", tmp_path / "out.psd")
    assert names(tmp_path / "out.psd") == [
        "組 ☃",
        "組 ☃/",
        "組 ☃//deep",
        "組 ☃/outside",
        "Identity",
        "clipped",
        "base",
        "Grund äß",
    ]
    layers = read_document(tmp_path / "out.psd").layers
    alone = flatten(sample().layers[1:2], everything(sample()))
    assert (flatten(layers[3:4], everything(sample())) == alone).all()


def test_only_the_region_is_covered(acetate: Acetate, document: Path, tmp_path: Path) -> None:
    acetate("psd", document, "--task", "identity", "--foreground", "Grund äß", "--region", "10,5,20x16",
            "-o", tmp_path / "out.psd")  # fmt: skip
    layer = read_document(tmp_path / "out.psd").layers[1]
    assert isinstance(layer, PixelLayer)
    assert (layer.bounds.x, layer.bounds.y, layer.bounds.width, layer.bounds.height) == (10, 5, 20, 16)


def test_a_foreground_goes_above_the_highest_background(
    acetate: Acetate, tiny: Path, document: Path, tmp_path: Path
) -> None:
    acetate("psd", document, "--task", "foreground_on_background", "--background", "Grund äß", "--background", "base",
            "-p", "a cat", "--steps", 1, "-o", tmp_path / "out.psd")  # fmt: skip
    top = [layer.name for layer in read_document(tmp_path / "out.psd").layers]
    assert top[1:3] == ["base", "clipped"]
    assert len(top) == 5


def test_a_background_goes_below_its_foreground(acetate: Acetate, tiny: Path, document: Path, tmp_path: Path) -> None:
    acetate("psd", document, "--task", "background_behind_foreground", "--foreground", "組 ☃", "-p", "a sky",
            "--steps", 1, "-o", tmp_path / "out.psd")  # fmt: skip
    top = [layer.name for layer in read_document(tmp_path / "out.psd").layers]
    assert top[:3] == ["Grund äß", "base", "clipped"]
    assert top[4] == "組 ☃"


def test_several_layers_come_in_a_group(acetate: Acetate, tiny: Path, document: Path, tmp_path: Path) -> None:
    acetate("psd", document, "--task", "joint", "-p", "a kite", "--steps", 1, "-o", tmp_path / "out.psd")
    group = read_document(tmp_path / "out.psd").layers[-1]
    assert isinstance(group, Group)
    assert group.name == "a kite"
    assert len(group.layers) >= 2


def test_sixteen_bit_documents_get_sixteen_bit_layers(acetate: Acetate, tmp_path: Path) -> None:
    write_document(sample(16), tmp_path / "in.psd")
    acetate("psd", tmp_path / "in.psd", "--task", "identity", "--foreground", "base", "-o", tmp_path / "out.psd")
    layer = read_document(tmp_path / "out.psd").layers[3]
    assert isinstance(layer, PixelLayer)
    pixels = layer.source.read(layer.bounds)
    assert pixels.dtype == np.uint16
    assert (pixels % 257 != 0).any(), "more than 8 bit of them"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--task", "identity", "--foreground", "nobody"), "no layer 'nobody'"),
        (("--task", "identity", "--region", "1,2"), "is not one"),
        (("--task", "identity", "--region", "0,0,0x9"), "region is empty"),
        (("--task", "inpaint", "-p", "a"), "no selection"),
    ],
)
def test_errors_leave_nothing_behind(
    acetate: Acetate, document: Path, arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    text = acetate("psd", document, *arguments, "-o", tmp_path / "out.psd", status=1)
    assert said in " ".join(text.split())
    assert list(tmp_path.iterdir()) == [document]


def test_only_psd_goes_into_psd(acetate: Acetate, photo: Path, tmp_path: Path) -> None:
    assert "not PSD" in acetate("psd", photo, "-p", "a", "-o", tmp_path / "out.psd", status=1)
