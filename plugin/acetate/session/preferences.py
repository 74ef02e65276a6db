"""What the painter has chosen for this machine, whatever the document: `docker.json` of the config directory."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Any

from acetate.protocol.connection import config_dir
from acetate.protocol.errors import Json, MalformedMessage
from acetate.protocol.kept import FORM, Unread, read_field, read_text
from acetate.session.observable import Observable


class Preferences:
    """Observable values, written at each change. A field that only another release knows stays in the file."""

    def __init__(self, file: Path | None = None) -> None:
        self.language = Observable("")  # a code of `acetate.language`; Krita's where empty
        self.previews = Observable(True)  # of a job, on its way
        self.shown_on_canvas = Observable(True)  # a result that the pointer rests on
        self.cores = Observable(0)  # of the processor, for the engine; all where 0
        self.has_started = Observable(False)  # the docker was made tall enough, once
        self._values: dict[str, Observable[Any]] = dict(vars(self))
        self._file = file or config_dir() / "docker.json"
        self._unread: Json = {}
        self._read()
        for value in self._values.values():
            value.changed.connect(lambda _: self._write())

    def _read(self) -> None:
        try:
            data = read_text(self._file.read_bytes())
        except FileNotFoundError:
            return  # nothing has been chosen yet
        except (OSError, MalformedMessage, UnicodeDecodeError):
            traceback.print_exc()  # the window shows what is chosen, and another choice writes the file anew
            return
        for name, field in data.items() if isinstance(data, dict) else ():
            known = self._values.get(name)
            found = read_field(type(known.value) if known else None, field, name)
            if known is None or isinstance(found, Unread):
                self._unread[name] = field
            else:
                known.value = found

    def _write(self) -> None:
        """Where that cannot be done, the choice holds until Krita closes."""
        values = {name: value.value for name, value in self._values.items()}
        text = json.dumps({**self._unread, "version": FORM, **values}, indent=1)
        fresh = self._file.with_name(f"{self._file.name}.new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(text + "\n", encoding="utf-8")
            fresh.replace(self._file)
        except OSError:
            traceback.print_exc()
