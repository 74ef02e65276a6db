"""Installs the engine into the data folder: an environment of its own, made by uv from the wheel and the lock that
came with the plugin. Blocking: call it in threads. No Krita and no Qt.

What was downloaded is kept in the folder (uv's cache), so an installation that was broken off goes on there, and a
repair downloads nothing. Files of the environment are links into that cache: they do not take the room twice.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from acetate.client.installation import Release, engine_folder, environment_python
from acetate.client.launcher import clean_environment
from acetate.client.torch_builds import VERSION as TORCH
from acetate.client.torch_builds import TorchBuild
from acetate.client.uv import CHECK_NETWORK, get_uv, without_uv
from acetate.language import mark
from acetate.protocol.connection import EngineCommand, engine_command_file, write_engine_command
from acetate.protocol.errors import InstallationCancelled, InstallationFailed, NoSpace
from acetate.protocol.version import __version__

PYTHONS: Final = ">=3.11,<3.15"  # that torch and the engine work with
_FULL = ("No space left on device", "os error 28", "not enough space", "os error 112", "Disk quota exceeded")
_LAST_WORDS = 12  # lines of the log in an error
_TRY = "import torch, acetate_engine.cli; print(torch.__version__)"
_GET_PARTS = ("-m", "acetate_engine", "models", "get")
_COMPILE = ("-m", "acetate_engine.compiling")
_HIDDEN = 0x08000000 if sys.platform == "win32" else 0  # CREATE_NO_WINDOW


@dataclass(frozen=True)
class InstallProgress:
    """What is being done: step `number` of `of`."""

    step: str = ""
    number: int = 0
    of: int = 1


class Installer:
    """One installation. `progress` and `log_tail` may be read from any thread, and `cancel` called from any."""

    def __init__(self, build: TorchBuild, wheels: Path | None = None, release: Release | None = None) -> None:
        self.progress = InstallProgress()
        self._build = build
        self._wheels = wheels  # a folder: with it nothing is fetched from a network
        self._release = release or Release.carried()
        self._lines: deque[str] = deque(maxlen=400)
        self._process: subprocess.Popen[str] | None = None
        self._is_cancelled = threading.Event()

    def run(self) -> EngineCommand:
        """Raises InstallationFailed, NoSpace, InstallationCancelled; what was downloaded stays for the next try."""
        steps = (
            (mark("Looking for room"), self._look_for_room),
            (mark("Fetching the installer (uv)"), self._get_uv),
            (mark("Making an environment"), self._make_environment),
            (mark("Downloading what the engine stands on"), self._install_locked),
            (mark("Downloading PyTorch: {device}").format(device=self._build.label), self._install_torch),
            (mark("Installing the engine"), self._install_engine),
            (mark("Trying it"), self._try),
            (mark("Fetching small networks (finish, cut out)"), self._get_parts),
            (mark("Compiling what cuts out, for this processor"), self._compile),
        )
        try:
            engine_folder().mkdir(parents=True, exist_ok=True)
            for number, (step, work) in enumerate(steps):
                self._check()
                self.progress = InstallProgress(step, number, len(steps))
                self._note(f"== {step}")
                work()
        except OSError as error:
            raise _of_system(error) from error
        self.progress = InstallProgress("Done", len(steps), len(steps))
        return write_engine_command(environment_python(), __version__)

    def cancel(self) -> None:
        self._is_cancelled.set()
        if (process := self._process) is not None:
            process.terminate()

    def log_tail(self) -> str:
        return "\n".join(self._lines)

    def _look_for_room(self) -> None:
        if environment_python().exists():
            return  # most of it is in the cache
        free, wanted = shutil.disk_usage(engine_folder()).free / 1e9, self._build.gigabytes
        if free < wanted:
            raise NoSpace(
                f"{engine_folder()} has {free:.1f} GB left, and about {wanted:.1f} GB are needed",
                "Make room, or choose another build, and press Install again.",
            )

    def _get_uv(self) -> None:
        if not self._release.lock.is_file():
            raise InstallationFailed(f"{self._release.lock} is not there", "Import the release zip again.")
        self._uv = get_uv(engine_folder() / "uv", self._release.lock.read_text("utf-8"), self._wheels, self._check)

    def _make_environment(self) -> None:
        engine_command_file().unlink(missing_ok=True)  # until it is whole
        environment = environment_python().parents[1]
        self._run("venv", "--clear", "--python", PYTHONS, str(environment))

    def _install_locked(self) -> None:
        wanted = engine_folder() / "requirements.lock"
        wanted.write_text(without_uv(self._release.lock.read_text("utf-8")), "utf-8")
        self._install("--no-deps", "--require-hashes", "-r", str(wanted))

    def _install_torch(self) -> None:
        """A package index of the painter's own has to have torch itself; a folder of wheels, too."""
        has_own_index = bool(os.environ.get("UV_DEFAULT_INDEX"))
        index = ["--index", self._build.index] if self._build.index and not (has_own_index or self._wheels) else []
        self._install(*index, f"torch=={TORCH}")

    def _install_engine(self) -> None:
        self._install("--no-deps", "--reinstall-package", "acetate", str(self._release.wheel))

    def _install(self, *arguments: str) -> None:
        """Byte code is compiled now: the first start should not wait for that."""
        source = ["--offline", "--no-index", "--find-links", str(self._wheels)] if self._wheels else []
        python = ["--python", str(environment_python())]
        self._run("pip", "install", "--compile-bytecode", *python, *source, *arguments)

    def _try(self) -> None:
        self._follow([str(environment_python()), "-P", "-c", _TRY], clean_environment())

    def _get_parts(self) -> None:
        lost = "Not all of them are here. Repair tries again; until then results are enlarged more simply."
        self._attempt(_GET_PARTS, self._index_of_pip(), lost)

    def _compile(self) -> None:
        self._attempt(_COMPILE, {}, "That did not work: the first cut-out takes a minute longer.")

    def _attempt(self, arguments: Sequence[str], variables: dict[str, str], lost: str) -> None:
        """With the engine's Python. Tasks do without, and say so: no reason to call the installation a failure."""
        try:
            self._follow([str(environment_python()), "-P", *arguments], {**clean_environment(), **variables})
        except (InstallationFailed, NoSpace):
            self._note(lost)

    def _index_of_pip(self) -> dict[str, str]:
        """Where uv finds packages, pip does."""
        if self._wheels:
            return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self._wheels)}
        own = os.environ.get("UV_DEFAULT_INDEX")
        return {"PIP_INDEX_URL": own} if own else {}

    def _run(self, *arguments: str) -> None:
        own = {
            "UV_CACHE_DIR": str(engine_folder() / "cache"),
            "UV_PYTHON_INSTALL_DIR": str(engine_folder() / "python"),
            "UV_NO_CONFIG": "1",
            "UV_NO_PROGRESS": "1",
        }
        self._follow([str(self._uv), *arguments], {**clean_environment(), **own})

    def _follow(self, command: Sequence[str], environment: dict[str, str]) -> None:
        """Raises what the program's last words mean, where it fails."""
        with subprocess.Popen(
            command,
            env=environment,
            cwd=engine_folder(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            creationflags=_HIDDEN,
        ) as process:
            self._process = process
            for line in self._output(process):
                self._note(line)
        self._process = None
        self._check()
        if process.returncode:
            raise self._failure(process.returncode)

    def _output(self, process: subprocess.Popen[str]) -> Iterator[str]:
        assert process.stdout is not None
        if self._is_cancelled.is_set():  # before there was a process to end
            process.terminate()
        yield from process.stdout

    def _failure(self, status: int) -> InstallationFailed | NoSpace:
        words = "\n".join(list(self._lines)[-_LAST_WORDS:])
        if any(sign in words for sign in _FULL):
            return NoSpace(f"{engine_folder()} is full", "Make room and press Install again: it goes on from there.")
        return InstallationFailed(f"“{self.progress.step}” ended with status {status}:\n{words}", CHECK_NETWORK)

    def _note(self, line: str) -> None:
        self._lines.append(line.rstrip())
        with (engine_folder() / "install.log").open("a", encoding="utf-8") as log:
            log.write(line.rstrip() + "\n")

    def _check(self) -> None:
        if self._is_cancelled.is_set():
            raise InstallationCancelled("it was not finished", "Press Install to go on: what is here already is kept.")


def _of_system(error: OSError) -> InstallationFailed | NoSpace:
    place = error.filename or engine_folder()
    if any(sign in str(error) for sign in _FULL):
        return NoSpace(f"{place} is full", "Make room and press Install again: it goes on from there.")
    return InstallationFailed(f"{place}: {error.strerror or error}", "Make it writable, and press Install again.")
