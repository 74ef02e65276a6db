from __future__ import annotations

import struct

import pytest

from acetate.picture import Picture, row_strips
from acetate.protocol.events import LayerResult
from acetate.protocol.filing import Filing
from acetate.protocol.geometry import Bounds, Extent
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.requests import GenerateRequest, Task
from acetate.protocol.tasks import LayerRole
from acetate.session.history import LIMIT, THUMBNAIL, Alternative, History, HistoryEntry, thumbnail

BOX = Bounds(0, 0, 1, 1)


def coordinates(extent: Extent, pixel_format: PixelFormat) -> Picture:
    """A picture whose pixels hold their own column and row."""
    pixel = {
        PixelFormat.RGBA8: lambda x, y: struct.pack(">HH", x, y),
        PixelFormat.RGBA16: lambda x, y: struct.pack("<4H", *(byte << 8 for byte in struct.pack(">HH", x, y))),
    }[pixel_format]
    strips = tuple(
        b"".join(pixel(x, y) for y in range(strip.y, strip.bottom) for x in range(extent.width))
        for strip in row_strips(Bounds.of(extent), pixel_format.bytes_per_pixel)
    )
    return Picture(extent, pixel_format, strips)


@pytest.mark.parametrize("pixel_format", [PixelFormat.RGBA8, PixelFormat.RGBA16])
@pytest.mark.parametrize("extent", [Extent(1, 1), Extent(193, 700), Extent(1500, 3)], ids=str)
def test_a_thumbnail_takes_every_nth_pixel(extent: Extent, pixel_format: PixelFormat) -> None:
    small = thumbnail(coordinates(extent, pixel_format))
    step = -(-max(extent.width, extent.height) // THUMBNAIL)
    expected = [(x, y) for y in range(0, extent.height, step) for x in range(0, extent.width, step)]
    assert list(struct.iter_unpack(">HH", b"".join(small.strips))) == expected
    assert max(small.extent.width, small.extent.height) <= THUMBNAIL


def test_the_newest_comes_first_and_the_list_has_an_end() -> None:
    history, heard = History(), []
    history.added.connect(heard.append)
    picture = coordinates(Extent(1, 1), PixelFormat.RGBA8)
    request = GenerateRequest(Task.FOREGROUND, Bounds(0, 0, 1, 1), 1, "a fox")
    entries = [HistoryEntry(Alternative(str(number), request, ()), picture) for number in range(LIMIT + 1)]
    for entry in entries:
        history.add(entry)
    assert heard == [0] * len(entries)
    assert history.entries == entries[:0:-1]
    assert history.is_full and history.is_cut.value


def test_what_had_no_room_is_asked_for_again_once_there_is_some() -> None:
    """The list ends within a job: the rest of that job is not forgotten."""
    history, heard = History(), []
    history.added.connect(heard.append)
    picture, request = coordinates(Extent(1, 1), PixelFormat.RGBA8), GenerateRequest(Task.FOREGROUND, BOX, 1, "a fox")
    for number in range(LIMIT + 5):
        layer = LayerResult(number % 2, number % 2, LayerRole.FOREGROUND, "a fox", BOX, "", 1)
        history.add_older(HistoryEntry(Alternative(str(number // 2), request, (layer,)), picture))
    assert (len(history.entries), len(heard)) == (LIMIT, LIMIT)
    assert history.is_full and history.is_cut.value
    history.refile("7", Filing(discarded=(0, 1)))
    history.refile(str(LIMIT // 2 - 1), Filing(discarded=(1,)))
    assert not history.is_full
    assert history.resume() == str(LIMIT // 2 - 2)
    assert not history.is_cut.value
    assert history.resume() == ""
