"""What was measured before, in a folder beside the report: a second run goes on where the first one ended.

Each is found again by a digest of all that decides it, so that what was measured with other pictures, settings, code,
libraries or networks is never mixed in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

from acetate.protocol.geometry import Extent
from acetate.protocol.whole import write_whole
from acetate_engine.compositing.resize import resize
from acetate_engine.pictures.salience import networks
from acetate_engine.training.datasets import Bytes

_PACKAGE = Path(__file__).parents[1]
_CODE = ("pictures/*.py", "compositing/*.py", "evaluation/alpha.py", "evaluation/cutting.py", "evaluation/splitting.py")
_LIBRARIES = ("numpy", "scipy", "scikit-image", "opencv-python-headless", "pymatting", "patchmatch-cython", "pillow")
_CELL = 160  # pixels of a picture in the sheet


@dataclass(frozen=True, eq=False)
class Finding:
    figures: dict[str, float]
    cells: Bytes  # (N, S, S, 4): what the sheet shows of it


def cell(picture: Bytes) -> Bytes:
    """(H, W, 4) small, in the middle of a square of the sheet."""
    small = fitting(picture, _CELL)
    height, width = small.shape[:2]
    square = np.zeros((_CELL, _CELL, 4), np.uint8)
    top, left = (_CELL - height) // 2, (_CELL - width) // 2
    square[top : top + height, left : left + width] = small
    return square


def fitting(picture: Bytes, side: int) -> Bytes:
    """(H, W, 4), its longer side at most so long."""
    height, width = picture.shape[:2]
    scale = min(1.0, side / max(height, width))
    return resize(picture, Extent(max(1, round(width * scale)), max(1, round(height * scale)))).astype(np.uint8)


class Notebook:
    """In a folder, two files each; without a folder nothing is kept."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def measured(self, what: str, decided_by: Iterable[str | Bytes], make: Callable[[], Finding]) -> Finding:
        """As it was kept, else measured now and kept; `what` says in the file what it is of."""
        if self._folder is None:
            return make()
        path = self._folder / f"{_digest([_surroundings(), *decided_by])[:32]}.json"
        found = _read(path)
        if found is None:
            found = make()
            _write(path, what, found)
        return found


def digest_of_files(files: Iterable[Path]) -> str:
    """Of their contents; the names of their folders do not matter."""
    return _digest([part for path in sorted(files) for part in (path.name, path.read_text(encoding="utf-8"))])


@cache
def _surroundings() -> str:
    """Of the code, the libraries, and the networks that find subjects."""
    seeing = [member.sha256 for part in networks() if part.is_there for member in part.members]
    code = digest_of_files(path for pattern in _CODE for path in _PACKAGE.glob(pattern))
    return _digest([code, *map(version, _LIBRARIES), *seeing])


def _digest(parts: Iterable[str | Bytes]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else f"{part.shape}".encode() + part.tobytes()
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()


def _read(path: Path) -> Finding | None:
    """None where it is not there; one that is damaged is measured again."""
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
        strip = np.asarray(Image.open(path.with_suffix(".png")))
        return Finding(dict(figures), strip.reshape(-1, strip.shape[1], *strip.shape[1:]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # the docstring says why


def _write(path: Path, what: str, measured: Finding) -> None:
    """The figures last, whole: where they are, all is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(measured.cells.reshape(-1, *measured.cells.shape[2:])).save(path.with_suffix(".png"))
    write_whole(path, json.dumps({"of": what, "figures": measured.figures}).encode())
