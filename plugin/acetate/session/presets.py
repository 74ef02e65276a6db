"""Named presets: model, quality, steps, sampler, guidance and styles under a name; JSON files that can be shared."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from acetate.protocol.codec import to_json
from acetate.protocol.connection import data_dir
from acetate.protocol.errors import AcetateError, FileError, Json, JsonValue
from acetate.protocol.geometry import Bounds
from acetate.protocol.kept import FORM, Unread, read_field, read_text
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.whole import write_whole
from acetate.session.observable import Observable
from acetate.session.settings import DECLARED, Settings

FIELDS = ("model", "preset", "steps", "scheduler", "guidance_scale", "finish", "styles")
"""Settings that a preset holds."""
LONGEST_NAME = 60  # characters
_KIND = "acetate preset"
_LARGEST = 1 << 16  # bytes of a file
_SHARED = "Ask for the file again, or save the preset anew where it was made."

Values = Mapping[str, Any]
Undo = Callable[[], None]
"""Raises FileError."""


class Presets:
    """Those in a folder. On the GUI thread: the files are small."""

    def __init__(self, settings: Settings, folder: Path | None = None) -> None:
        self.folder = folder or data_dir() / "presets"
        self.names: Observable[tuple[str, ...]] = Observable(())
        self.unread: Observable[tuple[str, ...]] = Observable(())  # why a file cannot be used, for a person
        self._settings = settings
        self._known: dict[str, Values] = {}
        self._files: dict[str, Path] = {}
        self.read()

    def read(self) -> None:
        """What lies in the folder now. A file that cannot be read stays, is named, and hides no other."""
        reasons = []
        self._known.clear()
        self._files.clear()
        for file in sorted(self.folder.glob("*.json")):
            try:
                name, values = read_preset(file)
            except FileError as error:
                reasons.append(error.detail)
            else:
                self._known[name], self._files[name] = values, file
        self.names.value = tuple(sorted(self._known, key=str.casefold))
        self.unread.value = tuple(reasons)

    @property
    def current(self) -> str:
        """The preset that says what the settings are now; empty where none does."""
        now = chosen(self._settings)
        return next((name for name in self.names.value if self._known[name] == now), "")

    def take(self, name: str) -> None:
        self._settings.take(self._known[name])

    def save(self, name: str) -> Undo | None:
        """The settings as they are, under this name. One of that name is replaced: then, what brings it back.

        Raises FileError.
        """
        name = name.strip()[:LONGEST_NAME]
        if not name:
            raise FileError("the preset has no name", "Give it one.")
        now, before = chosen(self._settings), self._known.get(name)
        self._put(name, now)
        return None if before in (None, now) else partial(self._put, name, before)

    def remove(self, name: str) -> Undo:
        """What brings it back. Raises FileError."""
        file, values = self._file(name), self._known[name]
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise FileError(f"{file} cannot be removed ({error.strerror})", "Remove it by hand.") from error
        self.read()
        return partial(self._put, name, values)

    def _put(self, name: str, values: Values) -> None:
        write_preset(self._file(name), name, values)
        self.read()

    def take_in(self, file: Path) -> str:
        """A file from somebody else, checked; its name here. Raises FileError."""
        name, values = read_preset(file)
        name = next(free for free in _numbered(name) if free not in self._known or self._known[free] == values)
        self._put(name, values)
        return name

    def give_out(self, name: str, file: Path) -> None:
        """To be shared. Raises FileError."""
        write_preset(file, name, self._known[name])

    def _file(self, name: str) -> Path:
        """Where it lies, or will: the name may be any, a file's may not. What cannot be read is not written over."""
        readable, digest = re.sub(r"[^A-Za-z0-9]+", "-", name)[:40], hashlib.sha256(name.encode()).hexdigest()
        free = (self.folder / f"{stem}.json" for stem in _numbered(f"{readable}-{digest[:12]}"))
        return self._files.get(name) or next(file for file in free if not file.exists())


def chosen(settings: Settings) -> Values:
    return {name: settings.values[name].value for name in FIELDS}


def write_preset(file: Path, name: str, values: Values) -> None:
    """Raises FileError."""
    held = {field: to_json(value) for field, value in values.items()}
    text = json.dumps({"kind": _KIND, "version": FORM, "name": name, "values": held}, indent=1, ensure_ascii=False)
    try:
        write_whole(file, f"{text}\n".encode())
    except OSError as error:
        raise FileError(f"{file} cannot be written ({error.strerror})", "Choose another folder.") from error


def read_preset(file: Path) -> tuple[str, Values]:
    """Its name, and values that a request may have. Raises FileError."""
    data = _object(file)
    if data.get("kind") != _KIND:
        raise FileError(f"{file.name} is no preset of Acetate", "Choose a file that Acetate has exported.")
    if data.get("version") != FORM:
        raise FileError(f"{file.name} was made by a newer Acetate", "Update Acetate.")
    name, values = data.get("name"), data.get("values")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME or not isinstance(values, dict):
        raise FileError(f"{file.name} has no name or no values", _SHARED)
    return name.strip(), _checked(file, values)


def _object(file: Path) -> Json:
    try:
        if file.stat().st_size > _LARGEST:
            raise FileError(f"{file.name} is too large for a preset", "Choose a file that Acetate has exported.")
        data = read_text(file.read_bytes())
    except OSError as error:
        raise FileError(f"{file} cannot be read ({error.strerror})", _SHARED) from error
    except FileError:
        raise
    except (AcetateError, UnicodeDecodeError) as error:
        raise FileError(f"{file.name} is damaged", _SHARED) from error
    return data if isinstance(data, dict) else {}


def _checked(file: Path, values: dict[str, JsonValue]) -> Values:
    """With what it lacks at the value that it has at first."""
    found = {name: read_field(DECLARED[name].kind if name in FIELDS else None, values[name], name) for name in values}
    unread = [value.reason for value in found.values() if isinstance(value, Unread)]
    if unread:
        raise FileError(f"{file.name} holds what this Acetate does not know ({unread[0]})", "Update Acetate.")
    settings = Settings()
    settings.take({"prompt": "-", **found})
    try:
        settings.request(Bounds(0, 0, 1, 1), PixelFormat.RGBA8).validate()
    except AcetateError as error:
        raise FileError(f"{file.name} cannot be used ({error.detail})", _SHARED) from error
    return chosen(settings)


def _numbered(name: str) -> list[str]:
    return [name, *(f"{name[: LONGEST_NAME - 5]} ({number})" for number in range(2, 100))]
