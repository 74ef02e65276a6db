"""What the painter has chosen for this machine, whatever the document: `docker.json` of the config directory.

What cannot be read stays in the file until the painter chooses that anew; a file that is damaged as a whole is put
aside, as `docker.json.unread`.
"""

from __future__ import annotations

import json
import traceback
from functools import partial
from pathlib import Path
from typing import Any

from acetate.protocol.connection import config_dir
from acetate.protocol.errors import Json, MalformedMessage
from acetate.protocol.kept import FORM, Unread, read_field, read_text
from acetate.protocol.whole import write_whole
from acetate.session.observable import Observable


class Preferences:
    """Observable values, written at each change. `reasons`: what of the file cannot be read, for a person."""

    def __init__(self, file: Path | None = None) -> None:
        self.language = Observable("")  # a code of `acetate.language`; Krita's where empty
        self.previews = Observable(True)  # of a job, on its way
        self.shown_on_canvas = Observable(True)  # a result that the pointer rests on
        self.cores = Observable(0)  # of the processor, for the engine; all where 0
        self.has_started = Observable(False)  # the docker was made tall enough, once
        self._values: dict[str, Observable[Any]] = dict(vars(self))
        self._file = file or config_dir() / "docker.json"
        self.reasons: tuple[str, ...] = ()
        self._unread: Json = {}
        self._is_damaged = False
        self._read()
        for name, value in self._values.items():
            value.changed.connect(partial(self._choose, name))

    def _read(self) -> None:
        try:
            data = read_text(self._file.read_bytes())
        except FileNotFoundError:
            return  # nothing has been chosen yet
        except OSError as error:
            self.reasons = (f"{self._file.name} cannot be opened ({error.strerror})",)
            return
        except MalformedMessage as error:
            self._is_damaged, self.reasons = True, (f"{self._file.name}: {error.detail}",)
            return
        if isinstance(data, dict):
            self._take({name: field for name, field in data.items() if name != "version"})
        else:
            self._is_damaged, self.reasons = True, (f"{self._file.name} is damaged",)

    def _take(self, fields: Json) -> None:
        for name, field in fields.items():
            known = self._values.get(name)
            found = read_field(type(known.value) if known else None, field, name)
            if isinstance(found, Unread):
                self._unread[name] = field
                self.reasons += (f"{self._file.name}: {found.reason}",)
            elif known is not None:
                known.value = found

    def _choose(self, name: str, _: object) -> None:
        self._unread.pop(name, None)
        self._write()

    def _write(self) -> None:
        """Where that cannot be done, the choice holds until Krita closes."""
        values = {name: value.value for name, value in self._values.items()}
        text = json.dumps({"version": FORM, **values, **self._unread}, indent=1)
        try:
            if self._is_damaged:
                self._file.replace(self._file.with_name(f"{self._file.name}.unread"))
                self._is_damaged = False
            write_whole(self._file, f"{text}\n".encode())
        except OSError:
            traceback.print_exc()
