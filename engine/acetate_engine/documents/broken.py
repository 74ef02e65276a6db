"""What a broken file makes libraries and readers raise, as one error that names the file."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
from PIL import Image

from acetate.protocol.errors import FileError
from acetate_engine.documents.formats import printable

MAX_PICTURE = 1 << 27  # pixels of a picture that must be decoded whole: 512 MB of RGBA8


@contextmanager
def broken_file(name: str) -> Iterator[None]:
    """Whatever a broken file makes a library raise becomes a FileError that names it."""
    try:
        yield
    except FileError:
        raise
    except Image.DecompressionBombError as error:
        raise FileError(f"{name} is too large: {error}", f"Use at most {MAX_PICTURE} pixels.") from error
    except MemoryError as error:
        raise FileError(f"{name} does not fit into memory", "Use a smaller one.") from error
    except _BROKEN as error:
        reason = printable(str(error) or type(error).__name__)
        raise FileError(f"{name} cannot be read: {reason[:300]}", "Save it again in its program.") from error


_BROKEN = (
    *(OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, EOFError, ArithmeticError, SyntaxError),
    *(struct.error, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, AssertionError, RecursionError),
    cv2.error,
)
