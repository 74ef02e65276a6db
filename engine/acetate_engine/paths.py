"""Every directory of the engine, one place: platformdirs decides, so XDG variables move them."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import platformdirs

from acetate.protocol.connection import APP

_STARTED_IN = Path.cwd()  # the engine leaves it


def data_dir() -> Path:
    """Jobs, images, downloaded models."""
    return Path(platformdirs.user_data_dir(APP))


def models_dir() -> Path:
    """What the user has put there: checkpoints, released layer adapters, add-ons."""
    return data_dir() / "models"


def wildcards_dir() -> Path:
    """Files of words that prompts draw from, `__name__`."""
    return models_dir() / "wildcards"


def images_dir() -> Path:
    """Condition and result images, named by digest."""
    return data_dir() / "images"


def cache_dir() -> Path:
    """What can be made again: prepared weights, thumbnails."""
    return Path(platformdirs.user_cache_dir(APP))


def log_dir() -> Path:
    """The rotating log of engine and worker."""
    return Path(platformdirs.user_log_dir(APP))


def log_file() -> Path:
    """The one that is written now; older ones lie beside it."""
    return log_dir() / "engine.log"


def resources_dir() -> Path:
    """Embedded models, presets, pages: in the installed package, in the checkout, or where ACETATE_RESOURCES points."""
    named = os.environ.get("ACETATE_RESOURCES")
    return _STARTED_IN / named if named else _shipped("resources", "resources")


def krita_dir() -> Path:
    """What Krita wants beside the plugin's package: its .desktop and .action."""
    return _shipped("krita", "plugin")


def is_file(path: Path) -> bool:
    """Whether it can be opened as one, by its kind; False also of what may not be looked at, or no disk can hold."""
    return os.path.isfile(path)  # noqa: PTH113  # Path.is_file raises where a folder above is closed, or the name is too long


def is_folder(path: Path) -> bool:
    """As `is_file`, of folders."""
    return os.path.isdir(path)  # noqa: PTH112


def modified(path: Path) -> int:
    """When, in ns; 0 of one that is gone meanwhile: whoever reads it says so."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0  # the docstring says why


@cache  # where the package lies
def _shipped(packaged: str, in_checkout: str) -> Path:
    package = Path(__file__).resolve().parent
    installed = package / packaged
    return installed if installed.is_dir() else package.parents[1] / in_checkout
