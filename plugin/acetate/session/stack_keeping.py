"""Stacks kept with the document, so that they are there again when the file is opened, and in copies of it."""

from __future__ import annotations

from acetate.host import Document
from acetate.protocol.errors import DocumentError
from acetate.protocol.kept import Records, read_list, write_list
from acetate.session.stack import Stack, Stacks

STACKS = "acetate/stacks"  # type of the annotation
_VERSIONS = "versions"  # the list within it


def stacks_of(document: Document) -> Stacks:
    """Those that this release can read."""
    return Stacks(_read(document).read)


def unread_stacks(document: Document) -> DocumentError | None:
    """What to tell the painter of those that it cannot read."""
    unread = _read(document).unread
    if not unread:
        return None
    return DocumentError(
        f"{len(unread)} of the stacks of this document cannot be read ({unread[-1].reason})",
        "Update Acetate, or build the stack anew: what cannot be read stays in the document.",
    )


def keep(document: Document, stack: Stack) -> None:
    """With the document, so that it is there again when the file is opened."""
    before = _read(document)
    stacks = Stacks(before.read)
    if stack not in stacks.versions:  # writing marks the document as modified
        kept = (*before.unread, *stacks.with_version(stack).versions)
        document.annotate(STACKS, write_list(kept, _VERSIONS, before.beside))


def _read(document: Document) -> Records[Stack]:
    return read_list(Stack, document.annotation(STACKS), _VERSIONS)
