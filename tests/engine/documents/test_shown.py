"""What a condition receives: the program's own picture where it is that, and otherwise layers, with what they lack."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from psd_tools.constants import Resource
from psd_tools.psd.document import PSD
from psd_tools.psd.image_resources import ImageResource, ImageResources, VersionInfo

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.asking import NamedImages
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.self_check import FOREIGN, UNLIKE
from acetate_engine.documents.shown import shown
from acetate_engine.documents.tree import LayeredDocument, Memory, PixelLayer
from acetate_engine.documents.writer import write_document
from tests.engine.documents.pictures import REFERENCES, everything, noise, sample

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/><?xpacket end="w"?>'


def odd(*, current: bool) -> LayeredDocument:
    """A merged picture beside a layer that is not drawn as it is, and a hidden one."""
    layers = (
        PixelLayer("glowing", source=Memory.at(0, 0, noise(8, 9, 1)), notes=("Outer Glow",)),
        PixelLayer("hidden", visible=False, notes=("Satin",)),
    )
    return LayeredDocument(
        sample().extent, layers, merged=Memory.at(0, 0, noise(32, 48, 2)), merged_is_current=current, path=Path("a.psd")
    )


def test_the_whole_canvas_is_the_programs_own_picture() -> None:
    seen = shown(odd(current=True))
    assert (seen.pixels == noise(32, 48, 2)).all()
    assert seen.notes == ()
    part = shown(odd(current=True), Bounds(3, 4, 5, 6))
    assert (part.pixels == noise(32, 48, 2)[4:10, 3:8]).all()


@pytest.mark.parametrize(("current", "layers"), [(False, ()), (True, ("glowing",))])
def test_composed_layers_say_what_they_lack(current: bool, layers: tuple[str, ...]) -> None:
    seen = shown(odd(current=current), layers=layers)
    assert (seen.pixels[:8, :9, 3] == noise(8, 9, 1)[..., 3]).all()
    assert seen.notes == ("a.psd: glowing: Outer Glow",)


def test_notes_are_collected_once_and_reach_the_result() -> None:
    named = NamedImages()
    for _ in range(2):
        named.see(shown(odd(current=False)))
    assert named.notes == ["a.psd: glowing: Outer Glow"]


def test_a_region_beyond_the_canvas_is_composed() -> None:
    document = read_document(REFERENCES / "groups-u8.kra")
    seen = shown(document, Bounds(-5, -5, 20, 20))
    assert not seen.pixels[:5].any()
    assert (seen.pixels[5:, 5:] == shown(document, Bounds(0, 0, 15, 15)).pixels).all()


def test_a_document_of_its_own_is_the_same_either_way(tmp_path: Path) -> None:
    write_document(sample(), tmp_path / "own.psd")
    document = read_document(tmp_path / "own.psd")
    merged = shown(document).pixels.astype(int)
    layers = shown(replace(document, merged_is_current=False)).pixels.astype(int)
    assert (document.extent, everything(document)) == (sample().extent, everything(sample()))
    premultiplied = [one[..., :3] * one[..., 3:] / 255 for one in (merged, layers)]
    assert np.abs(premultiplied[0] - premultiplied[1]).max() <= 2.0


@pytest.mark.parametrize("name", ["groups-u8.psd", "masks-u16.psd", "groups-u8.kra", "groups-u8.ora"])
def test_chosen_layers_of_a_document_that_is_understood_are_silent(name: str) -> None:
    document = read_document(REFERENCES / name)
    key = next(key for key, layer in document.walk() if isinstance(layer, PixelLayer))
    assert shown(document, layers=(key,)).notes == ()


def test_layers_that_make_another_picture_than_the_saved_one_say_so() -> None:
    """As a file does whose working space nobody wrote down: nothing in it is known to be drawn otherwise."""
    document = read_document(REFERENCES / "groups-u8.psd")
    key = next(key for key, layer in document.walk() if isinstance(layer, PixelLayer))
    pixels = shown(document).pixels.copy()
    pixels[: pixels.shape[0] // 2, ..., :3] //= 2
    odd = replace(document, merged=Memory.at(0, 0, pixels))
    assert shown(odd, layers=(key,)).notes == (f"groups-u8.psd: {UNLIKE}",)
    assert shown(odd).notes == ()


def test_a_merged_picture_that_another_program_saved_says_where_it_is_not_that_of_the_layers(tmp_path: Path) -> None:
    """As Aspose.PSD leaves one of its own, signed as Photoshop signs."""
    path = tmp_path / "edited.psd"
    with (REFERENCES.parent / "documents" / "invert.psd").open("rb") as stream:
        document = PSD.read(stream)
    signed = VersionInfo(1, True, "Adobe Photoshop", "Adobe Photoshop CC", 1)
    for packet, notes in ((b"", (FOREIGN,)), (XMP, (FOREIGN,)), (XMP.replace(b"<?", b" " * 2000 + b"<?"), ())):
        document.image_resources = ImageResources(
            [
                (Resource.VERSION_INFO, ImageResource(key=Resource.VERSION_INFO, data=signed.tobytes())),
                (Resource.XMP_METADATA, ImageResource(key=Resource.XMP_METADATA, data=packet)),
            ]
        )
        with path.open("wb") as stream:
            document.write(stream)
        seen = shown(read_document(path))
        assert not seen.pixels[..., :3].any()  # the merged picture all the same
        assert seen.notes == tuple(f"edited.psd: {note}" for note in notes)


def test_layers_beside_a_broken_picture_are_shown_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "odd.ora"
    path.write_bytes((REFERENCES / "groups-u8.ora").read_bytes())
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("mergedimage.png", b"none")  # the last of a name counts
    document = read_document(path)
    key = next(key for key, layer in document.walk() if isinstance(layer, PixelLayer))
    assert shown(document, layers=(key,)).notes == ()
    with pytest.raises(FileError, match="mergedimage"):
        shown(document)
