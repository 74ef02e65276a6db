"""Names that a painter has given: Qt would read markup in some, and an underlined letter in others."""

from __future__ import annotations

from html import escape


def plain(text: str) -> str:
    """Of a button, a menu or a title: an & stands there as it is."""
    return text.replace("&", "&&")


def plain_tip(text: str) -> str:
    """Of a tooltip, whose lines are broken where they are too long for the screen."""
    return "<p>" + escape(text, quote=False).replace("\n", "<br>") + "</p>"
