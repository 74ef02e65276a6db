from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from acetate.client.sse import Parser, ServerEvent

STREAM = (
    b": a comment\n\n"
    b"event: progress\nid: 1\ndata: {\"step\": 1}\n\n"
    b"data: first\ndata: second\n\n"
    b"id: 7\r\nevent: done\r\ndata:no space\r\n\r\n"
    b"event: nothing\n\n"
    b"data: \xc3\xa4\r\r"
)  # fmt: skip
MESSAGES = [
    ServerEvent("progress", '{"step": 1}', "1"),
    ServerEvent("message", "first\nsecond", "1"),
    ServerEvent("done", "no space", "7"),
    ServerEvent("message", "ä", "7"),
]


def test_a_stream_in_one_piece() -> None:
    parser = Parser()
    # the last CR could be the first half of CRLF: it counts as soon as something follows
    assert parser.feed(STREAM) + parser.feed(b":\n") == MESSAGES


@given(st.lists(st.integers(1, 9), min_size=1, max_size=200))
def test_pieces_of_any_size_give_the_same_messages(sizes: list[int]) -> None:
    parser, messages, rest = Parser(), [], STREAM + b":\n"
    for size in sizes:
        messages += parser.feed(rest[:size])
        rest = rest[size:]
    assert messages + parser.feed(rest) == MESSAGES


def test_an_unfinished_message_waits() -> None:
    parser = Parser()
    assert parser.feed(b"event: queued\ndata: {}\n") == []
    assert parser.feed(b"\n") == [ServerEvent("queued", "{}", "")]
