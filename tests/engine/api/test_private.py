"""What other users of the machine, and files that lie about, cannot do to the engine."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from acetate.client.launcher import Launcher
from acetate.protocol.connection import engine_command_file
from acetate.protocol.events import JobState
from tests.engine.api.test_server import serve
from tests.engine.process import EngineProcess, identity_request, private_environment

pytestmark = pytest.mark.engine
MODULES = ("numpy", "torch", "json", "typer", "uvicorn", "fastapi", "PIL", "sitecustomize", "usercustomize", "acetate")


def put_hostile_modules(folder: Path) -> Path:
    """Each leaves a file behind where it is imported; so does the line of a .pth. Where they would be left."""
    marks = folder / "marks"
    marks.mkdir(parents=True)
    for module in MODULES:
        code = f"import pathlib; pathlib.Path({str(marks / module)!r}).touch()\nraise ImportError('hostile')\n"
        (folder / f"{module}.py").write_text(code)
    (folder / "hostile.pth").write_text(f"import pathlib; pathlib.Path({str(marks / 'pth')!r}).touch()\n")
    return marks


def test_nothing_is_imported_from_where_the_engine_is_started(tmp_path: Path) -> None:
    marks = put_hostile_modules(tmp_path / "hostile")

    class Elsewhere(EngineProcess):
        started_in = tmp_path / "hostile"

    engine = Elsewhere(tmp_path / "home")
    try:
        engine.upload()
        engine.wait_ready()
        engine.wait_for(engine.submit(identity_request()), JobState.DONE)
        assert engine.http.get("/v1/models").status_code == 200
        assert list(marks.iterdir()) == []
        for process in (engine.process.pid, engine.worker):
            folder = Path(f"/proc/{process}/cwd").resolve()
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        engine.stop()


def test_nothing_is_imported_from_the_home_of_whoever_starts_krita(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = put_hostile_modules(tmp_path)
    for name, value in private_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-P", "-m", "acetate_engine", "install-plugin"], check=True, capture_output=True)
    assert engine_command_file().exists()
    launcher = Launcher()
    try:
        launcher.connect()
    finally:
        launcher.stop()
    assert list(marks.iterdir()) == []


def test_folders_that_were_open_to_others_are_closed(tmp_path: Path) -> None:
    folders = [tmp_path / "data" / "acetate", tmp_path / "run" / "acetate", tmp_path / "state" / "acetate" / "log"]
    for folder in folders:
        folder.mkdir(parents=True)
        folder.chmod(0o777)
    engine = EngineProcess(tmp_path)
    try:
        engine.upload()
        files = [path for folder in folders for path in (folder, *folder.rglob("*"))]
        assert {oct(openness(path)) for path in files} == {"0o0"}
    finally:
        engine.stop()


def openness(path: Path) -> int:
    """What others may do with it: nothing with what is gone by now, as an engine's files of a moment are."""
    with suppress(FileNotFoundError):
        return stat.S_IMODE(path.stat().st_mode) & 0o077
    return 0


@pytest.mark.parametrize("link", ["state/acetate/log/engine.log", "data/acetate/engine.lock"])
def test_a_link_in_place_of_a_file_is_not_followed(tmp_path: Path, link: str) -> None:
    precious = tmp_path / "precious"
    precious.write_text("a painting")
    (tmp_path / link).parent.mkdir(parents=True)
    (tmp_path / link).symlink_to(precious)
    result = serve(tmp_path)
    assert result.returncode == 1
    assert link in result.stderr and "Traceback" not in result.stderr
    assert precious.read_text() == "a painting"


@pytest.mark.parametrize("name", ["jobs.sqlite", "jobs.sqlite-wal", "jobs.sqlite-shm", "images/ab"])
def test_what_others_have_put_into_an_open_folder_is_not_written_through(tmp_path: Path, name: str) -> None:
    precious = tmp_path / "precious"
    if name.startswith("images"):
        precious.mkdir()
    else:
        precious.touch()
    link = tmp_path / "data" / "acetate" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(precious)
    result = serve(tmp_path)
    assert result.returncode == 1
    assert name in result.stderr and "a link" in result.stderr and "Traceback" not in result.stderr
    assert not (precious.stat().st_size if precious.is_file() else list(precious.iterdir()))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_job_store_of_another_user_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "data" / "acetate" / "jobs.sqlite"
    store.parent.mkdir(parents=True)
    store.touch()
    os.chown(store, 12345, 12345)
    result = serve(tmp_path)
    assert result.returncode == 1
    assert "jobs.sqlite" in result.stderr and "another user" in result.stderr


def test_the_launchers_log_follows_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in private_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    precious = tmp_path / "precious"
    precious.write_text("a painting")
    runtime = tmp_path / "run" / "acetate"
    runtime.mkdir(parents=True)
    (runtime / "engine.log").symlink_to(precious)
    subprocess.run([sys.executable, "-P", "-m", "acetate_engine", "install-plugin"], check=True, capture_output=True)
    launcher = Launcher()
    try:
        with pytest.raises(Exception, match=r"engine\.log"):
            launcher.connect()
    finally:
        launcher.stop()
    assert precious.read_text() == "a painting"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
@pytest.mark.parametrize("folder", ["data/acetate", "run/acetate", "state/acetate/log"])
def test_a_folder_of_another_user_is_refused(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    os.chown(tmp_path / folder, 12345, 12345)
    result = serve(tmp_path)
    assert result.returncode == 1
    assert folder in result.stderr and "another user" in result.stderr and "Traceback" not in result.stderr


def test_another_users_lock_keeps_no_engine_out(tmp_path: Path) -> None:
    """Who can read a file can lock it."""
    data = tmp_path / "data" / "acetate"
    data.mkdir(parents=True)
    data.chmod(0o755)
    with (data / "engine.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        engine = EngineProcess(tmp_path)
        try:
            assert engine.health()["status"] == "ok"
            assert serve(tmp_path).returncode == 1
        finally:
            engine.stop()
