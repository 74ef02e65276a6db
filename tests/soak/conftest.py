"""Real engine processes, as the tests of the engine have them."""

from __future__ import annotations

from tests.engine.conftest import own_engine

__all__ = ["own_engine"]
