"""How far a long measurement has come, in words."""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[[str], None]
"""Told what is being measured."""
