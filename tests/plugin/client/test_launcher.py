"""Finding, starting and watching a real engine process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import acetate
from acetate.client import api
from acetate.client.api import HEALTH
from acetate.client.launcher import WATCH, Launcher, clean_environment, engine_command, find
from acetate.protocol.connection import Connection, connection_file, engine_command_file
from acetate.protocol.errors import EngineError, EngineNotInstalled, EngineStartFailed
from acetate.protocol.events import Use
from tests.engine.process import is_gone, private_environment, wait_until

pytestmark = pytest.mark.engine


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in private_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def install(command: list[str]) -> None:
    file = engine_command_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"command": command, "version": "0"}))


@pytest.fixture
def launcher(home: Path) -> Iterator[Launcher]:
    install([sys.executable, "-m", "acetate_engine", "serve"])
    launcher = Launcher()
    yield launcher
    launcher.stop()


def test_an_engine_is_started_found_again_and_stopped(launcher: Launcher) -> None:
    assert find() is None
    connection = launcher.connect()
    wait_until(lambda: find() == connection, "it to be found")  # a busy machine misses one answer
    assert Launcher().connect() == connection  # another Krita uses the one that runs
    assert launcher.has_started(connection)
    launcher.stop()
    launcher.wait_until_gone(connection)
    assert find() is None
    with pytest.raises(EngineError, match="closing"):  # a job that goes on must not bring it back
        launcher.connect()


def test_the_last_one_out_ends_it(launcher: Launcher) -> None:
    """Two Kritas: the one that has started the engine is closed first, and the other goes on with it."""
    other = Launcher()
    connection = launcher.connect()
    assert other.connect() == connection
    launcher.stop()
    wait_until(lambda: find() == connection, "it to be found")
    assert not other.has_started(connection)
    other.stop()
    wait_until(lambda: is_gone(connection.pid), "the end of the engine")
    assert find() is None


def test_an_engine_that_is_just_ending_is_not_in_the_way_of_the_next(launcher: Launcher) -> None:
    connection, other = launcher.connect(), Launcher()
    api.leave(connection, launcher._user)
    try:
        assert other.connect().pid != connection.pid
    finally:
        other.stop()


def test_whoever_watches_it_keeps_saying_so(launcher: Launcher, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("acetate.client.launcher.RENEW", 0.0)
    connection = launcher.connect()

    def use(connection: Connection, user: str) -> Use:
        said.append(user)
        return Use(1.0, ends=False)

    monkeypatch.setattr(api, "use", use)
    watch = threading.Thread(target=launcher.wait_until_gone, args=(connection,), daemon=True)
    watch.start()
    wait_until(lambda: said.count(launcher._user) >= 2, "two more words")
    os.kill(connection.pid, signal.SIGKILL)
    watch.join(60)


def test_a_death_is_noticed_and_repaired(launcher: Launcher) -> None:
    for watcher in (launcher, Launcher()):  # the one that started it, and one that has found it
        connection = launcher.connect()
        threading.Timer(0.3, os.kill, (connection.pid, signal.SIGKILL)).start()
        watcher.wait_until_gone(connection)
    assert 2 * WATCH + HEALTH <= 2.0, "two looks and a miss: noticed within 2 s where the machine is not busy"
    assert connection_file().exists()  # it was killed, and could not take its file away
    assert launcher.connect().pid != connection.pid


def test_not_installed_says_how_to_install(home: Path) -> None:
    with pytest.raises(EngineNotInstalled, match=r"engine\.json does not exist") as caught:
        engine_command()
    assert "acetate install-plugin" in caught.value.remedy


@pytest.mark.parametrize("content", ["not json", "{}", "[" * 60_000, '{"command": ["/gone/acetate"], "version": "1"}'])
def test_a_broken_installation_names_the_file(home: Path, content: str) -> None:
    install([])
    engine_command_file().write_text(content)
    with pytest.raises(EngineNotInstalled, match=r"engine\.json"):
        engine_command()


def test_an_engine_that_ends_at_once_is_quoted(home: Path) -> None:
    install([sys.executable, "-c", "raise SystemExit('no such library')"])
    with pytest.raises(EngineStartFailed, match=r"status 1.*no such library") as caught:
        Launcher().connect()
    assert "engine.log" in caught.value.remedy


HOSTS = {
    "Krita's own Python and Qt": ("PYTHONHOME", "PYTHONPATH", "PYTHONNOUSERSITE", "LD_LIBRARY_PATH", "LD_PRELOAD",
                                  "QT_PLUGIN_PATH", "QT_QPA_PLATFORM", "QML2_IMPORT_PATH", "KDEDIRS"),
    "an AppImage": ("APPDIR", "APPIMAGE", "ARGV0", "OWD", "GST_PLUGIN_SYSTEM_PATH", "GTK_PATH", "GI_TYPELIB_PATH"),
    "macOS": ("DYLD_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH"),
    "a shell that Krita was started from": ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONSTARTUP"),
}  # fmt: skip


@pytest.mark.parametrize("names", HOSTS.values(), ids=HOSTS.keys())
def test_the_engine_gets_a_clean_environment(monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]) -> None:
    for name in names:
        monkeypatch.setenv(name, "/krita")
    monkeypatch.setenv("XDG_DATA_HOME", "/kept")
    assert "/krita" not in clean_environment().values()
    assert clean_environment()["XDG_DATA_HOME"] == "/kept"


def test_nothing_of_an_appimage_is_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPDIR", "/tmp/.mount_kritaX")
    monkeypatch.setenv("PATH", "/tmp/.mount_kritaX/usr/bin:/usr/bin:/bin")
    monkeypatch.setenv("XDG_DATA_DIRS", "/tmp/.mount_kritaX/usr/share:/usr/share")
    monkeypatch.setenv("SSL_CERT_FILE", "/tmp/.mount_kritaX/cacert.pem")
    monkeypatch.setenv("EMPTY", "")
    environment = clean_environment()
    assert environment["PATH"] == "/usr/bin:/bin"
    assert environment["XDG_DATA_DIRS"] == "/usr/share"
    assert environment["EMPTY"] == ""
    assert "SSL_CERT_FILE" not in environment


def test_a_proxy_is_never_asked_for_this_machine(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "intranet, localhost")
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://192.0.2.1:9")  # nobody is there (RFC 5737)
    code = "import os, urllib.request as r; print([r.proxy_bypass(h) for h in ('127.0.0.1', 'localhost', 'intranet')])"
    code += "; print(bool(r.proxy_bypass('pypi.org')))"
    said = subprocess.run(
        [sys.executable, "-c", code], env=clean_environment(), capture_output=True, text=True, check=True
    )
    bypassed, other = said.stdout.splitlines()
    assert (bypassed, other) == ("[True, True, True]", "False")
    install([sys.executable, "-m", "acetate_engine", "serve"])
    launcher = Launcher()
    try:
        assert api.health(launcher.connect()).pid
    finally:
        launcher.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere file names have one encoding")
def test_a_program_in_a_folder_with_letters_is_found_where_python_takes_names_for_ascii(tmp_path: Path) -> None:
    """As in Krita, which sets LANG to C where the system's is C.UTF-8."""
    program = tmp_path / "Bücher und Bilder" / "python"
    program.parent.mkdir()
    program.symlink_to(sys.executable)
    (tmp_path / "acetate").mkdir()
    file = tmp_path / "acetate" / "engine.json"
    file.write_text(json.dumps({"command": [str(program), "-c", "print(1)"], "version": "0"}))
    code = (
        "import subprocess, sys; from acetate.client.launcher import engine_command; "
        "print(sys.getfilesystemencoding(), flush=True); subprocess.run(engine_command().command, check=True)"
    )
    settings = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    environment = {
        **os.environ,
        **settings,
        "XDG_CONFIG_HOME": str(tmp_path),
        "PYTHONPATH": str(Path(acetate.__file__).parents[1]),
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert done.stdout.split() == [b"ascii", b"1"], done.stderr.decode(errors="replace")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="shows the environment of a process")
@pytest.mark.parametrize(("cores", "wanted"), [(3, b"OMP_NUM_THREADS=3"), (0, None)])
def test_an_engine_uses_as_many_cores_as_the_painter_gives_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, cores: int, wanted: bytes | None
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    install([sys.executable, "-m", "acetate_engine", "serve"])
    launcher = Launcher(lambda: cores)
    try:
        environment = Path(f"/proc/{launcher.connect().pid}/environ").read_bytes().split(b"\0")
    finally:
        launcher.stop()
    assert [entry for entry in environment if entry.startswith(b"OMP_NUM_THREADS")] == ([wanted] if wanted else [])
