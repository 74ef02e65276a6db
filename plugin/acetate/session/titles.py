"""Names of files as a person would write them."""

from __future__ import annotations

import re


def title_of(name: str) -> str:
    """A file's name as a person would write it: “sub/ink-wash_v2” is “Ink wash v2”."""
    words = re.sub(r"[_\-.\s]+", " ", name.rpartition("/")[2]).strip()
    return words[:1].upper() + words[1:] or name
