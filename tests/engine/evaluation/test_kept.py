"""What was measured is taken up again, and never where something that decides it is another."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from acetate_engine.cli import app
from acetate_engine.evaluation.cutting import Composites, Figures, evaluate_extract
from acetate_engine.evaluation.kept import Notebook, digest_of_files
from acetate_engine.evaluation.splitting import evaluate_split
from tests.engine.pictures.scenes import backdrop, pixels, scene, toy


def _extract(folder: Path, count: int = 2, most: int = 9, way: str = "GrabCut") -> Figures:
    """Broken off before more than `most` composites are measured."""
    layers = np.stack([pixels(toy(x)) for x in (0.4, 0.5, 0.6)[:count]])

    def say(text: str) -> None:
        if int(text.split()[2]) > most:
            raise KeyboardInterrupt

    return evaluate_extract(Composites(layers, pixels(backdrop())[None], 1), say, ways=[way], kept=Notebook(folder))


def _figures(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


def test_a_run_that_was_broken_off_goes_on_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _extract(tmp_path, most=1)
    [first] = _figures(tmp_path)
    kept = json.loads(first.read_text(encoding="utf-8"))
    kept["figures"]["sad"] += 100  # a figure that nobody would measure
    first.write_text(json.dumps(kept), encoding="utf-8")
    whole = _extract(tmp_path / "anew")["GrabCut"]
    assert _extract(tmp_path)["GrabCut"]["sad"] == pytest.approx(whole["sad"] + 50)
    assert len(_figures(tmp_path)) == 2 and first in _figures(tmp_path)


def test_the_sheet_shows_what_was_kept(tmp_path: Path) -> None:
    rows: list[list[np.ndarray]] = []
    for _ in range(2):
        evaluate_split([("toy", pixels(scene()))], 1, lambda text: None, rows.append, Notebook(tmp_path))
    assert len(rows[0]) == 3 and np.array_equal(np.stack(rows[0]), np.stack(rows[1]))


def test_other_pictures_ways_and_settings_are_measured_for_themselves(tmp_path: Path) -> None:
    _extract(tmp_path, 1)
    _extract(tmp_path, 2)  # one more picture
    assert len(_figures(tmp_path)) == 2
    _extract(tmp_path, 2, way="matting, true trimap")
    assert len(_figures(tmp_path)) == 4
    for most in (1, 2):
        evaluate_split([("toy", pixels(scene()))], most, lambda text: None, kept=Notebook(tmp_path))
    assert len(_figures(tmp_path)) == 6


def test_a_damaged_one_is_measured_again(tmp_path: Path) -> None:
    before = _extract(tmp_path)
    damaged, whole = _figures(tmp_path)
    damaged.write_bytes(damaged.read_bytes()[:9])
    whole.with_suffix(".png").unlink()
    assert _extract(tmp_path) == before and json.loads(damaged.read_text(encoding="utf-8"))["figures"]


def test_code_that_decides_is_part_of_the_key(tmp_path: Path) -> None:
    for name, text in (("a.py", "one"), ("b.py", "two")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    files = list(tmp_path.glob("*.py"))
    before = digest_of_files(files)
    assert digest_of_files(reversed(files)) == before
    (tmp_path / "b.py").write_text("three", encoding="utf-8")
    assert digest_of_files(files) != before


@pytest.mark.parametrize("share", ["0/2", "3/2", "1/0", "half", "1/2/3", "-1/2", "²/3"])
def test_what_is_no_share_is_refused(tmp_path: Path, share: str) -> None:
    folders = ["--data", str(tmp_path), "--out", str(tmp_path / "report.json")]
    done = CliRunner().invoke(app, ["eval", "extract", *folders, f"--share={share}"])
    assert done.exit_code == 1 and "no share" in done.output
