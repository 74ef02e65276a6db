"""The GUI thread: its event loop, and how long it answers nobody."""

from __future__ import annotations

import os
import sys
import time

from acetate_driver.binding import QtCore

Qt, QTimer = QtCore.Qt, QtCore.QTimer


def turn_the_event_loop(milliseconds: int) -> None:
    loop = QtCore.QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


class GapMeter:
    """The longest time between two ticks of a 5 ms timer: how long the GUI thread answered nobody."""

    def __init__(self) -> None:
        self.timer = QTimer()
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.setInterval(5)
        self.timer.timeout.connect(self.tick)
        self.gaps = []

    def start(self) -> None:
        self.last = time.perf_counter()
        self.gaps = []
        self.timer.start()

    def tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append((now - self.last) * 1000.0)
        self.last = now

    def stop(self) -> list[float]:
        """The ten longest gaps, milliseconds, longest first."""
        self.timer.stop()
        self.tick()
        return sorted(self.gaps, reverse=True)[:10]


gap_meter = GapMeter()


def environment(name: str) -> str | None:
    return os.environ.get(name)


def loaded(module: str) -> bool:
    return module in sys.modules
