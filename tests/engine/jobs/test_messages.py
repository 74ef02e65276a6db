"""Lines between engine and worker."""

from __future__ import annotations

import pytest

from acetate.protocol.errors import MalformedMessage
from acetate.protocol.events import Progress
from acetate_engine.jobs.messages import Cancel, Ready, Report, RunJob, WorkerMessage, decode_line, encode_line
from tests.engine.process import identity_request


@pytest.mark.parametrize(
    "message",
    [
        RunJob("a", identity_request(prompt="two\nlines,   ü, 🦊")),
        Cancel("a"),
        Ready(1.5),
        Report.of("a", Progress(1, 2, "denoise")),
    ],
)
def test_round_trip_in_one_line(message: WorkerMessage) -> None:
    line = encode_line(message)
    assert line.count(b"\n") == 1
    assert decode_line(line) == message


@pytest.mark.parametrize(
    "line", [b"", b"warning: something", b"[]", b'{"kind": "x", "body": {}}', b'{"kind": "run"}', b"1"]
)
def test_what_a_library_printed_is_no_message(line: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode_line(line)
