"""What an inserted layer leaves as it was: everything, to the byte."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psd_tools import PSDImage
from psd_tools.constants import Tag

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Bounds
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.in_srgb import in_srgb
from acetate_engine.documents.psd_edit import insert_layers
from acetate_engine.documents.psd_file import Span, open_psd
from acetate_engine.documents.psd_read import document_of
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.tree import Group, Layer, Memory, PixelLayer, cropped
from acetate_engine.documents.writer import write_document
from tests.engine.documents.pictures import PSDS, REFERENCES, everything, noise, off, sample

NEW = PixelLayer("neu ☃", source=Memory.at(6, 9, noise(11, 13, 9)))


def parts(path: Path) -> list[tuple[bytes, bytes]]:
    """Record and channel data of every entry of the layer list."""
    data, file = path.read_bytes(), open_psd(path)
    cut = lambda span: data[span.start : span.end]  # noqa: E731
    return [(cut(entry.raw), cut(entry.pixels)) for entry in file.section.records]


def outside(path: Path) -> tuple[bytes, bytes]:
    """Header, colour mode data and resources; what follows the layer list in its section."""
    data, file = path.read_bytes(), open_psd(path)
    wide = 8 if file.is_large else 4
    after = Span(-(-file.section.body.end // 2) * 2, file.layer_and_mask.end)
    return data[: file.layer_and_mask.start - wide], data[after.start : after.end]


@pytest.mark.parametrize("path", PSDS, ids=lambda path: path.name)
@pytest.mark.parametrize("top", [False, True])
def test_everything_else_stays(path: Path, top: bool, tmp_path: Path) -> None:
    names = [key for key, _ in read_document(path).walk()]
    insert_layers(path, tmp_path / "out.psd", [NEW], above=names[0] if top else names[-1])
    before, after = parts(path), parts(tmp_path / "out.psd")
    fresh = [part for part in after if part not in before]
    assert len(fresh) == 1
    assert [part for part in after if part in before] == before
    assert outside(tmp_path / "out.psd")[0] == outside(path)[0]
    assert outside(tmp_path / "out.psd")[1].lstrip(b"\0") == outside(path)[1].lstrip(b"\0")


@pytest.mark.parametrize("path", PSDS, ids=lambda path: path.name)
def test_psd_tools_reads_it(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.psd"
    insert_layers(path, out, [Group("made", layers=(NEW,))])
    group = PSDImage.open(out)[-1]
    assert (group.name, group[0].name, group[0].bbox) == ("made", "neu ☃", (6, 9, 19, 20))


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("suffix", [".psd", ".psb"])
def test_pixels_come_back(depth: int, suffix: str, tmp_path: Path) -> None:
    document, path, out = sample(depth), tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    write_document(document, path)
    insert_layers(path, out, [NEW], above="Grund äß")
    read = read_document(out)
    layer = read.layers[1]
    assert isinstance(layer, PixelLayer)
    assert layer.bounds == NEW.bounds
    expected = NEW.source.read(NEW.bounds).astype(np.uint16) * (1 if depth == 8 else 257)
    assert (layer.source.read(layer.bounds) == expected).all()


@pytest.mark.parametrize("depth", [8, 16])
def test_the_preview_shows_the_new_layer(depth: int, tmp_path: Path) -> None:
    write_document(sample(depth), tmp_path / "in.psd")
    insert_layers(tmp_path / "in.psd", tmp_path / "out.psd", [NEW], above="組 ☃")
    document = read_document(tmp_path / "out.psd")
    assert document.merged is not None
    shown = flatten(document.layers, everything(document), depth=depth)
    assert off(shown, document.merged.read(everything(document))).max() <= 1.0


def test_a_layer_goes_above_what_is_clipped_to_its_anchor(tmp_path: Path) -> None:
    write_document(sample(), tmp_path / "in.psd")
    insert_layers(tmp_path / "in.psd", tmp_path / "out.psd", [NEW], above="base")
    names = [layer.name for layer in read_document(tmp_path / "out.psd").layers]
    assert names == ["Grund äß", "base", "clipped", "neu ☃", "組 ☃"]


def test_a_layer_below_a_clipped_one_goes_below_its_base(tmp_path: Path) -> None:
    write_document(sample(), tmp_path / "in.psd")
    insert_layers(tmp_path / "in.psd", tmp_path / "out.psd", [NEW], below="clipped")
    names = [layer.name for layer in read_document(tmp_path / "out.psd").layers]
    assert names == ["Grund äß", "neu ☃", "base", "clipped", "組 ☃"]


def test_a_layer_goes_into_the_group_of_its_anchor(tmp_path: Path) -> None:
    write_document(sample(), tmp_path / "in.psd")
    insert_layers(tmp_path / "in.psd", tmp_path / "out.psd", [NEW], above="組 ☃/outside")
    group = read_document(tmp_path / "out.psd").layers[-1]
    assert isinstance(group, Group)
    assert [layer.name for layer in group.layers] == ["outside", "neu ☃", ""]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("depth", [8, 16, 32])
def test_a_flat_document_gets_a_background_layer(mode: str, depth: int, tmp_path: Path) -> None:
    if mode == "CMYK" and depth == 32:
        pytest.skip("Photoshop has no such documents")
    PSDImage.new(mode, (40, 30), color=0.5, depth=depth).save(tmp_path / "in.psd")
    before = read_document(tmp_path / "in.psd")
    ground = flatten(before.layers, everything(before), depth=before.depth)
    insert_layers(tmp_path / "in.psd", tmp_path / "out.psd", [NEW])
    after = read_document(tmp_path / "out.psd")
    assert [layer.name for layer in after.layers] == ["Background", "neu ☃"]
    assert off(ground, flatten(after.layers[:1], everything(after), depth=after.depth)).max() <= 1.0
    assert after.merged is not None
    shown = flatten(after.layers, everything(after), depth=after.depth)
    assert off(shown, in_srgb(after.merged, everything(after), after.depth)).max() <= 2.0


def test_unknown_and_doubtful_anchors_are_named(tmp_path: Path) -> None:
    write_document(sample(), tmp_path / "in.psd")
    with pytest.raises(FileError, match=r"no layer 'nowhere'.*'base'"):
        insert_layers(tmp_path / "in.psd", tmp_path / "out.psd", [NEW], above="nowhere")


@pytest.mark.parametrize("taken", [2**32 - 1, 2**31 - 1, 1])
def test_ids_are_new_whatever_the_others_are(taken: int, tmp_path: Path) -> None:
    """A four-byte number: there is nothing above the largest one."""
    path, out = tmp_path / "in.psd", tmp_path / "out.psd"
    write_document(sample(), path)
    data = bytearray(path.read_bytes())
    first = data.index(b"8BIMlyid") + 12
    data[first : first + 4] = struct.pack(">I", taken)
    path.write_bytes(data)
    insert_layers(path, out, [NEW, NEW])
    blocks = [entry.record.tagged_blocks for entry in open_psd(out).section.records]
    ids = [block.get_data(Tag.LAYER_ID) for block in blocks if Tag.LAYER_ID in block]
    assert taken in ids and len({*ids}) == len(ids)


def test_the_document_itself_is_never_overwritten(tmp_path: Path) -> None:
    write_document(sample(), tmp_path / "in.psd")
    with pytest.raises(FileError, match="the document itself"):
        insert_layers(tmp_path / "in.psd", tmp_path / "in.psd", [NEW])


@settings(max_examples=40, deadline=None)
@given(
    names=st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=30), min_size=1, max_size=3),
    x=st.integers(-60, 60),
    y=st.integers(-60, 60),
    width=st.integers(1, 70),
    height=st.integers(1, 50),
)
def test_any_layer_survives(
    names: list[str], x: int, y: int, width: int, height: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("psd")
    write_document(sample(), folder / "in.psd")
    new: list[Layer] = [PixelLayer(name, source=cropped(x, y, noise(height, width, i))) for i, name in enumerate(names)]
    insert_layers(folder / "in.psd", folder / "out.psd", new)
    read = read_document(folder / "out.psd").layers[-len(names) :]
    for expected, layer in zip(new, read, strict=True):
        assert isinstance(layer, PixelLayer)
        assert isinstance(expected, PixelLayer)
        assert layer.name == expected.name.rstrip("\0")
        assert layer.bounds == expected.bounds
        if not layer.bounds.is_empty:
            assert (layer.source.read(layer.bounds) == expected.source.read(expected.bounds)).all()


def test_a_corner_of_a_large_document_is_cheap(tmp_path: Path) -> None:
    """Layers far larger than what is asked for are read in the rows that matter."""
    write_document(sample(), tmp_path / "in.psb")
    layer = read_document(tmp_path / "in.psb").layers[0]
    assert isinstance(layer, PixelLayer)
    part = layer.source.read(Bounds(40, 30, 3, 2))
    assert (part == sample().layers[0].source.read(Bounds(40, 30, 3, 2))).all()  # type: ignore[attr-defined]


def test_a_layer_list_without_its_merged_picture_keeps_the_space_that_the_picture_showed(tmp_path: Path) -> None:
    source = REFERENCES.parent / "documents" / "text-adobe-rgb.psd"
    whole = open_psd(source)
    short = tmp_path / "short.psd"
    short.write_bytes(source.read_bytes()[: whole.image.start])
    space = document_of(whole).space
    known, unknown = document_of(open_psd(short), space), document_of(open_psd(short))
    grey = np.full((1, 1, 3), 0.5, np.float32)
    assert known.space.light(grey)[0, 0, 0] == space.light(grey)[0, 0, 0] == pytest.approx(0.5**2.2, abs=1e-3)
    assert unknown.space.light(grey)[0, 0, 0] == pytest.approx(0.214, abs=1e-3)
