"""Memory that is freed and asked for again, in a real process."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="glibc's")

VALUES = """
import resource
from acetate_engine.models.runtime.heap import give_back, keep_freed

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

def faults(count):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        b"x" * (64 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

keep_freed()
faults(1)
print(faults(4))
kept = resident()
give_back()
print(kept - resident())
"""
PAGES = 4 * (64 << 20) // 4096  # of four values


def test_large_values_are_handed_over_once_and_given_back_at_the_end() -> None:
    made = subprocess.run([sys.executable, "-c", VALUES], capture_output=True, check=True)
    faults, given_back = map(int, made.stdout.split())
    assert faults < PAGES / 10
    assert given_back > 60 << 20
