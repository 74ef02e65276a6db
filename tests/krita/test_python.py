"""The plugin in the Python that this Krita brings along."""

from __future__ import annotations

from tests.plugin.test_pythons import check


def test_it_compiles_and_imports_without_a_warning() -> None:
    """/usr/bin/python3 is the one whose library Krita embeds."""
    check("/usr/bin/python3")
