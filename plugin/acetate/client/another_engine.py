"""An engine that the painter named: its address and token, in `another-engine.json` of the config directory.

It has to be reached through loopback, because nothing encrypts the way: from another machine, `ssh -L` brings it here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from acetate.client import api
from acetate.protocol.connection import LOOPBACK, TOKEN, Connection, config_dir
from acetate.protocol.errors import AccessError, EngineUnreachable, MalformedMessage
from acetate.protocol.kept import Unread, read_record, read_text, to_record
from acetate.protocol.version import PROTOCOL_VERSION
from acetate.protocol.whole import write_whole

_FORM = "Write it as http://127.0.0.1:PORT; an engine of another machine is brought here by ssh -L PORT:127.0.0.1:PORT."


@dataclass(frozen=True)
class Address:
    url: str
    token: str


def file() -> Path:
    return config_dir() / "another-engine.json"


def read() -> Address | None:
    """None where the painter has named none; of a file that cannot be read, too, which `unread` tells."""
    found = _kept()
    return None if isinstance(found, Unread) else found


def unread() -> tuple[str, ...]:
    """Why the file cannot be read, for a person: the docker starts an engine of its own meanwhile."""
    found = _kept()
    return (f"{file()}: {found.reason}",) if isinstance(found, Unread) else ()


def _kept() -> Address | Unread | None:
    try:
        return read_record(Address, read_text(file().read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, MalformedMessage) as error:
        return Unread(None, str(error))


def use(url: str, token: str) -> Connection:
    """From now on this one. Raises AccessError, EngineUnreachable, VersionMismatch; nothing is changed then."""
    address = Address(url.strip(), token.strip())
    connection = connect(address)
    write_whole(file(), json.dumps(to_record(address)).encode(), is_private=True)  # the token is a secret
    return connection


def forget() -> None:
    file().unlink(missing_ok=True)


def connect(address: Address) -> Connection:
    """Asks it who it is. Raises as `use`."""
    try:
        parts = urlsplit(address.url if "//" in address.url else f"http://{address.url}")
        host, port = parts.hostname if parts.scheme == "http" else None, parts.port
    except ValueError:
        host, port = None, None  # the next line says what is wrong with the address
    if host not in LOOPBACK or not port:
        raise AccessError(f"{address.url!r} is not an address on this machine", _FORM)
    if not TOKEN.fullmatch(address.token):
        raise AccessError("what was given as its token is none", "Copy it from the connection file of that engine.")
    asked = Connection(host or "", port, address.token, 0, "", PROTOCOL_VERSION)
    try:
        health = api.health(asked)
    except (EngineUnreachable, MalformedMessage) as error:
        raise EngineUnreachable(
            f"no engine answers at {asked.url} ({error.detail})", "Start it, or install an engine here (Engine…)."
        ) from error
    return replace(asked, pid=health.pid, version=health.version)
