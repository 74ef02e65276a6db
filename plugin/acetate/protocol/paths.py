"""Paths that come as text: from JSON, or from Qt."""

from __future__ import annotations

import os


def as_file_name(text: str) -> str:
    """As this process names files.

    Krita sets LANG to C where the system's language is none (C.UTF-8, too), and Python inside it then takes file names
    for ASCII. On disk they are UTF-8 all the same.
    """
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))
