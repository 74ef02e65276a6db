"""Vector pictures and icon sets as pictures of a data folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from acetate_engine.training.datasets import load_pictures
from acetate_engine.training.gather import GatherConfig, gather
from acetate_engine.training.translucent.subjects import STYLE
from acetate_engine.training.vectors import icons, opened

DISC = '<circle cx="{0}" cy="{0}" r="{0}" fill="#f00"/>'
SVG = '<svg xmlns="http://www.w3.org/2000/svg" {}>{}</svg>'


@pytest.mark.parametrize(
    "size", ['viewBox="0 0 40 20"', 'width="4cm" height="2cm" viewBox="0,0,40,20"', 'width="40" height="20pt"']
)
def test_a_drawing_has_the_size_that_is_asked_for(tmp_path: Path, size: str) -> None:
    path = tmp_path / "disc.svg"
    path.write_text(SVG.format(size, DISC.format(10)), encoding="utf-8")
    pixels = np.asarray(opened(path, 100).convert("RGBA"))
    assert pixels.shape == (50, 100, 4) and tuple(pixels[25, 25]) == (255, 0, 0, 255) and not pixels[25, 75].any()


@pytest.mark.parametrize("text", ["no drawing", SVG.format("", "")])
def test_what_is_no_drawing_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.svg"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"no SVG|no size"):
        opened(path, 100)


def test_icons_and_rendered_subjects_are_written_as_of_no_training(tmp_path: Path) -> None:
    package = tmp_path / "downloads" / "npm-@some-icons-1.0" / "package"
    package.mkdir(parents=True)
    icon_set = {"icons": {"red-disc": {"body": DISC.format(16)}, "other": {"body": ""}}, "width": 48, "height": 32}
    (package / "icons.json").write_text(json.dumps(icon_set), encoding="utf-8")
    pictures = {"kind": "fg", "files": "package/icons.json", "names": ["red-disc"], "licence": "MIT", "style": "icon"}
    source = {"package": "npm:@some/icons@1.0", "digest": "sha256:0", "pictures": [pictures]}
    rendered = [f"a soap bubble, {STYLE}"]
    config = {"sources": [source], "rendered": rendered, "side": 64, "drawn": 200, "held_out": 1.0}
    assert gather(GatherConfig.model_validate(config), tmp_path / "downloads", tmp_path / "data")["fg"] == 2
    found = load_pictures(tmp_path / "data", "fg", "val")
    assert found.captions == ["a red disc, icon", rendered[0]] and found.pixels.shape == (2, 64, 64, 4)
    assert found.rows[0]["native"] in (133, 134) and found.rows[0]["licence"] == "MIT"  # 32 of 48, drawn with 200
    with pytest.raises(KeyError):
        list(icons(package / "icons.json", ("nothing",)))
