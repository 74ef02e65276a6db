"""How the reader does on a folder of documents: python -m tests.engine.documents.corpus FOLDER [--list]

The layers of each file are composed with its merged picture set aside, and compared with it: premultiplied, in the
document's own space and depth. A file is *within* when at most 0.1 % of its pixels differ by more than 2/255 in any
channel. Beside it: what a condition of the whole canvas receives.
"""

from __future__ import annotations

import argparse
import collections
import resource
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import numpy as np
from numpy.typing import NDArray
from psd_tools.constants import Resource

from acetate.protocol.errors import AcetateError
from acetate.protocol.geometry import Bounds
from acetate_engine.documents.flatten import compose, flatten
from acetate_engine.documents.in_srgb import in_srgb
from acetate_engine.documents.planes import unit
from acetate_engine.documents.psd_file import PsdFile, open_psd
from acetate_engine.documents.reader import is_psd, read_document
from acetate_engine.documents.shown import shown
from acetate_engine.documents.tree import LayeredDocument, PixelLayer

SUFFIXES = (".psd", ".psb", ".kra", ".ora")
TOLERANCE = 2.0 / 255.0
PART = 1e-3  # of the pixels
LARGE = 40_000_000  # pixels: compositing them says nothing that smaller files don't
SECONDS = 120


@dataclass(frozen=True)
class Verdict:
    name: str
    outcome: str
    layered: bool = False  # with a merged picture that says it is current
    part: float = 0.0  # of pixels that differ
    notes: tuple[str, ...] = ()
    received: str = ""


def judged(path: Path) -> Verdict:
    try:
        with _time_limit(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _judged(path)
    except AcetateError as error:
        reason = error.detail.replace(path.name, "it").split(":")[0]
        return Verdict(path.name, f"refused: {reason[:70]}")
    except TimeoutError:
        return Verdict(path.name, "too slow")
    except Exception as error:  # noqa: BLE001  # what it is for
        return Verdict(path.name, f"CRASH {type(error).__name__}: {str(error)[:60]}")


def _judged(path: Path) -> Verdict:
    document = read_document(path)
    if document.merged is None:
        return Verdict(path.name, "no merged picture")
    if document.extent.area > LARGE:
        return Verdict(path.name, "large")
    if any(isinstance(layer, PixelLayer) and layer.source is document.merged for layer in document.layers):
        document.merged.read(Bounds.of(document.extent))
        return Verdict(path.name, "flat", notes=document.notes())
    if not document.merged_is_current:
        return Verdict(path.name, "merged picture not current")
    if is_psd(path) and not _is_signed(open_psd(path)):
        return Verdict(path.name, "merged picture of no known program")
    if not document.merged_is_own:
        return Verdict(path.name, "merged picture of another program than it says")
    if _is_blank(document):
        return Verdict(path.name, "merged picture blank")
    part = differing(document)
    outcome = "within" if part <= PART else "different"
    seen = shown(document)
    expected = in_srgb(document.merged, Bounds.of(document.extent), document.depth)
    same = "exact" if (seen.pixels == expected).all() else "composed"
    return Verdict(path.name, outcome, True, part, document.notes(), same + (" noted" if seen.notes else ""))


def _is_signed(file: PsdFile) -> bool:
    return file.is_kritas or file.resources.get_data(Resource.VERSION_INFO) is not None


def _is_blank(document: LayeredDocument) -> bool:
    """Black or white all over, where a program wrote no picture although the layers make another one."""
    merged = unit(document.merged.read(Bounds.of(document.extent)))[..., :-1]
    return bool((merged == merged[:1, :1]).all() and merged[0, 0, 0] in (0.0, 1.0) and differing(document) > PART)


def differing(document: LayeredDocument) -> float:
    """The part of the pixels that are off by more than the tolerance."""
    composed, merged = _in_one_space(document)
    if (merged[..., -1] >= 1.0).all() and (composed[..., -1] < 1.0).any() and not _has_alpha(document):
        composed = _on_white(composed, document.space.model)
    return float((np.abs(_premultiplied(composed) - _premultiplied(merged)).max(-1) > TOLERANCE + 1e-4).mean())


def _has_alpha(document: LayeredDocument) -> bool:
    return bool(getattr(document.merged, "has_alpha", True))


def _in_one_space(document: LayeredDocument) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    canvas = Bounds.of(document.extent)
    if document.merged.space == document.space:
        composed = compose(document.layers, canvas, depth=document.depth, space=document.space)
        return unit(composed), unit(document.merged.read(canvas))
    composed = flatten(document.layers, canvas, depth=document.depth, space=document.space)
    return unit(composed), unit(in_srgb(document.merged, canvas, document.depth))


def _on_white(values: NDArray[np.float32], model: str) -> NDArray[np.float32]:
    white = np.array([1.0, 128 / 255, 128 / 255] if model == "LAB" else [1.0] * (values.shape[-1] - 1), np.float32)
    colour = values[..., :-1] * values[..., -1:] + white * (1.0 - values[..., -1:])
    return np.concatenate([colour, np.ones_like(values[..., -1:])], -1)


def _premultiplied(values: NDArray[np.float32]) -> NDArray[np.float32]:
    values = np.clip(values, 0.0, 1.0)
    return np.concatenate([values[..., :-1] * values[..., -1:], values[..., -1:]], -1)


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    def late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def documents(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def table(verdicts: list[Verdict]) -> str:
    """Markdown."""
    layered = [one for one in verdicts if one.layered]
    groups = {
        "within": [one for one in layered if one.outcome == "within" and not one.notes],
        "within, with a note": [one for one in layered if one.outcome == "within" and one.notes],
        "different, with a note": [one for one in layered if one.outcome == "different" and one.notes],
        "**different, without a note**": [one for one in layered if one.outcome == "different" and not one.notes],
    }
    lines = [f"| {len(verdicts)} documents | files | of the layered | exact in a condition |", "|---|---|---|---|"]
    lines.append(f"| layered, with a current merged picture | {len(layered)} | | {_exact(layered)} |")
    for name, found in groups.items():
        lines.append(f"| {name} | {len(found)} | {len(found) / max(1, len(layered)):.1%} | {_exact(found)} |")
    counted = collections.Counter(one.outcome for one in verdicts if not one.layered)
    lines += [f"| {name} | {count} | | |" for name, count in counted.most_common()]
    return "\n".join(lines)


def _exact(verdicts: list[Verdict]) -> str:
    return str(sum(one.received.startswith("exact") for one in verdicts))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--list", action="store_true", help="each file, too")
    parser.add_argument("--only", default="", help="files whose path holds this")
    given = parser.parse_args()
    verdicts = []
    for path in documents(given.folder):
        if given.only in str(path):
            verdict = judged(path)
            verdicts.append(verdict)
            if given.list:
                where = path.relative_to(given.folder)
                print(f"{verdict.outcome:10} {verdict.part:8.4%} {where} {list(verdict.notes)[:4]}", flush=True)
    print(table(verdicts))
    print(f"Peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB", file=sys.stderr)
    silent = [one for one in verdicts if one.layered and one.outcome == "different" and not one.notes]
    return 1 if any(one.outcome.startswith("CRASH") for one in verdicts) or silent else 0


if __name__ == "__main__":
    sys.exit(main())
