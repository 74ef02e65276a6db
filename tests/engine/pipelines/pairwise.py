"""Few rows of a test matrix in which every two values of different factors still meet."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any


def pairwise(*factors: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Rows, one value a factor; greedy, so not the fewest."""
    rows = list(itertools.product(*factors))
    pairs = {row: {(i, row[i], j, row[j]) for i, j in itertools.combinations(range(len(row)), 2)} for row in rows}
    missing = set().union(*pairs.values())
    chosen = []
    while missing:
        best = max(rows, key=lambda row: len(pairs[row] & missing))
        chosen.append(best)
        missing -= pairs[best]
    return chosen
