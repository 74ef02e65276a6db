"""Stacks kept with the document, so that they are there again when the file is opened, and in copies of it."""

from __future__ import annotations

import json

from acetate.krita.document import OpenDocument
from acetate.protocol.codec import from_json, to_json
from acetate.protocol.errors import DocumentError, MalformedMessage
from acetate.session.stack import Stack, Stacks

STACKS = "acetate/stacks"  # type of the annotation


def stacks_of(document: OpenDocument) -> Stacks:
    """Raises DocumentError where the annotation cannot be read."""
    data = document.annotation(STACKS)
    if not data:
        return Stacks()
    try:
        return from_json(Stacks, json.loads(data))
    except (ValueError, MalformedMessage) as error:
        raise DocumentError(
            f"its stack cannot be read ({error})", "Update Acetate, or build the stack anew."
        ) from error


def keep(document: OpenDocument, stack: Stack) -> None:
    """With the document, so that it is there again when the file is opened."""
    before = stacks_of(document)
    if stack not in before.versions:  # writing marks the document as modified
        data = to_json(before.with_version(stack))
        document.annotate(STACKS, json.dumps(data, separators=(",", ":")).encode())
