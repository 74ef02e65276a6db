"""One output beside its golden one."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Comparison:
    """The largest difference of one output; relative to the largest golden value where `relative`."""

    vector: str
    output: str
    error: float
    tolerance: float
    relative: bool = False

    @property
    def passed(self) -> bool:
        return self.error <= self.tolerance  # false for NaN


def largest(x: Tensor) -> float:
    """The largest absolute value; NaN where there is one."""
    return float(x.abs().max())
