"""The screen that Krita draws on."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path
from types import TracebackType

_CLIENT_MESSAGE = 33  # X.h


class _ClientMessage(ctypes.Structure):
    """XClientMessageEvent of Xlib.h, as large as its XEvent."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("pad", ctypes.c_long * 12),
    )


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

    def ask_to_close(self, window: int) -> None:
        """What the ✕ in the frame of a window sends: a client message WM_DELETE_WINDOW (ICCCM, 4.2.8.1)."""
        x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XInternAtom.restype = ctypes.c_ulong
        connection = ctypes.c_void_p(x11.XOpenDisplay(self.name.encode()))
        protocols, delete = (x11.XInternAtom(connection, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW"))
        message = _ClientMessage(_CLIENT_MESSAGE, 0, 1, connection, window, protocols, 32, (delete, 0, 0, 0, 0))
        x11.XSendEvent(connection, ctypes.c_ulong(window), 0, ctypes.c_long(0), ctypes.byref(message))
        x11.XCloseDisplay(connection)

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
