"""A private HOME for Krita and for the engine it starts.

A fresh HOME costs Krita 11–16 s for its resource database, so one is made once per Krita version in the
user's cache directory and copied.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import platformdirs

REPOSITORY = Path(__file__).resolve().parents[3]
DRIVER = REPOSITORY / "tests" / "krita" / "driver"
# what torch, numpy, numba and their libraries may use of the processor, for an engine that Krita starts
PROCESSOR = (
    "OMP_NUM_THREADS",
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "MKL_ENABLE_INSTRUCTIONS",
    "OPENBLAS_CORETYPE",
    "NPY_DISABLE_CPU_FEATURES",
    "NUMBA_CPU_NAME",
)
_TEMPLATE_REVISION = 1  # raise it when what is written below changes

_KRITADISPLAYRC = """[General]
OpenGLRenderer=none
canvasState=OPENGL_SUCCESS
EnableHiDPI=false
"""
_BUNDLED_PLUGINS = Path("/usr/share/krita/pykrita")


@dataclass(frozen=True)
class Home:
    """The folders of one Krita. `root` is short, because Unix sockets live in it."""

    root: Path
    variables: tuple[tuple[str, str], ...] = ()  # more of Krita's environment

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def krita_data(self) -> Path:
        return self.root / "data" / "krita"

    @property
    def runtime(self) -> Path:
        return self.root / "run"

    @property
    def socket(self) -> Path:
        return self.runtime / "driver.sock"

    @property
    def log(self) -> Path:
        return self.root / "krita.log"

    def environment(self, display: str) -> dict[str, str]:
        """Everything Krita needs and nothing of the caller's Python."""
        kept = {name: os.environ[name] for name in (*PROCESSOR, "XAUTHORITY") if name in os.environ}
        return {
            **kept,
            "HOME": str(self.root),
            "XDG_CONFIG_HOME": str(self.config),
            "XDG_DATA_HOME": str(self.root / "data"),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            "XDG_STATE_HOME": str(self.root / "state"),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "PATH": "/usr/bin:/bin",  # Krita's Python takes its prefix from the first python3 on it
            "ACETATE_MAKE_AGAIN": "1",  # equal requests are equal work
            "LANG": "C.UTF-8",
            "NOSPLASH": "1",
            "DISPLAY": display,
            "ACETATE_DRIVER_SOCKET": str(self.socket),
            **dict(self.variables),
        }

    def remove(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


def new_home(warm_up: Callable[[Home], None]) -> Home:
    """A copy of the template; `warm_up` starts and quits Krita in a fresh one where there is none yet."""
    template = template_path()
    with _alone(template):
        if not template.exists():
            _make_template(template, warm_up)
    home = Home(Path(tempfile.mkdtemp(prefix="acetate-krita-")))
    subprocess.run(["cp", "-a", "--reflink=auto", f"{template}/.", str(home.root)], check=True)
    _install_driver(home)
    return home


def enable_plugins(home: Home, **plugins: bool) -> None:
    """Ticks, or unticks, plugins in Krita's Python Plugin Manager."""
    settings = home.config / "kritarc"
    text = settings.read_text()
    for name, is_enabled in plugins.items():
        text = re.sub(rf"^enable_{name}=.*\n", "", text, flags=re.MULTILINE)
        line = f"enable_{name}={str(is_enabled).lower()}"
        text = text.replace("[python]\n", f"[python]\n{line}\n")
    settings.write_text(text)


def template_path() -> Path:
    cache_dir = Path(platformdirs.user_cache_dir("acetate-tests", appauthor=False))
    return cache_dir / f"krita-home-{krita_version()}-{_TEMPLATE_REVISION}"


@cache
def krita_version() -> str:
    """Of the package: asking Krita itself needs a display and a second."""
    query = ["dpkg-query", "--show", "--showformat=${Version}", "krita"]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip().replace(":", "-")


def install_plugin(home: Home) -> None:
    """Through the real command, as a painter would."""
    command = [str(Path(sys.executable).parent / "acetate"), "install-plugin", "--krita-data", str(home.krita_data)]
    done = subprocess.run(command, env=_installer_environment(home), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def _installer_environment(home: Home) -> dict[str, str]:
    return {**os.environ, **{name: text for name, text in home.environment("").items() if name.startswith("XDG_")}}


@contextmanager
def _alone(template: Path) -> Iterator[None]:
    """No other run makes it meanwhile."""
    template.parent.mkdir(parents=True, exist_ok=True)
    with template.with_name(f"{template.name}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make_template(template: Path, warm_up: Callable[[Home], None]) -> None:
    home = Home(Path(tempfile.mkdtemp(prefix="acetate-krita-")))
    _write_settings(home)
    _install_driver(home)
    warm_up(home)
    for leftover in home.runtime.iterdir():  # sockets of the Krita that is gone
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    shutil.move(str(home.root), template)


def _write_settings(home: Home) -> None:
    for folder in (home.config, home.krita_data / "pykrita", home.root / "cache", home.runtime):
        folder.mkdir(parents=True)
    home.runtime.chmod(0o700)
    (home.config / "kritadisplayrc").write_text(_KRITADISPLAYRC)
    disabled = "".join(f"enable_{folder.name}=false\n" for folder in _BUNDLED_PLUGINS.iterdir() if folder.is_dir())
    (home.config / "kritarc").write_text(f"[python]\nenable_acetate=true\nenable_acetate_driver=true\n{disabled}")


def _install_driver(home: Home) -> None:
    target = home.krita_data / "pykrita"
    shutil.copytree(DRIVER, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
