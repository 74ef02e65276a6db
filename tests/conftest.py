"""One thread a process: the tests run several processes at once, and the order of sums decides the last bit."""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before anything imports torch; processes of the tests inherit it
