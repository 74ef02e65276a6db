"""The release, and the version of the messages: an engine and a plugin work together when the latter is equal."""

from __future__ import annotations

__version__ = "0.1.0"

PROTOCOL_VERSION = 2
