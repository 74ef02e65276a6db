"""What the engine knows documents by, so that each finds its own results again; copies of a file share them."""

from __future__ import annotations

import uuid

from acetate.host import Document

_NAME = "acetate/document"  # type of the annotation


class DocumentNames:
    """A document gets a name when something is made for it, and keeps it from its first layer on."""

    def __init__(self) -> None:
        self._given: list[tuple[Document, str]] = []  # they may have no layer yet

    def of(self, document: Document) -> str:
        if kept := document.annotation(_NAME):
            return kept.decode(errors="replace")
        self._given = [(known, name) for known, name in self._given if known.is_open]
        found = [name for known, name in self._given if known.is_same(document)]
        if not found:
            found = [uuid.uuid4().hex]
            self._given.append((document, found[0]))
        return found[0]

    def keep(self, document: Document) -> None:
        """With the document."""
        if not document.annotation(_NAME):
            document.annotate(_NAME, self.of(document).encode())
