from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path

import pytest

from acetate.protocol.connection import Connection, connection_file, runtime_dir, write_connection, write_engine_command
from acetate.protocol.private import private_folder
from acetate.protocol.version import PROTOCOL_VERSION, __version__
from acetate.session.diagnostics import TAIL, collect, redacted
from acetate.session.preferences import Preferences

TOKEN = "s3cr3t-t0ken_of-this.engine"


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and folders of this test's own; who is at the machine is called Rosalind."""
    for name in ("CONFIG", "DATA", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "rosalind")
    return tmp_path


def connected() -> None:
    write_connection(connection_file(), Connection("127.0.0.1", 1, TOKEN, 1, __version__, PROTOCOL_VERSION))


def test_the_doctor_of_the_engine_and_the_end_of_its_log_are_in_it(own_folders: Path) -> None:
    """With the real doctor, in a process of its own."""
    write_engine_command(Path(sys.executable), __version__)
    connected()
    log = private_folder(runtime_dir()) / "engine.log"
    log.write_text("\n".join(f"line {number}: {own_folders}/picture.kra token={TOKEN}" for number in range(100)))
    text = collect({"krita": "5.1.5"})
    for wanted in (
        "[plugin]",
        "krita: 5.1.5",
        "[versions]",
        "torch: ",
        "[models]",
        "mini: installed",
        "line 99: ~/picture",
    ):
        assert wanted in text
    assert f"line {100 - TAIL}:" in text and f"line {99 - TAIL}:" not in text
    assert (
        TOKEN not in text
        and str(own_folders) not in text
        and getpass.getuser() == "rosalind"
        and "rosalind" not in text
    )


def test_without_an_engine_it_says_so() -> None:
    assert "engine is not installed" in collect({}).lower() and "(none)" in collect({})


@pytest.mark.parametrize(
    "line",
    [
        f"Authorization: Bearer {TOKEN}",
        "Authorization: Bearer abcdef0123456789",
        '{"token": "abcdef0123456789"}',
        "HF token hf_abcdef0123456789",
        "/home/Rosalind and rosalind@example.org: /media/rosalind/disk",
    ],
)
def test_tokens_and_names_are_blanked(line: str) -> None:
    connected()
    shown = redacted(line)
    assert TOKEN not in shown and "abcdef0123456789" not in shown and "rosalind" not in shown
    assert redacted("torch 2.13, bearer of bad news") == "torch 2.13, bearer of bad news"


def test_preferences_are_kept_and_what_another_release_knows_stays(own_folders: Path) -> None:
    file = own_folders / "docker.json"
    file.write_text(json.dumps({"version": 1, "language": "de", "cores": "many", "mood": [1]}))
    preferences = Preferences(file)
    assert preferences.language.value == "de" and preferences.cores.value == 0
    preferences.previews.value = False
    assert Preferences(file).previews.value is False and Preferences(file).language.value == "de"
    assert json.loads(file.read_text())["mood"] == [1] and json.loads(file.read_text())["cores"] == "many"
    assert ["cores" in reason or "mood" in reason for reason in preferences.reasons] == [True, True]
    preferences.cores.value = 2
    assert json.loads(file.read_text())["cores"] == 2


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"{", b"null", b"[" * 100_000])
def test_preferences_that_cannot_be_read_are_put_aside(own_folders: Path, content: bytes) -> None:
    file = own_folders / "docker.json"
    file.write_bytes(content)
    preferences = Preferences(file)
    assert preferences.previews.value is True and "docker.json" in preferences.reasons[0]
    preferences.previews.value = False
    preferences.cores.value = 2
    assert (own_folders / "docker.json.unread").read_bytes() == content
    assert Preferences(file).cores.value == 2 and Preferences(file).reasons == ()
