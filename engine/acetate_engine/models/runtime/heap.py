"""What glibc does with memory that was freed. Elsewhere nothing happens. Torch-free.

A network frees its values and asks for as many again, layer after layer. What is larger than 32 MB (a value of the
transparent decoder at 512²) glibc takes from the system anew each time, which hands it over page by page, zeroed: a
fifth of that decoder's time in fp32.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_KEPT = 1 << 30  # bytes


def keep_freed() -> None:
    """From now on freed memory is used again by this process, until `give_back`."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library
            library = ctypes.CDLL(None)
            library.mallopt(_M_MMAP_THRESHOLD, _KEPT)
            library.mallopt(_M_TRIM_THRESHOLD, _KEPT)


def give_back() -> None:
    """What is free goes to the system; tens of megabytes after a layer, and more with `keep_freed`."""
    if sys.platform == "linux":
        with suppress(AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
