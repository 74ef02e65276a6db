"""An engine that runs already, named by address and token."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from acetate.client import another_engine
from acetate.client.launcher import Launcher
from acetate.protocol.errors import AccessError, EngineUnreachable
from tests.engine.process import EngineProcess, private_environment

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    process = EngineProcess(tmp_path_factory.mktemp("engine"))
    yield process
    process.stop()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in private_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def test_it_is_used_in_place_of_one_of_our_own(home: Path, engine: EngineProcess) -> None:
    """Nothing is installed in this home, and nothing is started."""
    used = another_engine.use(f" {engine.connection.url} ", engine.connection.token)
    assert used == engine.connection
    assert stat.S_IMODE(another_engine.file().stat().st_mode) == 0o600
    launcher = Launcher()
    assert launcher.connect() == engine.connection
    launcher.stop()
    assert engine.process.poll() is None, "it is not ours to end"
    another_engine.forget()
    assert another_engine.read() is None


def test_a_wrong_token_is_refused_and_changes_nothing(home: Path, engine: EngineProcess) -> None:
    with pytest.raises(AccessError):
        another_engine.use(engine.connection.url, "wrong")
    assert another_engine.read() is None


@pytest.mark.parametrize("address", ["", "http://example.org:80", "https://127.0.0.1:80", "127.0.0.1", "127.0.0.1:x"])
def test_only_this_machine_because_nothing_is_encrypted(home: Path, address: str) -> None:
    with pytest.raises(AccessError) as caught:
        another_engine.use(address, "token")
    assert "ssh -L" in caught.value.remedy


def test_nobody_there(home: Path) -> None:
    with pytest.raises(EngineUnreachable, match=r"no engine answers at http://127\.0\.0\.1:9"):
        another_engine.use("127.0.0.1:9", "token")


@pytest.mark.parametrize(
    "kept", [b"", b"{", b'{"version": 9, "url": "x", "token": "y"}', b"[1]", b"\xff\xfe", b'{"url": 3}']
)
def test_a_file_that_cannot_be_read_stays_and_is_told(home: Path, kept: bytes) -> None:
    assert another_engine.unread() == ()
    another_engine.file().parent.mkdir(parents=True)
    another_engine.file().write_bytes(kept)
    assert another_engine.read() is None
    assert str(another_engine.file()) in another_engine.unread()[0]
    assert another_engine.file().read_bytes() == kept


def test_a_file_of_the_release_before_has_no_version(home: Path) -> None:
    another_engine.file().parent.mkdir(parents=True)
    another_engine.file().write_text('{"url": "http://127.0.0.1:9", "token": "t"}')
    assert another_engine.read() == another_engine.Address("http://127.0.0.1:9", "t")
