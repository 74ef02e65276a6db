"""`(word:1.2)`, `((word))`, `[word]`, `BREAK`, and escaped brackets, as in A1111's web interface.

By hand, for the libraries that fit this diffusers read another syntax: compel 2.5 takes these brackets for words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

UP, DOWN = 1.1, 1 / 1.1  # of one pair of round brackets, of one pair of square ones
_TOKEN = re.compile(
    r"\\[()\[\]\\]"  # a bracket, or a backslash, that means itself
    r"|\((?=[^)])?|\["
    r"|:\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*\)"
    r"|\)|\]|\bBREAK\b|[^\\()\[\]:B]+|[\s\S]"
)
_ALTERNATING = re.compile(r"(?<!\\)\[[^\[\]]*(?:\|[^\[\]]*|:\s*\d*\.?\d+\s*)\]")


@dataclass(frozen=True)
class Piece:
    """Words with one weight; `begins_chunk`: after BREAK."""

    text: str
    weight: float = 1.0
    begins_chunk: bool = False


def parse(prompt: str) -> list[Piece]:
    """Never fails: brackets without a partner count to the end of the prompt, or mean nothing."""
    pieces: list[Piece] = []
    open_brackets: list[tuple[str, int]] = []
    begins = False
    for token in _TOKEN.findall(prompt):
        if token in ("(", "["):
            open_brackets.append((token, len(pieces)))
        elif token == ")" and _closes(open_brackets, "("):
            _weigh(pieces, open_brackets.pop()[1], UP)
        elif token == "]" and _closes(open_brackets, "["):
            _weigh(pieces, open_brackets.pop()[1], DOWN)
        elif token.startswith(":") and token.endswith(")") and len(token) > 1 and _closes(open_brackets, "("):
            _weigh(pieces, open_brackets.pop()[1], float(token[1:-1]))
        elif token == "BREAK":
            begins = True
        else:
            pieces.append(Piece(token[1] if len(token) == 2 and token[0] == "\\" else token, 1.0, begins))
            begins = False
    for bracket, start in open_brackets:
        _weigh(pieces, start, UP if bracket == "(" else DOWN)
    return _joined(pieces)


def _closes(open_brackets: list[tuple[str, int]], bracket: str) -> bool:
    return bool(open_brackets) and open_brackets[-1][0] == bracket


def _weigh(pieces: list[Piece], start: int, factor: float) -> None:
    for index in range(start, len(pieces)):
        piece = pieces[index]
        pieces[index] = Piece(piece.text, piece.weight * factor, piece.begins_chunk)


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbours of one weight are one piece."""
    joined: list[Piece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if last is not None and last.weight == piece.weight and not piece.begins_chunk:
            joined[-1] = Piece(last.text + piece.text, last.weight, last.begins_chunk)
        else:
            joined.append(piece)
    return joined


def plain(prompt: str) -> str:
    """The words alone."""
    return " ".join(" ".join(piece.text for piece in parse(prompt)).split()) if is_marked(prompt) else prompt


def is_marked(prompt: str) -> bool:
    """Whether any of these marks is in it; without, a prompt is taken as it stands."""
    return bool(re.search(r"[()\[\]\\]|\bBREAK\b", prompt))


def weighed(prompt: str) -> list[str]:
    """The words that marks are about: of another weight, or behind BREAK."""
    pieces = parse(prompt) if is_marked(prompt) else []
    return [piece.text.strip() for piece in pieces if piece.weight != 1.0 or piece.begins_chunk]


def escaped(words: str) -> str:
    """A prompt in which brackets mean themselves."""
    return re.sub(r"[()\[\]\\]", r"\\\g<0>", words)


def not_understood(prompt: str) -> list[str]:
    """Marks of other programs that mean nothing here: words that change on the way, `[a:b:0.5]`, `[a:9]`, `[a|b]`."""
    return _ALTERNATING.findall(prompt)
