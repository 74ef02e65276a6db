"""Numbers of a request."""

from __future__ import annotations

import math

from acetate.protocol.errors import InvalidRequest

MAX_PROMPT = 4000  # characters; text encoders read far less
MAX_IMAGES = 16
MAX_LAYERS = 64
MAX_SEED = 2**32 - 1
MAX_ADD_ONS = 8  # hints, image prompts or LoRAs of one request
MAX_NAME = 200  # characters of a file's name
FACTORS = (2, 4)
MAX_COORDINATE = 2**24  # canvas pixels from the origin, either way


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raises InvalidRequest where it is not from `low` to `high`."""
    if not math.isfinite(value) or not low <= value <= high:
        raise InvalidRequest(f"the {name} is {value}", f"Choose a value from {low} to {high}.")
