"""Compiles the loops over pixels: `python -m acetate_engine.compiling`, once an installation.

numba compiles them when they are imported first, which takes long seconds of the processor; a painter who cuts
something out would wait for it. It keeps them for this processor, beside their sources or, where nothing can be written
there, in the user's cache folder, and every later process reads them. Where that was not done, whoever waits is told.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol


class Waiting(Protocol):
    """Who waits for loops that are compiled."""

    def compiling(self) -> None:
        """Before each of them; what it raises breaks off, and those that are done are kept."""

    def compiled(self) -> None:
        """All of it is there, whether anything had to be compiled or not."""


_waiting: ContextVar[Waiting | None] = ContextVar("waiting", default=None)


@contextmanager
def telling(who: Waiting) -> Iterator[None]:
    """Within this, `who` waits; never told where all is compiled already."""
    before = _waiting.set(who)
    try:
        yield
    finally:
        _waiting.reset(before)


@contextmanager
def compiles() -> Iterator[None]:
    """Around an import of loops."""
    who = _waiting.get()
    if who is None:
        yield
    else:
        with _heard_by(who):
            yield
        who.compiled()


@contextmanager
def _heard_by(who: Waiting) -> Iterator[None]:
    from numba.core.event import Listener, install_listener  # takes a moment, as what is imported then

    class Hearing(Listener):
        def on_start(self, event: Any) -> None:
            who.compiling()

        def on_end(self, event: Any) -> None:
            pass

    with install_listener("numba:compile", Hearing()):
        yield


def compile_loops() -> None:
    """As they are imported."""
    importlib.import_module("acetate_engine.pictures.solvers").import_solvers()
    importlib.import_module("acetate_engine.models.networks.pyramid")


if __name__ == "__main__":
    compile_loops()
