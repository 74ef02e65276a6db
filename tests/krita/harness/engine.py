"""The engine that the plugin started, as the tests see it from outside."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from acetate.protocol.connection import Connection, read_connection
from tests.krita.harness.home import Home
from tests.krita.harness.waiting import wait_until

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Engine:
    """Found through the connection file of a private HOME; there may be none."""

    def __init__(self, home: Home) -> None:
        self.connection_file = home.runtime / "acetate" / "connection.json"

    @property
    def connection(self) -> Connection | None:
        return read_connection(self.connection_file)

    @property
    def pid(self) -> int | None:
        """Of a live engine process; None where there is none."""
        connection = self.connection
        return connection.pid if connection and is_alive(connection.pid) else None

    def health(self) -> dict[str, Any] | None:
        connection = self.connection
        if connection is None:
            return None
        with suppress(OSError), _DIRECT.open(f"{connection.url}/health", timeout=2) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
        return None

    def wait_ready(self, timeout: float = 60.0) -> Connection:
        wait_until(self.health, "a healthy engine", timeout)
        connection = self.connection
        assert connection is not None
        return connection

    def kill(self) -> int:
        """As a crash or the system's memory killer would: no goodbye. The process id that was."""
        pid = self.pid
        assert pid is not None, "there is no engine to kill"
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), "the engine to be gone", 10.0)
        return pid

    def stop(self) -> None:
        """At the end of the tests; does nothing where no engine runs."""
        pid = self.pid
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not is_alive(pid), "the engine to stop", 20.0)


def is_alive(pid: int) -> bool:
    """Zombies do not count: nobody may be there to reap an engine that was killed."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")
