"""A program on a port of this machine that is no engine."""

from __future__ import annotations

import socket
import threading


class Listening:
    """`talk` runs in a thread for each call; whoever has a state of its own makes that first."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def close(self) -> None:
        self._listener.close()

    def talk(self, link: socket.socket) -> None:
        """Until one of both hangs up."""
        raise NotImplementedError

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(link,), daemon=True).start()
