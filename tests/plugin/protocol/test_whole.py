"""Files that are there whole, or as they were before."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from acetate.protocol.whole import write_whole


@pytest.mark.parametrize("is_private", [False, True])
@pytest.mark.parametrize("synced", [False, True])
def test_it_takes_the_place_of_what_was_there(tmp_path: Path, is_private: bool, synced: bool) -> None:
    file = tmp_path / "not" / "there" / "file.json"
    for content in (b"long before", b"new"):
        write_whole(file, content, is_private=is_private, synced=synced)
        assert file.read_bytes() == content
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    if is_private:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_full_disk_leaves_the_old_content_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file.json"
    write_whole(file, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(file, b"new", synced=True)
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_folder_in_its_place_is_an_error_and_stays(tmp_path: Path) -> None:
    (tmp_path / "file.json").mkdir()
    (tmp_path / "file.json" / "kept").touch()
    with pytest.raises(OSError):
        write_whole(tmp_path / "file.json", b"new")
    assert (tmp_path / "file.json" / "kept").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]


def test_a_link_in_the_way_is_not_followed_by_what_is_private(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"of somebody")
    (tmp_path / "file.json.new").symlink_to(other)
    with pytest.raises(OSError):
        write_whole(tmp_path / "file.json", b"new", is_private=True)
    assert other.read_bytes() == b"of somebody"
