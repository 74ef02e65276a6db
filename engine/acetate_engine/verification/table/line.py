"""One line of the table, and how its times are taken: processor seconds, the ways in turn, the median of each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

NEAR = 1.25  # times what it takes at least: nothing more is to be had


@dataclass(frozen=True)
class Bound:
    """What a line takes at least on this machine: work that cannot be left out, measured in the same run."""

    what: str
    least: float  # seconds, by the clock or of the processor, as those of the line
    took: float

    @property
    def ratio(self) -> float:
        return self.took / self.least

    def __str__(self) -> str:
        return f"{self.what} {self.least:.3g} s: {self.ratio:.2f}× of that"


@dataclass(frozen=True)
class Line:
    name: str
    peer: str  # or the limit, with its figure from the same run
    today: str
    goal: str
    holds: bool | None  # None where it was not measured
    why: str = ""  # it was not, or does not hold
    bounds: tuple[Bound, ...] = ()

    @property
    def verdict(self) -> str:
        if self.holds is False and self.bounds and all(bound.ratio <= NEAR for bound in self.bounds):
            return "at its limit"
        return {True: "holds", False: "open", None: "skipped"}[self.holds]

    @property
    def at_least(self) -> str:
        return "; ".join(map(str, self.bounds))

    def record(self) -> dict[str, object]:
        """For JSON."""
        bounds = [{**asdict(bound), "ratio": bound.ratio} for bound in self.bounds]
        return {**asdict(self), "bounds": bounds, "verdict": self.verdict}


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
