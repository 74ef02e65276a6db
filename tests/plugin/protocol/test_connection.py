"""Where plugin and engine meet."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import platformdirs
import pytest

from acetate.protocol import connection
from acetate.protocol.connection import Connection, read_connection, write_connection
from acetate.protocol.errors import MalformedMessage

CONNECTION = Connection("127.0.0.1", 4711, "s3cret", 12, "0.1.0", 1)


def test_a_connection_is_written_for_the_user_only_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "run" / "connection.json"
    assert read_connection(path) is None
    for _ in range(2):
        write_connection(path, CONNECTION)
        assert read_connection(path) == CONNECTION
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert CONNECTION.url == "http://127.0.0.1:4711"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"host": 1}'])
def test_a_broken_file_is_malformed(tmp_path: Path, text: str) -> None:
    (tmp_path / "connection.json").write_text(text)
    with pytest.raises(MalformedMessage):
        read_connection(tmp_path / "connection.json")


@pytest.mark.parametrize("runtime", [None, "", "  ", "relative", "/nowhere/with space", "{tmp_path}"])
@pytest.mark.parametrize("config", [None, "", " ", "relative", "/etc/somewhere"])
@pytest.mark.parametrize("home", ["/home/painter", "/root"])
@pytest.mark.filterwarnings("ignore::platformdirs.api.RuntimeDirWarning")
def test_the_directories_are_those_of_platformdirs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str, config: str | None, runtime: str | None
) -> None:
    monkeypatch.setenv("HOME", home)
    for name, value in {"XDG_CONFIG_HOME": config, "XDG_RUNTIME_DIR": runtime, "XDG_DATA_HOME": config}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value.format(tmp_path=tmp_path))
    assert connection.runtime_dir() == Path(platformdirs.user_runtime_dir("acetate"))
    assert connection.config_dir() == Path(platformdirs.user_config_dir("acetate"))
    assert connection.data_dir() == Path(platformdirs.user_data_dir("acetate"))


@pytest.mark.parametrize("mode, is_private", [(0o700, True), (0o755, False), (0o770, False)])
def test_a_runtime_dir_that_nobody_named_must_be_private(tmp_path: Path, mode: int, is_private: bool) -> None:
    tmp_path.chmod(mode)
    assert connection._is_private(tmp_path) is is_private
    (tmp_path / "link").symlink_to(tmp_path)
    assert not connection._is_private(tmp_path / "link")
    assert not connection._is_private(tmp_path / "nothing")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_another_users_file_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "connection.json"
    write_connection(path, CONNECTION)
    os.chown(path, 12345, 12345)
    with pytest.raises(MalformedMessage, match="another user"):
        read_connection(path)
