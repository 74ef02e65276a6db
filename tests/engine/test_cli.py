"""The command line as a whole: quick help, lazy commands, readable errors."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from acetate.protocol.errors import FileError
from acetate.protocol.version import __version__
from acetate_engine import cli

HEAVY = ("torch", "numpy", "fastapi", "diffusers", "PIL", "rich.console", "psd_tools")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "acetate_engine", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


HELP = f"""
import sys
from acetate_engine.cli import app
try:
    app(["--help"])
finally:
    print("heavy:", [name for name in {HEAVY!r} if name in sys.modules and name != "rich.console"], file=sys.stderr)
"""


def test_help_is_quick_and_lists_the_commands() -> None:
    """Nothing is imported for it that takes long."""
    result = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, timeout=300, check=False)
    assert (result.returncode, result.stderr) == (0, "heavy: []\n")
    for name in ("serve", "doctor", "install-plugin", "train"):
        assert name in result.stdout


def test_serve_imports_nothing_heavy_before_it_listens() -> None:
    code = (
        f"import acetate_engine.cli, acetate_engine.api.server, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    light = [name for name in HEAVY if name != "rich.console"]  # structlog looks for rich
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert not set(light) & set(eval(result.stdout))


def test_what_eval_can_do_is_told_without_torch() -> None:
    code = "import acetate_engine.commands.evaluate, sys; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert result.stdout.strip() == "False"


def test_version() -> None:
    assert run("--version").stdout.strip() == __version__


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_of_the_table_is_there(name: str) -> None:
    result = CliRunner().invoke(cli.app, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert f"{name} [OPTIONS]" in result.output


def test_a_typing_error_is_answered_with_a_suggestion() -> None:
    result = CliRunner().invoke(cli.app, ["serv"])
    assert result.exit_code == 2
    assert "'serve'" in result.output


def test_an_error_is_two_lines_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise FileError("the disk is full", "Free some space.")

    monkeypatch.setattr("acetate_engine.commands.serve.serve", broken)
    result = CliRunner().invoke(cli.app, ["serve"])
    assert result.exit_code == 1
    assert result.output == f"{FileError.title}: the disk is full.\nFree some space.\n"
