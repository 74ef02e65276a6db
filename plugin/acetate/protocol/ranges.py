"""Numbers of a request."""

from __future__ import annotations

import math

from acetate.protocol.errors import InvalidRequest


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raises InvalidRequest where it is not from `low` to `high`."""
    if not math.isfinite(value) or not low <= value <= high:
        raise InvalidRequest(f"the {name} is {value}", f"Choose a value from {low} to {high}.")
