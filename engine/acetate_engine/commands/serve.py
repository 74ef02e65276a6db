"""`acetate serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from acetate.protocol.connection import WHILE_USED
from acetate_engine.jobs.executors.base import ExecutorKind


def serve(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 0,
    executor: Annotated[
        ExecutorKind,
        typer.Option(help="Who carries out jobs: a process here, or an actor of the Ray cluster at RAY_ADDRESS."),
    ] = ExecutorKind.LOCAL,
    while_used: Annotated[
        bool,
        typer.Option(help="End with the last program that uses it, as one does that Krita starts.", envvar=WHILE_USED),
    ] = False,
) -> None:
    """Run the engine on this machine, until Ctrl+C.

    It listens on loopback only; whoever wants to use it reads port and token from the connection file.
    """
    from acetate_engine.api import server

    server.serve(port, executor, while_used=while_used)
