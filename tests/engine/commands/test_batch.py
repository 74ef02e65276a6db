"""Many jobs from a table: every combination, what is there stays, what fails stops nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from psd_tools import PSDImage

from acetate.protocol.errors import FileError
from acetate_engine.commands.batch_table import read_jobs
from tests.engine.commands.conftest import Acetate, write


def table(folder: Path, text: str) -> Path:
    path = folder / "jobs.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


def made(folder: Path) -> dict[str, float]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if path.name != "sheet.png"}


def picture(path: Path, value: int = 90) -> Path:
    return write(path, np.full((20, 30, 4), (value, 0, 0, 255), np.uint8))


def test_prompts_seeds_and_documents_are_combined(tmp_path: Path) -> None:
    for name in ("one", "two"):
        picture(tmp_path / f"{name}.png")
    jobs = read_jobs(table(tmp_path, 'prompt,seed,background,region\na fox | a cat,1-3 | 9,*.png,"1,2,8x8"\n'))
    assert len(jobs) == 2 * 4 * 2
    assert {job.fields["seed"] for job in jobs} == {1, 2, 3, 9} and {job.line for job in jobs} == {2}
    assert {job.fields["background"].stem for job in jobs} == {"one", "two"}
    assert len({job.stem(lambda path: path.name) for job in jobs}) == len(jobs)


def test_a_table_of_another_country_is_read(tmp_path: Path) -> None:
    (job,) = read_jobs(table(tmp_path, "Prompt;Seed;strength\na fox, red;4;0.5\n"))
    assert job.fields == {"prompt": "a fox, red", "seed": 4, "strength": 0.5}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prompt,sede\na,1\n", "sede"),
        ("prompt,seed\na,1,2\n", "more cells"),
        ("prompt,background\na,no*.png\n", "there is no no"),
        ("prompt,seed\n", "no job"),
        ("prompt,seed\na,1-20000\n", "more than"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FileError, match=said):
        read_jobs(table(tmp_path, text))


def test_what_is_there_is_not_made_again_and_what_changed_is(acetate: Acetate, tmp_path: Path) -> None:
    source, out = picture(tmp_path / "in.png"), tmp_path / "out"
    jobs = table(tmp_path, "task,foreground,seed\nidentity,in.png,1 | 2\n")
    acetate("batch", jobs, "-o", out)
    first = made(out)
    assert len(first) == 2 and (out / "sheet.png").exists()
    next(out.glob("in-1-*")).unlink()
    assert "1 of them done already" in acetate("batch", jobs, "-o", out)
    second = made(out)
    assert second.keys() == first.keys() and sum(second[name] == first[name] for name in first) == 1
    picture(source, 200)
    acetate("batch", jobs, "-o", out)
    assert len(made(out)) == 4


def test_what_fails_is_listed_and_the_rest_is_made(acetate: Acetate, tmp_path: Path) -> None:
    picture(tmp_path / "in.png")
    jobs = table(tmp_path, "task,foreground,factor,seed\nupscale,in.png,3 | 2,\nidentity,in.png,,x\n")
    said = acetate("batch", jobs, "-o", tmp_path / "out", status=1)
    assert "Choose 2 or 4" in said and "line 3: 'x' is no seed" in said and "1 of 3" in said
    (name,) = made(tmp_path / "out")
    with Image.open(tmp_path / "out" / name) as image:
        assert image.size == (60, 40)


def test_layers_lie_above_the_document_that_was_given(acetate: Acetate, tmp_path: Path) -> None:
    picture(tmp_path / "room.png")
    jobs = table(tmp_path, "task,foreground,background\nidentity,room.png,room.png\n")
    acetate("batch", jobs, "-o", tmp_path / "out", "--format", "psd", "--alpha-as-mask")
    (name,) = made(tmp_path / "out")
    assert [layer.name for layer in PSDImage.open(tmp_path / "out" / name)] == ["room", "Identity"]
