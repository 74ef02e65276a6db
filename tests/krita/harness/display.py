"""The screen that Krita draws on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType


class Display:
    """An X display: an Xvfb of our own, or the one named.

    `name` is what DISPLAY must be. Closing ends only the Xvfb that was started here.
    """

    def __init__(self, name: str, server: subprocess.Popen[bytes] | None = None) -> None:
        self.name = name
        self._server = server

    @staticmethod
    def virtual(width: int = 1600, height: int = 1000) -> Display:
        """Starts Xvfb on a free display number."""
        read_end, write_end = os.pipe()
        server = subprocess.Popen(
            [
                "Xvfb",
                "-displayfd",
                str(write_end),
                "-screen",
                "0",
                f"{width}x{height}x24",
                "-nolisten",
                "tcp",
                "-noreset",
            ],
            pass_fds=[write_end],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(write_end)
        with os.fdopen(read_end) as pipe:
            number = pipe.readline().strip()  # through the newline: Xvfb dies of SIGPIPE otherwise
        if not number:
            raise RuntimeError("Xvfb did not start; run `Xvfb :99` by hand to see why")
        return Display(f":{number}", server)

    @staticmethod
    def of_user_or_virtual() -> Display:
        """The painter's own screen where there is one."""
        named = os.environ.get("DISPLAY")
        return Display(named) if named else Display.virtual()

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "DISPLAY": self.name}

    def screenshot(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["import", "-window", "root", str(path)], env=self.environment, check=True, timeout=20)
        return path

    def window_names(self) -> list[str]:
        """Titles of all visible windows: works while Krita does not answer."""
        search = ["xdotool", "search", "--onlyvisible", "--name", "."]
        found = subprocess.run(search, env=self.environment, capture_output=True, text=True, timeout=10, check=False)
        return [self._name(window) for window in found.stdout.split()]

    def _name(self, window: str) -> str:
        command = ["xdotool", "getwindowname", window]
        found = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=10, check=False)
        return found.stdout.strip()

    def close(self) -> None:
        if self._server is not None:
            self._server.terminate()
            self._server.wait(timeout=60)

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
