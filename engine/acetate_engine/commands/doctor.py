"""`acetate doctor`: what a bug report needs."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from acetate.client import api
from acetate.protocol.connection import Connection, config_dir, connection_file, engine_command_file, read_connection
from acetate.protocol.errors import AcetateError
from acetate.protocol.version import PROTOCOL_VERSION, __version__
from acetate_engine.paths import cache_dir, data_dir, log_file, resources_dir

_PACKAGES = ("torch", "diffusers", "transformers", "peft", "safetensors", "fastapi", "uvicorn", "numpy", "Pillow")

Section = dict[str, str]


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print versions, directories, the engine's state and the models."""
    report = {"versions": versions(), "device": device(), "places": places(), "engine": engine(), "models": models()}
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        _print(report)


def _print(report: dict[str, Section]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for title, section in report.items():
        table = Table("", "", title=title, title_justify="left", show_header=False)
        for name, value in section.items():
            table.add_row(name, value)
        console.print(table)


def versions() -> Section:
    found = {"acetate": __version__, "protocol": str(PROTOCOL_VERSION), "python": platform.python_version()}
    found["system"] = platform.platform()
    return found | {package: _version(package) for package in _PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"  # that is what is told


def device() -> Section:
    """What computes, in what, and the memory that is free there."""
    import torch

    from acetate_engine.models.runtime.devices import best_device, name_of, precision_on
    from acetate_engine.models.runtime.placement import STREAMING, free_bytes

    found = best_device()
    precision = precision_on(found)
    where = "on the device" if found.type in STREAMING else "in main memory"
    section = {"device": name_of(found), "memory": f"{free_bytes(found) / 2**30:.1f} GiB free {where}"}
    section["precision"] = f"UNet {_said(precision.unet)}, VAE {_said(precision.vae)}"
    return section | ({"threads": str(torch.get_num_threads())} if found.type == "cpu" else {})


def _said(dtype: object) -> str:
    return str(dtype).removeprefix("torch.")


def places() -> Section:
    named = {
        "data": data_dir(),
        "config": config_dir(),
        "cache": cache_dir(),
        "resources": resources_dir(),
        "log": log_file(),
        "connection file": connection_file(),
        "engine command": engine_command_file(),
    }
    return {name: f"{path}{'' if path.exists() else ' (not there)'}" for name, path in named.items()}


def engine() -> Section:
    """Whether an engine runs, by its connection file and by asking it."""
    try:
        connection = read_connection(connection_file())
    except AcetateError as error:
        return {"state": str(error)}
    if connection is None:
        return {"state": "not running"}
    return {"url": connection.url, "process": str(connection.pid), "version": connection.version} | _ask(connection)


def _ask(connection: Connection) -> Section:
    try:
        health = api.health(connection)
    except AcetateError as error:
        return {"state": f"does not answer ({error.detail}): end that process, or delete the connection file"}
    state = "running" if health.status == "ok" else f"running, but {'; '.join(health.reasons)}"
    return {"state": state, "worker": health.worker}


def models() -> Section:
    """Every model, and what is missing where it cannot be used."""
    from acetate_engine.models.families import describe_models

    return {info.name: "installed" if info.installed else info.reason for info in describe_models()}
