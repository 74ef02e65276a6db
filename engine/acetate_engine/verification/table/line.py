"""One line of the table, and how its times are taken: processor seconds, the ways in turn, the median of each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    name: str
    peer: str  # or the limit, with its figure from the same run
    today: str
    goal: str
    holds: bool | None  # None where it was not measured
    why: str = ""  # it was not, or does not hold

    @property
    def verdict(self) -> str:
        return {True: "holds", False: "open", None: "skipped"}[self.holds]


def skipped(name: str, goal: str, why: str) -> Line:
    return Line(name, "–", "–", goal, None, why)


def in_turn(rounds: int, *ways: Callable[[], object], warm_up: bool = True) -> list[float]:
    """Median processor seconds of each, all threads together; `warm_up`: once before, untimed."""
    for way in ways if warm_up else ():
        way()
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for way, own in zip(ways, times, strict=True):
            began = time.process_time()
            way()
            own.append(time.process_time() - began)
    return [statistics.median(own) for own in times]
