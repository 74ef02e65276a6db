"""`acetate serve`."""

from __future__ import annotations

from typing import Annotated

import typer


def serve(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 0,
) -> None:
    """Run the engine on this machine, until Ctrl+C.

    It listens on loopback only; whoever wants to use it reads port and token from the connection file.
    """
    from acetate_engine.api import server

    server.serve(port)
