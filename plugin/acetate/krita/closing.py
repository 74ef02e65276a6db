"""A document is not closed under the hands of a thread.

Who adds a node to a document that is gone ends Krita, and a thread cannot look whether it is there: the painter may
close it between the look and the call. But Krita tells of each closing before it deletes the document, which it does
in a later turn of its event loop (KisPart::removeDocument): there the GUI thread waits for the call that is under way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from krita import Krita

if TYPE_CHECKING:
    from acetate.krita.document import KritaDocument

_PATIENCE = 10.0  # seconds; such a call takes a tenth of one
Call = Callable[[], object]


@contextmanager
def kept_open(document: KritaDocument) -> Iterator[Callable[[Call], None]]:
    """Gives what does some work in a thread, or nothing once the document is closed. Entered on the GUI thread."""
    working, is_closed = threading.Lock(), threading.Event()

    def look(*_: object) -> None:
        if not document.is_open:
            is_closed.set()
            if working.acquire(timeout=_PATIENCE):
                working.release()

    def do(call: Call) -> None:
        with working:
            if not is_closed.is_set():
                call()

    told = Krita.instance().notifier().imageClosed
    told.connect(look)
    try:
        yield do
    finally:
        told.disconnect(look)
