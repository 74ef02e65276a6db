"""`acetate openapi`."""

from __future__ import annotations

import json

import typer


def openapi() -> None:
    """Print the OpenAPI document of the HTTP API; the committed copy is checked against it.

    \b
    acetate openapi > resources/openapi.json
    """
    from acetate_engine.api.app import create_app

    typer.echo(json.dumps(create_app().openapi(), indent=1, ensure_ascii=False))
