"""The walks of CONTRIBUTING.md are true: what they name is there, and they are as long as they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (ROOT / "plugin" / "acetate", ROOT / "engine" / "acetate_engine")
# Where a walk's short names begin; the first that has the file counts.
_FOLDERS = ("", "pipelines", "models", "models/families", "models/checkpoints", "jobs")
_ANY = "…"  # `methods/…`: one of these
_TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return _TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows() -> list[list[str]]:
    """Cells of the table of walks, two rows to a walk: before and now."""
    lines = [line for line in section("Six walks").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


WALKS = {before[0]: (before, now) for before, now in zip(rows()[::2], rows()[1::2], strict=True)}
every_walk = pytest.mark.parametrize("walk", WALKS)


def names(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def stops(text: str) -> list[str]:
    """Without what stands in brackets: that is only asked."""
    return names(re.sub(r"\([^)]*\)", "", text))


def is_there(name: str) -> bool:
    path = name.removesuffix(_ANY).rstrip("/")
    found = [package / folder / path for package in PACKAGES for folder in _FOLDERS]
    if name.endswith(_ANY):
        return any(folder.is_dir() for folder in found)
    return any(file.with_name(f"{file.name}.py").is_file() for file in found)


def test_there_are_six() -> None:
    assert len(WALKS) == 6


@every_walk
def test_every_stop_is_a_file(walk: str) -> None:
    _, now = WALKS[walk]
    assert [name for name in names(now[1]) if not is_there(name)] == []


@every_walk
def test_it_is_as_long_as_it_says_shorter_than_before_and_never_comes_back(walk: str) -> None:
    before, now = WALKS[walk]
    assert len(stops(before[1])) == int(before[2])
    assert len(stops(now[1])) == int(now[2].strip("*"))
    assert int(now[2].strip("*")) < int(before[2])
    assert len(set(stops(now[1]))) == len(stops(now[1]))


def test_what_the_other_sections_name_is_there() -> None:
    """Files and folders; what is to be made anew has no name there."""
    text = re.sub(r"```.*?```", "", _TEXT.replace(section("Six walks"), ""), flags=re.DOTALL)
    paths = [name for name in names(text) if re.fullmatch(r"[\w./]+(\.py|\.toml|\.pyi|/\w+)", name)]
    there = [str(file) for folder in ("plugin", "engine", "tests", "resources") for file in (ROOT / folder).rglob("*")]
    assert len(paths) > 15
    assert [path for path in paths if not _is_among(path, there)] == []


def _is_among(path: str, there: list[str]) -> bool:
    return (ROOT / path).exists() or any(file.endswith(f"/{path}") for file in there)
