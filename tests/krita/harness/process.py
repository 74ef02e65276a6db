"""One running Krita and the connection to the driver inside it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.krita.harness.display import Display
from tests.krita.harness.home import Home, new_home
from tests.krita.harness.waiting import wait_until

START_LIMIT = 300.0  # seconds; a fresh HOME takes 16 on an idle machine
ANSWER_LIMIT = 120.0


class KritaError(Exception):
    """Code raised inside Krita; the text is the traceback from there."""


class KritaHangs(Exception):
    """Krita did not answer in time; the text says which window was open."""


class KritaProcess:
    """Krita under a display, with a private HOME. `run` executes code on its GUI thread."""

    def __init__(self, home: Home, display: Display, *arguments: str) -> None:
        self.home = home
        self.display = display
        self.uncaught: list[str] = []  # exceptions that nothing in Krita caught
        self._arguments = arguments
        self._process = self._start()
        self._wait_for_driver()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.home.log.open("ab") as log:
            return subprocess.Popen(
                ["/usr/bin/krita", *self._arguments],
                env=self.home.environment(self.display.name),
                cwd=self.home.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def restart(self) -> None:
        """Quits, and starts another process with the same HOME."""
        self.quit()
        self.home.socket.unlink(missing_ok=True)  # a Krita that was killed leaves it behind
        self._process = self._start()
        self._wait_for_driver()

    def run(self, code: str, timeout: float = ANSWER_LIMIT, **arguments: object) -> Any:
        """The value of the last expression of `code`, as JSON carries it. Names: acetate_driver/tools.py.

        Raises KritaError with the traceback of what was raised inside, KritaHangs where no answer comes.
        """
        answer = self._ask({"code": code, "arguments": arguments}, timeout)
        self.uncaught += answer["uncaught"]
        if "error" in answer:
            raise KritaError(answer["error"])
        return answer["value"]

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def answers(self) -> bool:
        """Whether the GUI thread is free and no modal dialog is in the way."""
        try:
            return self.is_running and self._ask({"code": "open_windows()['modal']"}, 30.0)["value"] is None
        except (OSError, KritaHangs):
            return False

    def crash(self) -> str:
        """The end of the log, where Krita ended by itself and not well; empty where not."""
        return f"exit status {self._process.poll()}\n{self.log_tail()}" if self._process.poll() else ""

    def diagnosis(self) -> str:
        """Which windows are open, asked on a second connection; by title only where Krita answers nobody."""
        if not self.is_running:
            return f"Krita ended with {self._process.returncode}\n{self.log_tail()}"
        try:
            value = self._talk({"code": "open_windows()"}, 5.0)["value"]
            return "\n".join(f"{name}: {text}" for name, text in value.items())
        except (OSError, ValueError, LookupError):
            os.kill(self._process.pid, signal.SIGUSR1)  # the driver's faulthandler writes the stacks into the log
            time.sleep(0.5)
            return f"the GUI thread is blocked; windows: {self.display.window_names()}\n{self.log_tail()}"

    def log_tail(self, lines: int = 60) -> str:
        return "\n".join(self.home.log.read_text(errors="replace").splitlines()[-lines:])

    def quit(self) -> None:
        """As the menu does; by force where Krita does not follow."""
        if self.is_running:
            try:
                self._ask({"code": "quit_krita()"}, 30.0)
                self._process.wait(timeout=60)
            except (OSError, KritaHangs, subprocess.TimeoutExpired):
                self.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _wait_for_driver(self) -> None:
        def ready() -> bool:
            if not self.is_running:
                raise RuntimeError(f"Krita ended with {self._process.returncode} while it started\n{self.log_tail()}")
            return self.home.socket.exists() and self._has_window()

        wait_until(ready, "Krita's main window", START_LIMIT, every=0.1)

    def _has_window(self) -> bool:
        code = "window = app.activeWindow(); bool(window and window.qwindow().isVisible())"
        try:
            return bool(self._talk({"code": code}, 30.0).get("value"))
        except (OSError, ValueError):  # not listening yet
            return False

    def _ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        try:
            return self._talk(request, timeout)
        except TimeoutError as error:
            raise KritaHangs(f"no answer within {timeout:g} s to\n{request['code']}\n{self.diagnosis()}") from error
        except (OSError, ValueError) as error:
            raise KritaHangs(f"the connection broke at\n{request['code']}\n{self.diagnosis()}") from error

    def _talk(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout)
            connection.connect(str(self.home.socket))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as stream:
                answer: dict[str, Any] = json.loads(stream.readline())
                return answer


def warm_up(home: Home, display: Display) -> None:
    """The first start in a fresh HOME: Krita builds its resource database."""
    KritaProcess(home, display).quit()


@contextmanager
def plain_krita(display: Display) -> Iterator[KritaProcess]:
    """Without the plugin; it has quit afterwards, and its HOME is gone."""
    krita = KritaProcess(new_home(lambda home: warm_up(home, display)), display)
    try:
        yield krita
    finally:
        krita.quit()
        krita.home.remove()
