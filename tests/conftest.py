"""One thread a process: the tests run several processes at once, and the order of sums decides the last bit.

`ACETATE_TEST_THREADS` asks for another number. Equal requests are equal work: engines of the tests look up no result
that was made before. And what torch draws in a test does not depend on the tests before it. Hypothesis gives no example
a time limit: a busy machine misses it; and its examples are the same ones each time, where `make fuzz` does not draw.
"""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

os.environ["OMP_NUM_THREADS"] = os.environ.get("ACETATE_TEST_THREADS", "1")  # before torch; processes inherit it
os.environ["ACETATE_MAKE_AGAIN"] = "1"

settings.register_profile(
    "any machine",
    settings(),
    deadline=None,
    derandomize="ACETATE_FUZZ" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Before the fixtures, so that those of a module are drawn alike, too."""
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
