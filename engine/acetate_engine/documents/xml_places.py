"""Where the elements of an XML document lie in its bytes, so that a line can be added and all else stays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from xml.parsers import expat


@dataclass
class ElementPlace:
    tag: str
    attributes: dict[str, str]
    start: int  # of the start tag
    inside: int = 0  # behind the start tag
    end: int = 0  # behind the end tag
    children: list[ElementPlace] = field(default_factory=list)

    @property
    def is_closed(self) -> bool:
        """One tag is both its start and its end."""
        return self.inside == self.end

    def all(self, tags: Collection[str]) -> list[ElementPlace]:
        return [child for child in self.children if child.tag in tags]


def places(data: bytes) -> ElementPlace:
    """The root element. Raises ValueError where it is not XML in UTF-8."""
    root = ElementPlace("", {}, 0)
    stack = [root]
    parser = expat.ParserCreate("utf-8")

    def start(tag: str, attributes: dict[str, str]) -> None:
        place = ElementPlace(tag.rpartition(":")[2], attributes, parser.CurrentByteIndex)
        place.inside = _behind_tag(data, place.start)
        stack[-1].children.append(place)
        stack.append(place)

    def end(tag: str) -> None:
        place = stack.pop()
        is_closed = data[place.inside - 2 : place.inside] == b"/>"
        place.end = place.inside if is_closed else _behind_tag(data, parser.CurrentByteIndex)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ValueError(f"no XML: {error}") from error
    return root.children[0]


def _behind_tag(data: bytes, start: int) -> int:
    """Behind the `>` of the tag that begins there; one inside a quoted value ends nothing."""
    quote = 0
    for index in range(start, len(data)):
        char = data[index]
        if quote:
            quote = 0 if char == quote else quote
        elif char in b"\"'":
            quote = char
        elif char == ord(">"):
            return index + 1
    raise ValueError("a tag without an end")


def opened_tag(data: bytes, place: ElementPlace) -> bytes:
    """The start tag; of an element that is closed at once, the tag that would leave it open."""
    tag = data[place.start : place.inside]
    return tag[:-2].rstrip() + b">" if tag.endswith(b"/>") else tag
