"""Layers into existing Krita and OpenRaster documents: all else stays, and the previews change where they must."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from acetate.protocol.errors import FileError
from acetate_engine.documents.archive import member_name
from acetate_engine.documents.edit import check_insertion, insert_layers
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.in_srgb import in_srgb
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.tree import Group, Memory, PixelLayer
from acetate_engine.documents.writer import write_document
from tests.engine.documents.pictures import REFERENCES, everything, noise, off, sample

NEW = PixelLayer("neu ☃ <&>", source=Memory.at(6, 9, noise(11, 13, 9)))
ARCHIVES = [path for path in sorted(REFERENCES.iterdir()) if path.suffix in (".kra", ".ora")]
LISTS = {"maindoc.xml", "stack.xml"}
PREVIEWS = {"mergedimage.png", "preview.png", "Thumbnails/thumbnail.png"}


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {member_name(info): file.read(info) for info in file.infolist()}


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
@pytest.mark.parametrize("place", ["top", "above", "below"])
def test_everything_else_stays(path: Path, place: str, tmp_path: Path) -> None:
    out = tmp_path / f"out{path.suffix}"
    names = [key for key, _ in read_document(path).walk()]
    where = {} if place == "top" else {place: names[-1]}
    insert_layers(path, out, [NEW], **where)
    before, after = members(path), members(out)
    changed = {name for name in before if after[name] != before[name]}
    assert changed <= LISTS | PREVIEWS
    assert list(before) == [name for name in after if name in before], "in the order in which they were"
    keys = [key for key, _ in read_document(out).walk()]
    index = keys.index(NEW.name)
    assert [key for key in keys if key != NEW.name] == names
    assert index == {"top": 0, "above": len(names) - 1, "below": len(names)}[place]


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_its_pixels_come_back_and_the_preview_shows_them(path: Path, tmp_path: Path) -> None:
    out = tmp_path / f"out{path.suffix}"
    old = read_document(path)
    insert_layers(path, out, [NEW])
    read = read_document(out)
    layer = read.find(NEW.name)
    assert isinstance(layer, PixelLayer)
    assert (in_srgb(layer.source, NEW.bounds, 8) == NEW.source.read(NEW.bounds)).all()
    assert read.merged is not None
    assert old.merged is not None
    shown = flatten(read.layers, everything(read), depth=read.depth)
    new, before = (in_srgb(one, everything(read), read.depth) for one in (read.merged, old.merged))
    assert off(shown, new)[9:20, 6:19].max() <= 3.0
    untouched = np.ones(new.shape[:2], bool)
    untouched[9:20, 6:19] = False
    assert (new[untouched] == before[untouched]).all()


@pytest.mark.parametrize("path", ARCHIVES[:4], ids=lambda path: path.name)
def test_a_group_comes_with_its_layers(path: Path, tmp_path: Path) -> None:
    out = tmp_path / f"out{path.suffix}"
    insert_layers(path, out, [Group("made", layers=(NEW, NEW), opacity=0.5)])
    made = read_document(out).layers[-1]
    assert isinstance(made, Group)
    assert (made.name, round(made.opacity, 1), [one.name for one in made.layers]) == ("made", 0.5, [NEW.name] * 2)


def test_an_empty_list_of_layers_gets_its_first(tmp_path: Path) -> None:
    path = tmp_path / "empty.ora"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", "image/openraster")
        file.writestr(
            "stack.xml", '<?xml version="1.0"?><image w="30" h="20"><!-- a > b --><stack name="a>b"/></image>'
        )
    insert_layers(path, tmp_path / "out.ora", [NEW])
    assert [layer.name for layer in read_document(tmp_path / "out.ora").layers] == [NEW.name]
    assert b"<!-- a > b -->" in members(tmp_path / "out.ora")["stack.xml"]


def test_names_without_the_utf8_bit_are_read_and_kept(tmp_path: Path) -> None:
    """As Krita writes those of a picture that is called "Unnamed" in another language."""
    path, folder = tmp_path / "in.kra", "無題 ä/"
    with zipfile.ZipFile(REFERENCES / "masks-u8.kra") as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            data = old.read(info).replace(b'name="test"', 'name="無題 ä"'.encode())
            new.writestr(info.filename.replace("test/", "x" * (len(folder.encode()) - 1) + "/"), data)
    placeholder = b"x" * (len(folder.encode()) - 1) + b"/"
    path.write_bytes(path.read_bytes().replace(placeholder, folder.encode()))
    read, same = read_document(path), read_document(REFERENCES / "masks-u8.kra")
    assert (flatten(read.layers, everything(read)) == flatten(same.layers, everything(same))).all()
    insert_layers(path, tmp_path / "out.kra", [NEW])
    assert read_document(tmp_path / "out.kra").layers[-1].name == NEW.name
    assert set(members(path)) <= set(members(tmp_path / "out.kra"))


def test_other_kinds_and_the_document_itself_are_refused(tmp_path: Path) -> None:
    path = REFERENCES / "masks-u8.kra"
    with pytest.raises(FileError, match=r"two kinds"):
        check_insertion(path, tmp_path / "out.psd")
    Image.new("RGB", (4, 4)).save(tmp_path / "flat.png")
    with pytest.raises(FileError, match=r"flat\.png is not PSD"):
        check_insertion(tmp_path / "flat.png", tmp_path / "out.psd")
    with pytest.raises(FileError, match=r"the document itself"):
        insert_layers(path, path, [NEW])
    with pytest.raises(FileError, match=r"masks-u8\.kra has no layer 'gone'"):
        insert_layers(path, tmp_path / "out.kra", [NEW], above="gone")


def test_errors_name_the_document_and_never_the_draft(tmp_path: Path) -> None:
    path = tmp_path / "mine.psd"
    write_document(sample(), path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FileError) as caught:
        insert_layers(path, tmp_path / ".draft-x81.psd", [NEW])
    assert "mine.psd" in caught.value.detail
    assert "draft" not in caught.value.detail


def test_one_odd_layer_is_noted_and_not_fatal(tmp_path: Path) -> None:
    path, stream = tmp_path / "odd.ora", io.BytesIO()
    Image.new("RGBA", (5, 4), (9, 8, 7, 255)).save(stream, "PNG")
    rows = '<layer name="fine" src="data/a.png"/><layer name="odd" src="data/gone.png" opacity="0,5"/>'
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(
            "stack.xml", f'<image w="5" h="4"><stack>{rows}<layer name="new" composite-op="x:y"/></stack></image>'
        )
        file.writestr("data/a.png", stream.getvalue())
    read = read_document(path)
    assert flatten(read.layers, everything(read))[0, 0].tolist() == [9, 8, 7, 255]
    assert read.find("odd").opacity == 0.5
    assert any("gone.png" in note for note in read.notes())


def test_all_pictures_of_a_document_share_one_budget(tmp_path: Path) -> None:
    """Two hundred PNGs of 11000² would be 97 GB of pixels."""
    path = tmp_path / "bomb.ora"
    stream = io.BytesIO()
    Image.new("1", (11000, 11000)).save(stream, "PNG")
    rows = "".join(f'<layer name="{i}" src="data/{i}.png"/>' for i in range(200))
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("stack.xml", f'<image w="11000" h="11000"><stack>{rows}</stack></image>')
        for i in range(200):
            file.writestr(f"data/{i}.png", stream.getvalue(), zipfile.ZIP_STORED)
    with pytest.raises(FileError, match=r"bomb\.ora have over"):
        read_document(path)
