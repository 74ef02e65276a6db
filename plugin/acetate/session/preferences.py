"""What the painter has chosen for this machine, whatever the document: `docker.json` of the config directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from acetate.protocol.connection import config_dir
from acetate.protocol.errors import Json, MalformedMessage
from acetate.protocol.kept import FORM, Unread, read_field, read_text
from acetate.session.observable import Observable

DECLARED: dict[str, tuple[Any, Any]] = {  # name: (kind, default)
    "language": (str, ""),  # a code of `acetate.language`; Krita's where empty
}


class Preferences:
    """Observable values, written at each change. A field that only another release knows stays in the file."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or config_dir() / "docker.json"
        self._unread: Json = {}
        self.values = {name: Observable(default) for name, (_, default) in DECLARED.items()}
        self._read()
        for value in self.values.values():
            value.changed.connect(lambda _: self._write())

    @property
    def language(self) -> Observable[str]:
        return self.values["language"]

    def _read(self) -> None:
        try:
            data = read_text(self._file.read_bytes())
        except (OSError, MalformedMessage):
            return
        for name, field in data.items() if isinstance(data, dict) else ():
            found = read_field(DECLARED.get(name, (None, None))[0], field, name)
            if isinstance(found, Unread):
                self._unread[name] = field
            else:
                self.values[name].value = found

    def _write(self) -> None:
        values = {name: value.value for name, value in self.values.items()}
        text = json.dumps({**self._unread, "version": FORM, **values}, indent=1)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_name(f"{self._file.name}.new")
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(self._file)
