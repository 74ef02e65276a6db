"""From the release zip to an engine with clicks only, in a Krita that has never heard of Acetate."""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import platformdirs
import pytest

from acetate.protocol.version import __version__
from tests.krita.harness.display import Display
from tests.krita.harness.engine import Engine
from tests.krita.harness.hands import Hands
from tests.krita.harness.home import REPOSITORY, Home, enable_plugins, new_home
from tests.krita.harness.painter import Painter
from tests.krita.harness.process import KritaProcess, warm_up
from tests.krita.harness.waiting import wait_until
from tests.plugin.client.package_index import PackageIndex, make_wheel, package_index, sha256
from tests.plugin.client.test_installer import ENGINE, UV_TAG, wheels

__all__ = ["wheels"]  # a fixture

INSTALL_LIMIT = 1800.0  # seconds for some GB on a busy machine
QUICK_LIMIT = 240.0


@pytest.fixture
def home(display: Display) -> Iterator[Home]:
    """Krita's own plugin importer, and no Acetate."""
    fresh = new_home(lambda each: warm_up(each, display))
    enable_plugins(fresh, plugin_importer=True, acetate=False)
    yield fresh
    Engine(fresh).stop()
    fresh.remove()


def import_zip(krita: KritaProcess, zip_file: Path) -> None:
    """Tools › Scripts › Import Python Plugin from File…, the file by its name, and Yes to enabling it."""
    hands = Hands(krita)
    for entry in ("Tools", "Scripts", "Import Python Plugin from File..."):
        hands.click_at(*wait_until(lambda entry=entry: krita.run("menu_entry(text)", text=entry), entry))
    hands.click_at(*in_dialog(krita, "fileNameEdit"))
    hands.type_text(str(zip_file))
    hands.keys("Return")
    hands.click_at(*in_dialog(krita, "Yes"))
    wait_until(lambda: krita.run("open_windows()['modal']") is None, "the importer's last dialog to close")


def in_dialog(krita: KritaProcess, text: str) -> list[int]:
    found: list[int] = wait_until(lambda: krita.run("in_dialog(text)", text=text), f"{text} in a dialog")
    return found


def install_engine(krita: KritaProcess, limit: float) -> None:
    painter = Painter(krita)
    painter.show_docker()
    painter.hands.click("acetate_engine_setup")
    krita.run("if has_widget('acetate_engine_message'): widget('acetate_engine_message').hide()")
    painter.hands.click("acetate_engine_install")
    shown: Callable[[], str] = lambda: krita.run("text('acetate_engine_message')")  # noqa: E731
    wait_until(lambda: krita.run("has_widget('acetate_engine_message')"), "the end of the installation", limit, 0.5)
    assert "The engine is installed" in shown(), f"{shown()}\n{krita.run('text(name)', name='acetate_engine_log')}"


@pytest.mark.timeout(900)
def test_the_zip_is_imported_and_an_engine_installed(
    home: Home, display: Display, tmp_path: Path, wheels: Path
) -> None:
    """With small packages: what matters is the way. The download breaks off; pressing the button again goes on."""
    engine = make_wheel(tmp_path, "acetate", __version__, ENGINE)
    lock = tmp_path / "small.lock"
    names = {"stands-on==1.0": "stands_on-1.0-py3-none-any.whl", "uv==0.1": f"uv-0.1-{UV_TAG}.whl"}
    lock.write_text("".join(f"{pin} \\\n    --hash=sha256:{sha256(wheels / name)}\n" for pin, name in names.items()))
    zip_file = runpy.run_path(str(REPOSITORY / "plugin/package.py"))["package"](tmp_path, engine, lock)
    with package_index(wheels) as index:
        krita = started(home, display, index)
        try:
            import_zip(krita, zip_file)
            krita.restart()
            index.broken = {"stands_on-1.0-py3-none-any.whl": 99}
            with pytest.raises(AssertionError, match="press Install again"):
                install_engine(krita, QUICK_LIMIT)
            index.broken.clear()
            install_engine(krita, QUICK_LIMIT)
            assert not krita.run("has_widget('acetate_engine_setup')")
            assert krita.run("text('acetate_engine_state')") == "The engine is installed."
        finally:
            krita.quit()
    assert (home.krita_data / "pykrita/acetate/Manual.html").is_file()
    assert (home.root / "data/acetate/engine/environment/bin/python").exists()


def started(home: Home, display: Display, index: PackageIndex) -> KritaProcess:
    variables = (("UV_DEFAULT_INDEX", index.url), ("UV_HTTP_RETRIES", "0"))
    return KritaProcess(replace(home, variables=variables), display)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_from_the_release_to_a_layer(home: Home, display: Display, tmp_path: Path) -> None:
    """The real packages, from an index on this machine that has what the lock names."""
    runpy.run_path(str(REPOSITORY / "resources/dist.py"))["build"](tmp_path)
    with package_index(all_wheels()) as index:
        krita = started(home, display, index)
        try:
            import_zip(krita, tmp_path / f"acetate-{__version__}.zip")
            krita.restart()
            install_engine(krita, INSTALL_LIMIT)
            krita.run("widget('acetate_engine_window').close()")
            painter = Painter(krita)
            painter.new_document(256, 256)
            layer = painter.generate("a red apple, 3d emoji")
            assert layer["type"] == "paintlayer" and len(painter.undo_steps()) == 1
            display.screenshot(REPOSITORY / "out" / "installed.png")
        finally:
            krita.quit()


def all_wheels() -> Path:
    """Downloaded once, by the digests of the lock; torch as pip finds it."""
    folder = Path(platformdirs.user_cache_dir("acetate-tests", appauthor=False)) / "wheels"
    script = (REPOSITORY / "resources/setup.sh").read_text()
    torch = next(line.split('"')[1] for line in script.splitlines() if line.startswith('TORCH="torch=='))
    pip = [sys.executable, "-m", "pip", "download", "--dest", str(folder), "--no-deps", "--only-binary=:all:"]
    subprocess.run([*pip, "--require-hashes", "-r", str(REPOSITORY / "resources/engine.lock")], check=True)
    subprocess.run([*pip, torch], check=True)
    return folder
