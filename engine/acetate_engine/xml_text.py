"""Text on its way into XML."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr


def quoted(text: str) -> str:
    """The value of an attribute, in quotes; without the characters that XML 1.0 cannot hold."""
    return quoteattr("".join(char for char in text if _is_legal(char)))


def _is_legal(char: str) -> bool:
    return char in "\t\n\r" or (ord(char) >= 0x20 and not 0xD800 <= ord(char) <= 0xDFFF)
