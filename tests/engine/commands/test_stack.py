from __future__ import annotations

from pathlib import Path

import pytest

from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.tree import PixelLayer
from tests.engine.commands.conftest import Acetate
from tests.engine.documents.pictures import everything, off

FIVE = [option for prompt in ("a table", "a cloth", "a bowl", "an apple", "a fly") for option in ("-l", prompt)]


def test_five_layers_over_a_photo_agree_in_every_format(
    acetate: Acetate, tiny: Path, photo: Path, tmp_path: Path
) -> None:
    common = ("stack", "--background", photo, *FIVE, "--seed", 11, "--steps", 1)
    for name in ("out.psd", "out.ora", "out"):
        acetate(*common, "-o", tmp_path / name)
    psd, ora = (read_document(tmp_path / name) for name in ("out.psd", "out.ora"))
    names = sorted((tmp_path / "out").glob("0*.png"))
    folder = tuple(read_document(name).layers[0] for name in names)
    assert len(psd.layers) == len(ora.layers) == len(folder) == 6
    assert psd.layers[0].name == "photo"
    for layers in zip(psd.layers, ora.layers, folder, strict=True):
        first, *others = (flatten((layer,), everything(psd)) for layer in layers)
        assert all((first == other).all() for other in others)
    assert ora.merged is not None
    shown = flatten(psd.layers, everything(psd))
    assert off(shown, ora.merged.read(everything(psd))).max() == 0.0
    merged = read_document(tmp_path / "out" / "merged.png").layers
    assert (shown == flatten(merged, everything(psd))).all()


def test_a_plan(acetate: Acetate, tiny: Path, photo: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "background: photo.png\nseed: 3\nlayers:\n- prompt: a bowl\n"
        "- prompt: an apple\n  seed: 9\n  bounds: {x: 8, y: 6, width: 20, height: 20}\n"
    )
    report = acetate("stack", plan, "--steps", 1, "-o", tmp_path / "out.psd", "--json")
    assert [layer["seed"] for layer in report["layers"]] == [3, 9]
    assert report["layers"][1]["bounds"] == {"x": 8, "y": 6, "width": 20, "height": 20}
    layers = read_document(tmp_path / "out.psd").layers
    assert isinstance(layers[2], PixelLayer)
    assert (layers[2].bounds.x >= 8, layers[2].bounds.right <= 28) == (True, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layers: [", "is no YAML"),
        ("layers: 3", "$.layers should be a list"),
        ("layers:\n- {prompt: a, colour: red}", "unknown field 'colour'"),
        ("- a", "should be an object"),
        ("layers: []", "0 layers"),
    ],
)
def test_a_broken_plan_is_named(acetate: Acetate, text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(text)
    assert said in " ".join(acetate("stack", tmp_path / "plan.yaml", "-o", tmp_path / "x.psd", status=1).split())
