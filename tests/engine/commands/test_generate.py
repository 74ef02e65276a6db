from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from acetate_engine import Engine
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.tree import Clip
from tests.engine.commands.conftest import Acetate
from tests.engine.documents.pictures import everything


def pixels_of(path: Path) -> np.ndarray:
    document = read_document(path)
    return flatten(document.layers, everything(document))


def test_identity_gives_the_picture_back(acetate: Acetate, cutout: Path, tmp_path: Path) -> None:
    report = acetate("generate", "--task", "identity", "--foreground", cutout, "-o", tmp_path / "out.png", "--json")
    assert report["layers"][0]["bounds"] == {"x": 0, "y": 0, "width": 48, "height": 40}
    assert (pixels_of(tmp_path / "out.png") == pixels_of(cutout)).all()


def test_a_layer_from_text(acetate: Acetate, tiny: Path, tmp_path: Path) -> None:
    arguments = ("generate", "-p", "a bottle", "--size", "60x44", "--seed", 5, "--steps", 1, "--json")
    report = acetate(*arguments, "-o", tmp_path / "one.png")
    acetate(*arguments, "-o", tmp_path / "two.png")
    assert report["seed"] == 5
    assert pixels_of(tmp_path / "one.png").shape == (44, 60, 4)
    assert (pixels_of(tmp_path / "one.png") == pixels_of(tmp_path / "two.png")).all()


def test_the_python_interface_gives_the_same(acetate: Acetate, tiny: Path, tmp_path: Path) -> None:
    acetate("generate", "-p", "a bottle", "--size", "60x44", "--seed", 5, "--steps", 1, "-o", tmp_path / "one.png")
    result = Engine().generate("a bottle", size=(60, 44), seed=5, steps=1)
    assert (np.asarray(result.layers[0].image)[..., 3] == pixels_of(tmp_path / "one.png")[..., 3]).all()


def test_a_layer_over_its_background(acetate: Acetate, tiny: Path, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.psd"
    acetate("generate", "--task", "foreground_on_background", "--background", photo, "-p", "a cat", "--steps", 1,
            "-o", out)  # fmt: skip
    document = read_document(out)
    assert document.layers[0].name == "photo"
    assert len(document.layers) == 2
    assert (flatten(document.layers[:1], everything(document)) == pixels_of(photo)).all()


def test_a_layer_with_its_shadow_and_its_light(acetate: Acetate, tiny: Path, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.psd"
    arguments = ("generate", "--background", photo, "-p", "a cat", "--steps", 1, "--seed", 3, "--settle")
    acetate(*arguments, "--task", "foreground_on_background", "-o", out)
    document = read_document(out)
    names = [layer.name for layer in document.layers]
    assert names[0] == "photo" and names[1].endswith("Shadow") and names[3].endswith("Light") and len(names) == 4
    assert [layer.clip.value for layer in document.layers].count("none") == 3 and document.layers[3].clip is Clip.BASE
    assert "shadow and light are no part of “New layer”" in acetate(*arguments, "-o", tmp_path / "two.psd", status=1)


def test_a_layer_in_a_region_of_its_background(acetate: Acetate, tiny: Path, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.psd"
    height, width = pixels_of(photo).shape[:2]
    arguments = ("generate", "--task", "foreground_on_background", "--background", photo, "-p", "a cat", "--steps", 1)
    report = acetate(*arguments, "--region", f"{width - 20},3,20x16", "-o", out, "--json")
    assert report["layers"][0]["bounds"] == {"x": width - 20, "y": 3, "width": 20, "height": 16}
    document = read_document(out)
    assert (document.extent.width, document.extent.height) == (width, height)
    made = flatten(document.layers[1:], everything(document))[..., 3]
    assert made[3:19, width - 20 :].any() and not made[19:].any() and not made[:, : width - 20].any()


def test_joint_gives_foreground_and_background(acetate: Acetate, tiny: Path, tmp_path: Path) -> None:
    report = acetate("generate", "--task", "joint", "-p", "a kite", "--background-prompt", "a sky", "--steps", 1,
                     "--size", "64x64", "-o", tmp_path / "kite.ora", "--json")  # fmt: skip
    assert [layer["role"] for layer in report["layers"]][:1] == ["background"]
    assert len(read_document(tmp_path / "kite.ora").layers) == len(report["layers"])


def test_refine_and_inpaint(acetate: Acetate, tiny: Path, cutout: Path, photo: Path, tmp_path: Path) -> None:
    common = ("-p", "another", "--steps", 2, "--seed", 3)
    acetate("refine", cutout, *common, "--strength", 0.5, "-o", tmp_path / "refined.png")
    assert pixels_of(tmp_path / "refined.png").shape == (40, 48, 4)
    mask = np.zeros((40, 48, 4), np.uint8)
    mask[..., 3] = 255
    mask[10:30, 10:40, :3] = 255
    from tests.engine.commands.conftest import write

    acetate("inpaint", cutout, "--mask", write(tmp_path / "mask.png", mask), *common, "-o", tmp_path / "painted.png")
    before, after = pixels_of(cutout), pixels_of(tmp_path / "painted.png")
    outside = mask[..., 0] == 0
    assert (before[outside][:, 3] == after[outside][:, 3]).all()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("-p", "", "--size", "64x64", "-o", "x.png"), "invalid-request", "prompt is empty"),
        (("-p", "a", "--size", "64", "-o", "x.png"), "invalid-request", "is not a size"),
        (("-p", "a", "--size", "64x64", "--region", "10x10", "-o", "x.png"), "invalid-request", "as 100,40,512x512"),
        (("-p", "a", "--size", "64x64", "--region", "60,0,9x9", "-o", "x.png"), "invalid-request", "not lie on the"),
        (("-p", "a", "--size", "64x64", "-o", "x.bmp"), "file", "suffix"),
        (("-p", "a", "--size", "64x64", "-o", "missing/x.png"), "file", "no folder"),
        (("-p", "a", "--background", "gone.png", "-o", "x.png"), "file", "gone.png"),
        (("-p", "a", "--task", "foreground_on_background", "-o", "x.png"), "invalid-request", "no background"),
        (("-p", "a", "--task", "stack", "-o", "x.png"), "invalid-request", "acetate stack"),
        (("-p", "a", "--model", "none", "--size", "64x64", "-o", "x.png"), "unknown-model", "none"),
    ],
)
def test_errors_name_the_reason(
    acetate: Acetate, arguments: tuple[str, ...], code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    problem = acetate("generate", *arguments, "--json", status=1)
    assert problem["code"] == code
    assert said in problem["detail"] + problem["remedy"]
    assert said in acetate("generate", *arguments, status=1)
    assert list(tmp_path.iterdir()) == []


def test_pictures_of_different_sizes_are_refused(acetate: Acetate, photo: Path, tmp_path: Path) -> None:
    said = acetate("generate", "-p", "a", "--background", photo, "--size", "64x64", "-o", tmp_path / "x.png", status=1)
    assert "48×40, 64×64" in said


@pytest.mark.parametrize("command", ["generate", "stack", "refine", "inpaint", "psd", "models"])
def test_help_shows_examples(acetate: Acetate, command: str) -> None:
    assert f"acetate {command}" in acetate(command, "--help")
