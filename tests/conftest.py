"""One thread a process: the tests run several processes at once, and the order of sums decides the last bit.

And equal requests are equal work: engines of the tests look up no result that was made before.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before anything imports torch; processes of the tests inherit it
os.environ["ACETATE_MAKE_AGAIN"] = "1"
