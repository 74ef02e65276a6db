"""What of pymatting is used here, without the rest of it.

Its packages import all of their modules, and numba compiles each where it is imported: the first time on a machine that
is nearly a minute of processor time, most of it for methods that nobody asks for.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec, module_from_spec
from typing import Any

from acetate_engine.compiling import compiles

_PACKAGES = ("", ".alpha", ".foreground", ".laplacian", ".preconditioner", ".solver", ".util")
_ALPHA, _COLOUR = "alpha.estimate_alpha_cf", "foreground.estimate_foreground_ml"
_one_at_a_time = threading.Lock()


def import_solvers() -> None:
    """And so compiles them, where that was not done on this machine."""
    for name in (_ALPHA, _COLOUR):
        _module(name)


def estimate_alpha_cf(*arguments: Any, **named: Any) -> Any:
    """Closed-form matting (Levin et al. 2008), as pymatting documents it."""
    return _module(_ALPHA).estimate_alpha_cf(*arguments, **named)


def estimate_foreground_ml(*arguments: Any, **named: Any) -> Any:
    """Multi-level foreground estimation (Germer et al. 2020), as pymatting documents it."""
    return _module(_COLOUR).estimate_foreground_ml(*arguments, **named)


@cache
def _module(name: str) -> Any:
    with _one_at_a_time, _empty_packages(), compiles():
        return importlib.import_module(f"pymatting.{name}")


@contextmanager
def _empty_packages() -> Iterator[None]:
    """Stand where pymatting's own would be; whoever imports those later has all of them."""
    if "pymatting" in sys.modules:
        yield
        return
    names = [f"pymatting{package}" for package in _PACKAGES]
    try:
        for name in names:
            spec = find_spec(name)
            assert spec is not None, f"{name} is not there"
            sys.modules[name] = module_from_spec(spec)
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)
