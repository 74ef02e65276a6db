"""The engine. `from acetate_engine import Engine` is the Python API; nothing is imported before it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acetate_engine.engine import Engine as Engine

__all__ = ["Engine"]


def __getattr__(name: str) -> object:
    """numpy and Pillow would slow down `acetate --help` and the start of `acetate serve`."""
    if name == "Engine":
        from acetate_engine.engine import Engine

        return Engine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
