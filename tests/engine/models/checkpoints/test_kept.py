"""What files are outlives the process, and nothing else of it matters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from acetate_engine.models.checkpoints import kept, kinds
from acetate_engine.models.checkpoints.info import FileInfo
from acetate_engine.paths import cache_dir
from tests.engine.models import owned


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    kinds._inspected.cache_clear()
    return cache_dir() / "headers.sqlite"


def again(path: Path) -> object:
    """As the next process sees it."""
    kinds._inspected.cache_clear()
    return kinds.inspected(path)


@pytest.mark.parametrize("file", owned.ALL, ids=lambda file: file.path)
def test_all_that_is_known_of_a_file_is_kept(
    file: owned.Owned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / Path(file.path).name
    file.make(path)
    found = kinds.inspected(path)
    monkeypatch.setattr(kinds, "read_header", lambda path: pytest.fail("read again"))
    monkeypatch.setattr(kinds, "inspect_folder", lambda path: pytest.fail("read again"))
    later = again(path)
    assert later == found if isinstance(found, FileInfo) else str(later) == str(found)


def style(path: Path, width: int = 768) -> Path:
    owned.lora(width)(path)
    return path


def width_of(path: Path) -> object:
    found = again(path)
    assert isinstance(found, FileInfo)
    return found.width


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = style(tmp_path / "a.safetensors")
    assert width_of(path) == 768
    before = path.stat()
    style(path, 2048)
    assert width_of(path) == 2048
    style(path, 1024)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert width_of(path) == 1024


def test_code_that_understands_otherwise_reads_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = style(tmp_path / "a.safetensors")
    kinds.inspected(path)
    monkeypatch.setattr(kinds, "understanding", lambda: "newer")
    monkeypatch.setattr(kinds, "identify", lambda header: FileInfo(path, kinds.Kind.UNKNOWN))
    found = again(path)
    assert isinstance(found, FileInfo) and found.kind is kinds.Kind.UNKNOWN


@pytest.mark.parametrize("content", [b"", b"nonsense" * 300, b"SQLite format 3\x00" + bytes(200)])
def test_a_broken_cache_costs_a_look(content: bytes, tmp_path: Path, cache: Path) -> None:
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_bytes(content)
    path = style(tmp_path / "a.safetensors")
    assert width_of(path) == width_of(path) == 768
    assert kept.recall(path, "no such stamp") is None


def test_without_a_place_for_it(tmp_path: Path, cache: Path) -> None:
    cache.parent.parent.mkdir(parents=True, exist_ok=True)
    cache.parent.write_text("in the way")
    assert width_of(style(tmp_path / "a.safetensors")) == 768


def test_an_error_of_the_disk_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = style(tmp_path / "a.safetensors")

    def fail(self: Path, *arguments: object) -> object:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", fail)
        assert "Input/output" in str(again(path))
    assert width_of(path) == 768


def test_another_process_knows(tmp_path: Path) -> None:
    path = style(tmp_path / "a.safetensors")
    kinds.inspected(path)
    code = (
        "import sys; from pathlib import Path; from acetate_engine.models.checkpoints import kinds\n"
        "kinds.read_header = None\n"
        "print(kinds.inspected(Path(sys.argv[1])).width, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["768", "False"]
