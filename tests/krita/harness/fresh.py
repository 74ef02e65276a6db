"""A home for a Krita of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.krita.harness.display import Display
from tests.krita.harness.engine import Engine
from tests.krita.harness.home import Home, install_plugin, new_home
from tests.krita.harness.process import warm_up


@contextmanager
def fresh_home(display: Display) -> Iterator[Home]:
    """With the plugin, installed by the real command; it is gone afterwards, and its engine has ended."""
    home = new_home(lambda fresh: warm_up(fresh, display))
    try:
        install_plugin(home)
        yield home
    finally:
        Engine(home).stop()
        home.remove()
