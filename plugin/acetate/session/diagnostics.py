"""What a report of a fault needs, ready to be copied: versions, the doctor's findings, the end of the log.

Never the token; of the painter nothing but what the fault needs: their name and home are blanked in every path.
"""

from __future__ import annotations

import getpass
import json
import platform
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from acetate.client.launcher import clean_environment, engine_command
from acetate.protocol.connection import connection_file, runtime_dir, usable_connection
from acetate.protocol.errors import AcetateError, JsonValue
from acetate.protocol.paths import as_file_name
from acetate.protocol.version import PROTOCOL_VERSION, __version__

PATIENCE = 90.0  # seconds that the doctor may take: it imports torch
TAIL = 40  # lines of the log
_SHORTEST = 3  # letters of a name that is looked for as such
_SECRETS = re.compile(r"(?i)\b(bearer|token[\"'=: ]+|hf_)\s*[\w.~+/-]{6,}=*")

Section = Mapping[str, str]


def collect(program: Section) -> str:
    """`program`: what is to be said of the painting program and the docker. Blocking, for a thread."""
    found = _doctor()
    plugin = {"acetate": __version__, "protocol": str(PROTOCOL_VERSION), "system": platform.platform()}
    sections: dict[str, JsonValue] = {"plugin": {**plugin, **program}, **found}
    text = "\n".join(_shown(name, section) for name, section in sections.items())
    return redacted(f"{text}\n[log]\n{_tail(found)}\n")


def redacted(text: str) -> str:
    """Without tokens, and without who is at the machine."""
    connection = usable_connection(connection_file())
    for secret in (connection.token if connection else "",):
        text = text.replace(secret, "(token)") if secret else text
    text = _SECRETS.sub(lambda found: f"{found[1].strip()} (secret)", text)
    text = text.replace(str(Path.home()), "~")
    for name, instead in ((_user(), "(user)"), (platform.node(), "(machine)")):
        if len(name) >= _SHORTEST:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", instead, text)
    return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # nobody has this number
        return ""


def _doctor() -> dict[str, JsonValue]:
    try:
        command = engine_command().command
    except AcetateError as error:
        return {"engine": str(error)}
    asked = [*command[:-1], "doctor", "--json"]
    try:
        done = subprocess.run(
            asked,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            env=clean_environment(),
            check=False,
        )
        report = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return {"doctor": f"no findings ({type(error).__name__}: {error})"}
    return report if isinstance(report, dict) else {}


def _shown(name: str, section: JsonValue) -> str:
    if isinstance(section, dict):
        return "\n".join([f"[{name}]", *(f"{key}: {value}" for key, value in section.items())])
    return f"[{name}]\n{section}"


def _tail(found: Mapping[str, JsonValue]) -> str:
    places = found.get("places")
    named = str(places.get("log", "")) if isinstance(places, dict) else ""
    for file in (Path(as_file_name(named)), runtime_dir() / "engine.log"):
        try:
            return "\n".join(file.read_text("utf-8", "replace").splitlines()[-TAIL:])
        except OSError:
            continue  # the report says which of them was found
    return "(none)"
