"""What is no document, claims too much, or would be written over: named, at once."""

from __future__ import annotations

import os
import socket
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from psd_tools.constants import Resource
from psd_tools.psd.document import PSD
from psd_tools.psd.image_resources import ImageResource

from acetate.protocol.errors import FileError
from acetate_engine.documents.colour import NO_PROFILE
from acetate_engine.documents.formats import printable
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.shown import shown
from acetate_engine.documents.tree import Memory, PixelLayer
from acetate_engine.documents.writer import check_writable, write_document
from tests.engine.documents.pictures import REFERENCES, noise, sample

JUNK = bytes(16) + b"RGB " + b"junk" * 50  # a colour profile that is none


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7", "PDF"),
        (b"<svg xmlns=''/>", "SVG"),
        (bytes(4) + b"ftypheic", "HEIC"),
        (b"gimp xcf v011", "XCF"),
        (b"\xff\x0a\x00", "JPEG XL"),
        (b"nonsense", "no picture"),
    ],
)
def test_other_formats_are_refused_by_name(data: bytes, kind: str, tmp_path: Path) -> None:
    (tmp_path / "file.psd").write_bytes(data)
    with pytest.raises(FileError, match=rf"file\.psd is .*{kind}"):
        read_document(tmp_path / "file.psd")


def test_pipes_devices_sockets_and_folders_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.psd")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "socket.psd"))
    for path, kind in ((tmp_path / "pipe.psd", "a pipe"), (Path("/dev/zero"), "a device"), (tmp_path, "a folder"),
                       (tmp_path / "socket.psd", "a socket")):  # fmt: skip
        with pytest.raises(FileError, match=kind):
            read_document(path)
    listening.close()


@pytest.mark.parametrize("size", [(300_000, 300_000), (2_000_000_000, 1), (0, 5)])
def test_headers_that_claim_too_much_are_refused(size: tuple[int, int], tmp_path: Path) -> None:
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 2, 3, size[1], size[0], 8, 3)
    (tmp_path / "huge.psb").write_bytes(head + bytes(20))
    with pytest.raises(FileError, match=r"huge\.psb|at most"):
        shown(read_document(tmp_path / "huge.psb"))


def test_what_is_read_is_not_written_over(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "in.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "in.png")
    with pytest.raises(FileError, match="would be lost"):
        check_writable(tmp_path / "link.png", [tmp_path / "in.png"])
    check_writable(tmp_path / "other.png", [tmp_path / "in.png"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "link.png"]


def test_where_nothing_can_be_written_is_known_before(tmp_path: Path) -> None:
    (tmp_path / "folder.psd").mkdir()
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "folder.psd", tmp_path / "file", tmp_path / ("x" * 300 + ".psd")):
        with pytest.raises(FileError):
            check_writable(path)


def test_names_of_a_file_do_not_steer_a_terminal(tmp_path: Path) -> None:
    layer = PixelLayer("\x1b]0;gone\x07 \x1b[31mred", source=Memory.at(0, 0, noise(4, 4)))
    write_document(type(sample())(sample().extent, (layer,)), tmp_path / "named.psd")
    name = read_document(tmp_path / "named.psd").layers[0].name
    assert "\x1b" in name
    assert printable(name) == "\\x1b]0;gone\\x07 \\x1b[31mred"


@pytest.mark.parametrize("name", ["groups-u8.psd", "masks-u8.kra"])
def test_a_broken_profile_is_left_out_and_said(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith("kra"):
        _remade(REFERENCES / name, path, lambda member, data: JUNK if member.endswith("icc") else data)
    else:
        with (REFERENCES / name).open("rb") as stream:
            document = PSD.read(stream)
        document.image_resources[Resource.ICC_PROFILE] = ImageResource(key=Resource.ICC_PROFILE, data=JUNK)
        with path.open("wb") as stream:
            document.write(stream)
    seen = shown(read_document(path))
    assert seen.pixels.any()
    assert f"{name}: {NO_PROFILE}" in seen.notes


@pytest.mark.parametrize("profile", [JUNK, JUNK.replace(b"RGB ", b"CMYK")])
def test_a_picture_with_a_broken_profile_is_shown_without_it(profile: bytes, tmp_path: Path) -> None:
    Image.new("RGB", (2, 2), (9, 200, 30)).save(tmp_path / "a.png", icc_profile=profile)
    assert shown(read_document(tmp_path / "a.png")).pixels[0, 0].tolist() == [9, 200, 30, 255]


@pytest.mark.parametrize("broken", [b"", b"garbage", None])
def test_a_layer_of_a_krita_document_that_cannot_be_read_is_noted(broken: bytes | None, tmp_path: Path) -> None:
    """As one of an OpenRaster document is: the others are shown."""

    def change(member: str, data: bytes) -> bytes:
        is_layer = member.rpartition("/")[2] == "layer4"
        return data if not is_layer else data[: len(data) // 2] if broken is None else broken

    _remade(REFERENCES / "masks-u8.kra", tmp_path / "a.kra", change)
    document = read_document(tmp_path / "a.kra")
    assert document.notes() == ("group with mask/in the group: its pixels cannot be read",)
    assert shown(document, layers=("ground",)).pixels.any()


def test_odd_numbers_and_masks_of_a_krita_document_are_noted(tmp_path: Path) -> None:
    def change(member: str, data: bytes) -> bytes:
        if member == "maindoc.xml":
            return data.replace(b' opacity="255"', b' opacity="many"', 1)
        return b"none" if member.endswith(".pixelselection") else data

    _remade(REFERENCES / "masks-u8.kra", tmp_path / "a.kra", change)
    assert read_document(tmp_path / "a.kra").notes() == (
        "group with mask: opacity 'many'",
        "group with mask: a transparency mask that cannot be read",
        "masked: a transparency mask that cannot be read",
    )


def _remade(old: Path, new: Path, change: Callable[[str, bytes], bytes]) -> None:
    with zipfile.ZipFile(old) as source, zipfile.ZipFile(new, "w") as target:
        for info in source.infolist():
            target.writestr(info, change(info.filename, source.read(info)))
