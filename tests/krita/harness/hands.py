"""A painter's hands: xdotool on the widgets of the real Krita."""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress

from tests.krita.harness.process import KritaProcess
from tests.krita.harness.waiting import wait_until

TRIES = 4
DOUBLE_CLICK = 0.6  # seconds; Qt's interval is 0.4
_SETTLES = 0.02  # seconds
PATIENCE = 5.0  # seconds until all that was typed must have arrived


class Hands:
    """Clicks and keys go through the X server, as those of a mouse and a keyboard do."""

    def __init__(self, krita: KritaProcess) -> None:
        self._krita = krita
        self._clicked = ("", 0.0)  # the widget, and when

    def click(self, name: str) -> None:
        """In the middle of the widget of this object name. Raises TimeoutError where it stays disabled or covered."""
        before, when = self._clicked
        if before == name:  # sooner it would be a double click
            time.sleep(max(0.0, when + DOUBLE_CLICK - time.monotonic()))
        x, y, _ = wait_until(lambda: self._resting(name), f"{name} to be enabled, in view and at rest")
        self.click_at(x, y)
        self._clicked = (name, time.monotonic())

    def _resting(self, name: str) -> list[int] | None:
        """Where it is usable, if it is there a moment later, too: layouts settle in turns of the event loop."""
        first = self._usable(name)
        time.sleep(_SETTLES)
        return first if first and first == self._usable(name) else None

    def click_at(self, x: int, y: int) -> None:
        """Screen coordinates."""
        self._xdotool("mousemove", str(x), str(y), "click", "1")

    def double_click_at(self, x: int, y: int, times: int = 2) -> None:
        self._xdotool("mousemove", str(x), str(y), "click", "--repeat", str(times), "--delay", "60", "1")

    def jittered_double_click_at(self, x: int, y: int) -> None:
        """As a pen does it: the second press is some pixels off, which Qt takes for a click of its own."""
        for point in ((x, y), (x + 7, y + 6)):
            self._xdotool("mousemove", *map(str, point), "click", "1")

    def press_at(self, x: int, y: int) -> None:
        """Until `release`."""
        self._xdotool("mousemove", str(x), str(y), "mousedown", "1")

    def release(self) -> None:
        self._xdotool("mouseup", "1")

    def move_to(self, x: int, y: int) -> None:
        """By way of a point beside it: a pointer that is there already would not enter anything."""
        self._xdotool("mousemove", str(x + 3), str(y + 3), "sleep", "0.05", "mousemove", str(x), str(y))

    def wheel_at(self, x: int, y: int, clicks: int) -> None:
        """Down where positive."""
        button = "5" if clicks > 0 else "4"
        self._xdotool("mousemove", str(x), str(y), "click", "--repeat", str(abs(clicks)), "--delay", "30", button)

    def type_into(self, name: str, text: str) -> None:
        """Replaces what is there. A busy machine loses keys: what the widget holds is read back, and typed anew."""
        for _ in range(TRIES):
            self._type(name, text)
            with suppress(TimeoutError):
                wait_until(lambda: self._text(name) == text, f"{text!r} in {name}", PATIENCE)
                return
        raise AssertionError(f"{name} holds {self._text(name)!r}, though {text!r} was typed {TRIES} times")

    def _type(self, name: str, text: str) -> None:
        self.click(name)
        wait_until(lambda: self._krita.run("has_focus(name)", name=name), f"{name} to have the keyboard")
        self.keys("ctrl+a", "Delete")
        if text:
            self._xdotool("type", "--delay", "2", "--", text)

    def _text(self, name: str) -> str:
        found: str = self._krita.run("text(name)", name=name)
        return found

    def type_text(self, text: str) -> None:
        """Into whatever has the keyboard."""
        self._xdotool("type", "--delay", "5", "--", text)

    def keys(self, *names: str) -> None:
        self._xdotool("key", *names)

    def hold(self, modifier: str, key: str, seconds: float) -> None:
        """Long enough for the X server to repeat it."""
        self._xdotool("keydown", modifier, "keydown", key, "sleep", str(seconds), "keyup", key, "keyup", modifier)

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Screen coordinates."""
        middle = ((start[0] + end[0]) // 2, (start[1] + end[1]) // 2)
        self._xdotool("mousemove", *map(str, start), "mousedown", "1")
        for point in (middle, end):
            self._xdotool("mousemove", *map(str, point), "sleep", "0.05")
        self._xdotool("mouseup", "1")

    def _usable(self, name: str) -> list[int] | None:
        place: list[int] = self._krita.run("place(name)", name=name)
        return place if place[2] else None

    def _xdotool(self, *arguments: str) -> None:
        environment = self._krita.display.environment
        subprocess.run(["xdotool", *arguments], env=environment, check=True, timeout=60)
