"""`acetate serve`: one engine on a loopback port, until it is told to end."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
import uvicorn

from acetate.protocol.connection import KEEP_ALIVE, Connection, connection_file, usable_connection, write_connection
from acetate.protocol.errors import EngineStartFailed, PortTaken
from acetate.protocol.version import PROTOCOL_VERSION, __version__
from acetate_engine.api.connections import PatientProtocol, allow_connections
from acetate_engine.api.gate import Gate
from acetate_engine.api.lock import lock_data_dir
from acetate_engine.api.service import Service
from acetate_engine.jobs.executors.base import ExecutorKind
from acetate_engine.logs import configure_logging
from acetate_engine.paths import data_dir

HOST = "127.0.0.1"
_GRACE = 3  # seconds that open answers are given at the end
_TURN = 0.001  # seconds that a thread looking at files goes on while an answer waits; Python's own 0.005 are an answer


def serve(port: int, executor: ExecutorKind, *, while_used: bool = False) -> None:
    """Blocks until SIGTERM or SIGINT; or until nobody uses it any more, where `while_used`. Port 0 takes a free one.

    Raises EngineAlreadyRunning, PortTaken, FileError, EngineStartFailed where a folder cannot be written or the
    executor not be reached.
    """
    os.umask(0o077)
    sys.setswitchinterval(_TURN)
    with _prepared_folders(), lock_data_dir(data_dir()), listen(port) as listener:
        os.chdir(data_dir())  # the user's alone: nothing is ever read from where the engine was started
        configure_logging()
        allow_connections()
        connection = Connection(
            HOST, listener.getsockname()[1], secrets.token_urlsafe(32), os.getpid(), __version__, PROTOCOL_VERSION
        )
        service = Service(executor, (lambda: setattr(server, "should_exit", True)) if while_used else None)
        gate = Gate(service, connection.token, on_stop=lambda: _withdraw(connection))
        server = uvicorn.Server(_config(gate))
        _announce(connection)
        server.run(sockets=[listener])


@contextmanager
def _prepared_folders() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EngineStartFailed(
            f"{error.filename}: {error.strerror}",
            "Make it writable, move away what is in its place, or free some space.",
        ) from error


def _config(gate: Gate) -> uvicorn.Config:
    return uvicorn.Config(
        gate,
        loop="asyncio",
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=_GRACE,
    )


def listen(port: int) -> socket.socket:
    """Raises PortTaken where another program has the port, or it may not be used."""
    # by its number: asyncio sends small answers at once (TCP_NODELAY) only where a socket says that it is TCP;
    # without, each waits 40 ms for the acknowledgement of its headers
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":  # on Windows the option would take a port that is in use
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        remedy = "Choose another with --port, or leave it out to take a free one."
        raise PortTaken(f"port {port} cannot be had ({error.strerror})", remedy) from error
    return listener


def _announce(connection: Connection) -> None:
    write_connection(connection_file(), connection)
    typer.echo(f"The engine listens at {connection.url} (process {connection.pid}).")


def _withdraw(connection: Connection) -> None:
    """Removes the connection file, if no other engine has written its own."""
    if usable_connection(connection_file()) == connection:
        connection_file().unlink(missing_ok=True)
