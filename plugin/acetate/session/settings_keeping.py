"""What a document keeps of the settings, field by field."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from acetate.protocol.codec import to_json
from acetate.protocol.errors import Json, MalformedMessage
from acetate.protocol.kept import FORM, Unread, read_field, read_text
from acetate.session.settings import DECLARED, Saved


@dataclass(frozen=True)
class KeptSettings:
    """One that cannot be read does not take the others along."""

    values: dict[str, Any]  # of those that are declared
    unread: Json  # as they were found
    reasons: tuple[str, ...] = ()

    @staticmethod
    def read(text: bytes) -> KeptSettings:
        try:
            data = read_text(text) if text else {}
        except MalformedMessage as error:
            return KeptSettings({}, {}, (error.detail,))
        if not isinstance(data, dict):
            return KeptSettings({}, {}, ("they are no object",))
        kinds = {name: setting.kind for name, setting in DECLARED.items()}
        known = {name: value for name, value in data.items() if name != "version"}
        found = {name: read_field(kinds.get(name), value, name) for name, value in known.items()}
        unread = {name: value.data for name, value in found.items() if isinstance(value, Unread)}
        reasons = tuple(value.reason for value in found.values() if isinstance(value, Unread))
        return KeptSettings({name: value for name, value in found.items() if name not in unread}, unread, reasons)

    def write(self, saved: Saved) -> bytes:
        """`saved`, and beside it the fields that only another release knows."""
        values = {name: to_json(value) for name, value in vars(saved).items()}
        return json.dumps({**self.unread, "version": FORM, **values}).encode()
