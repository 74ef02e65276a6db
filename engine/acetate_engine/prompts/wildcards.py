"""`{a|b|c}`, `{2$$a|b|c}` and `__name__`, a line of wildcards/name.txt: drawn by the seed, so that they repeat.

`__animals/*__` draws from all files of that folder, `__animals/**__` also from those of folders in it.
`\\{` and `\\}` mean themselves.
"""

from __future__ import annotations

import random
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Mapping
from pathlib import Path

from acetate.protocol.codec import is_text

_CHOICE = re.compile(r"(?<!\\)\{((?:\\[{}]|[^{}])*)(?<!\\)\}")
_SEVERAL = re.compile(r"\s*(\d{1,3})(?:-(\d{1,3}))?\$\$(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\([{}])")
_FILE = re.compile(r"__([\w*][\w /*.-]*?)__")
_MOST = 200  # drawings in one prompt: files may name each other


def draws(prompt: str) -> bool:
    """Whether anything in it is drawn."""
    return bool(_CHOICE.search(prompt) or _FILE.search(prompt))


def drawn(prompt: str, seed: int, folder: Path) -> tuple[str, list[str]]:
    """The prompt with its wildcards drawn, and notes on what could not be.

    Args:
        seed: the same gives the same words, as long as the files stay as they are.
        folder: of the files, in subfolders too: `__animals/cats__`.
    """
    luck = random.Random(f"{seed}:{prompt}")  # no secret
    missing: dict[str, str | None] = {}
    skipped: set[Path] = set()
    for _ in range(_MOST):
        if found := _CHOICE.search(prompt):
            choice = _chosen(found[1], luck)
        elif found := next((each for each in _FILE.finditer(prompt) if each[1] not in missing), None):
            texts = {path: _lines(path) for path in _files(folder, found[1])}
            lines = [line for text in texts.values() for line in text or ()]
            skipped |= {path for path, text in texts.items() if text is None and lines}
            if not lines:
                missing[found[1]] = _lacking(folder, found[1])
                continue
            choice = _weighed(lines, luck)
        else:
            break
        prompt = prompt[: found.start()] + choice + prompt[found.end() :]
    return _ESCAPED.sub(r"\1", prompt), [*_skipped(skipped), *_left(prompt, missing)]


def _skipped(files: set[Path]) -> Iterator[str]:
    """What of a whole folder could not be drawn from."""
    for path in sorted(files):
        yield f"{path} cannot be read as a text in UTF-8: nothing of it was drawn"


def wildcard_names(folder: Path) -> list[str]:
    """As prompts name them: `animals`, `animals/cats`."""
    names = (path.relative_to(folder).with_suffix("").as_posix() for path in sorted(folder.rglob("*.txt")))
    return [name for name in names if _FILE.fullmatch(f"__{name}__") and is_text(name)]


def _left(prompt: str, missing: Mapping[str, str | None]) -> Iterator[str]:
    """What still asks to be drawn, and is not."""
    for name, why in missing.items():
        yield f"{why}: __{name}__ stands as it is"
    if _CHOICE.search(prompt) or any(each[1] not in missing for each in _FILE.finditer(prompt)):
        yield f"wildcards name each other without end: drawing stopped after {_MOST} of them"
    elif bracket := re.search(r"(?<!\\)[{}]", prompt):
        yield f"{bracket[0]} has no partner, so nothing was drawn there"


def _chosen(text: str, luck: random.Random) -> str:
    """One of `a|b|c`; of `2$$a|b|c` and `1-2$$ and $$a|b|c` so many different ones, with that or a comma between."""
    several = _SEVERAL.match(text)
    if several is None:
        return _weighed(text.split("|"), luck)
    between, told, rest = several[3].rpartition("$$")
    options = rest.split("|")
    count = min(len(options), luck.randint(*sorted((int(several[1]), int(several[2] or several[1])))))
    chosen: list[str] = []
    for _ in range(count):
        left = [option for option in options if _weighed([option], luck) not in chosen]
        chosen += [_weighed(left, luck)] if left else []
    return (between if told else ", ").join(chosen)


def _weighed(options: list[str], luck: random.Random) -> str:
    """`2::word` counts as much as two others."""
    parts = [re.fullmatch(r"\s*(\d+(?:\.\d+)?)::(.*)", option, re.DOTALL) for option in options]
    weights = [float(part[1]) if part else 1.0 for part in parts]
    words = [part[2] if part else option for part, option in zip(parts, options, strict=True)]
    return luck.choices(words, weights if any(weights) else None)[0].strip()


def _files(folder: Path, name: str) -> list[Path]:
    """Of that name, or of a whole folder; one that lies elsewhere counts as one that is not there."""
    paths = sorted(folder.glob(_pattern(name))) if "*" in name else [folder / f"{name}.txt"]
    inside = folder.resolve()
    return [path for path in paths if path.is_file() and path.resolve().is_relative_to(inside)]


def _pattern(name: str) -> str:
    """Two stars are folders in folders where they stand alone, and elsewhere one."""
    parts = [part if part == "**" else re.sub(r"\*+", "*", part) for part in name.split("/") if part]
    return "/".join([*parts, "*"] if parts[-1] == "**" else parts) + ".txt"


def _lines(path: Path) -> list[str] | None:
    """Without blank lines and comments; None of a file that cannot be read as a text."""
    try:
        text = _text(path.read_bytes())
    except (OSError, ValueError):
        return None  # the note says so
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _text(content: bytes) -> str:
    """UTF-8, or UTF-16 that says so, as editors of Windows write it. Raises ValueError."""
    text = content.decode("utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")
    if "\0" in text:
        raise ValueError("no text")
    return text


def _lacking(folder: Path, name: str) -> str | None:
    """Why nothing can be drawn."""
    paths = _files(folder, name)
    if not paths:
        return f"there is no wildcard file {folder / name}.txt"
    path = next((path for path in paths if _lines(path) is None), paths[0])
    if _lines(path) is None:
        return f"{path} cannot be read as a text in UTF-8"
    return f"{path} has no lines"
