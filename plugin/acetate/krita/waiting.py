"""Calls that wait until Krita has done its work, the painter's stroke before it.

Until 5.1 other threads go on during a call of Krita's Python module, and a thread of ours waits. Since 5.2 the module
keeps the interpreter to itself (of Debian's builds, 5.1.5 calls PyEval_SaveThread in 752 places, 5.2.9 in 3): there a
thread that waited for a stroke would stop the GUI thread, which alone can end it, and Krita would hang. So the call is
made on the GUI thread, as soon as nothing is under way: a stroke begins in its event loop only, so none comes between.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from krita import Krita

from acetate.coroutines import Loop
from acetate.host import until_idle
from acetate.krita.closing import Call, kept_open

if TYPE_CHECKING:
    from acetate.krita.document import KritaDocument


async def carried_out(document: KritaDocument, loop: Loop, call: Call) -> None:
    """Makes the call, or does nothing once the document is closed. Awaited on the GUI thread."""
    if lets_threads_run():
        with kept_open(document) as do:
            await loop.thread(lambda: do(call))
        return
    await until_idle(document, loop)
    if document.is_open:
        call()


@cache
def lets_threads_run() -> bool:
    """Whether others go on while one is in a call of Krita's."""
    first, second = re.findall(r"\d+", Krita.instance().version())[:2]
    return (int(first), int(second)) < (5, 2)
