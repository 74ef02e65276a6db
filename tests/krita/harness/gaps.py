"""How long Krita's GUI thread answers nobody: the longest time between two ticks of a 5 ms timer in the driver."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence

from tests.krita.harness.process import KritaProcess
from tests.krita.harness.waiting import wait_until

RUNS = int(os.environ.get("ACETATE_GAP_RUNS", "30"))
MEDIAN, WORST = 33.0, 50.0  # milliseconds; where Krita by itself takes longer, that is the limit
AT_REST = 25.0  # milliseconds; a new document keeps Krita busy with thumbnails for a while
AFTERMATH = 1.0  # seconds after a layer was added, in which Krita makes its thumbnails


def longest_gap(krita: KritaProcess, work: Callable[[], object]) -> float:
    """The longest gap while `work` is done, milliseconds; Krita has come to rest before."""
    wait_until(lambda: _gap(krita, lambda: time.sleep(1.0)) <= AT_REST, "Krita to be at rest", every=0.0, timeout=60)
    return _gap(krita, work)


def _gap(krita: KritaProcess, work: Callable[[], object]) -> float:
    krita.run("gap_meter.start()")
    work()
    longest: float = krita.run("gap_meter.stop()")[0]
    return longest


def in_words(gaps: Sequence[float]) -> str:
    """In their order, too: a first run may be another matter than those after it."""
    each = " ".join(f"{gap:.0f}" for gap in gaps)
    return f"{len(gaps)} runs, median {statistics.median(gaps):.0f} ms, worst {max(gaps):.0f} ms ({each})"


def assert_smooth(gaps: Sequence[float], own: Sequence[float]) -> None:
    """`own`: those of Krita without the plugin."""
    assert statistics.median(gaps) <= max(MEDIAN, statistics.median(own))
    assert max(gaps) <= max(WORST, *own)
