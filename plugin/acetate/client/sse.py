"""Server-sent events, as the HTML standard parses them (https://html.spec.whatwg.org/#event-stream-interpretation)."""

from __future__ import annotations

from dataclasses import dataclass

from acetate.protocol.errors import MalformedMessage

_LONGEST = 1 << 26  # bytes of a line


@dataclass(frozen=True)
class ServerEvent:
    event: str
    data: str
    id: str  # the last one seen, of this or an earlier message


class Parser:
    """Takes the bytes of a stream in pieces of any size, gives the messages that they complete."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # of a line that is not complete: joined once, however many pieces it comes in
        self._length = 0
        self._is_cr_held = False
        self._event = ""
        self._data: list[str] = []
        self._id = ""

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """Raises MalformedMessage where a line does not end."""
        # A CR at the end may be the first half of CRLF: leave it for the next piece.
        text = b"\r" + piece if self._is_cr_held else piece
        self._is_cr_held = text.endswith(b"\r")
        lines = (text[:-1] if self._is_cr_held else text).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        *complete, rest = lines
        messages = [message for line in complete if (message := self._line(self._completed(line)))]
        self._rest.append(rest)
        self._length += len(rest)
        if self._length > _LONGEST:
            raise MalformedMessage("a line of the events does not end", "Restart the engine.")
        return messages

    def _completed(self, end: bytes) -> str:
        line = b"".join((*self._rest, end))
        self._rest, self._length = [], 0
        return line.decode("utf-8", "replace")

    def _line(self, line: str) -> ServerEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._event = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        return None

    def _dispatch(self) -> ServerEvent | None:
        event, data = self._event or "message", self._data
        self._event, self._data = "", []
        return ServerEvent(event, "\n".join(data), self._id) if data else None
