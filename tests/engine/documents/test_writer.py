"""Written and read back, in every format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from acetate.protocol.errors import FileError
from acetate.protocol.geometry import Extent
from acetate_engine.documents.colour import srgb_profile
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.reader import is_psd, read_document
from acetate_engine.documents.tree import Blend, Group, Layer, LayeredDocument, Memory, PixelLayer
from acetate_engine.documents.writer import check_writable, write_document
from tests.engine.documents.pictures import everything, noise, off, sample

STACK = LayeredDocument(
    Extent(40, 30),
    (
        PixelLayer(
            "photo",
            source=Memory.at(0, 0, np.concatenate([noise(30, 40)[..., :3], np.full((30, 40, 1), 255, np.uint8)], -1)),
        ),
        *(
            PixelLayer(f"layer {i}", opacity=1.0 - i / 10, source=Memory.at(3 * i, 2 * i, noise(12, 15, i)))
            for i in range(1, 6)
        ),
    ),
)


def told(layer: Layer) -> tuple[object, ...]:
    inside = tuple(told(child) for child in layer.layers) if isinstance(layer, Group) else layer.bounds
    is_open = isinstance(layer, Group) and layer.open
    return (
        layer.name,
        layer.visible,
        round(layer.opacity, 2),
        layer.blend,
        layer.clip,
        len(layer.masks),
        is_open,
        inside,
    )


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("suffix", ["psd", "psb"])
def test_psd_keeps_everything(depth: int, suffix: str, tmp_path: Path) -> None:
    document, path = sample(depth), tmp_path / f"file.{suffix}"
    write_document(document, path)
    read = read_document(path)
    assert is_psd(path)
    assert (read.extent, read.depth) == (document.extent, depth)
    assert [told(layer) for layer in read.layers] == [told(layer) for layer in document.layers]
    before = flatten(document.layers, everything(document), depth=depth)
    after = flatten(read.layers, everything(read), depth=depth)
    rounding = 1.0 if depth == 8 else 0.0  # Photoshop's, by which a PSD is read, is not Krita's
    assert off(before, after).max() <= 0.5 + rounding, "opacity is stored in 255ths"


@pytest.mark.parametrize("name", ["file.psd", "file.psb", "file.ora"])
def test_a_stack_is_the_same_in_every_layered_format(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    write_document(STACK, path)
    read = read_document(path)
    assert [told(layer) for layer in read.layers] == [told(layer) for layer in STACK.layers]
    truth = flatten(STACK.layers, everything(STACK))
    assert off(truth, flatten(read.layers, everything(read))).max() <= 1.0
    assert read.merged is not None
    assert off(truth, read.merged.read(everything(read))).max() <= 1.0


@pytest.mark.parametrize("name", ["file.png", "file.webp"])
def test_flat_pictures_are_exact(name: str, tmp_path: Path) -> None:
    document = replace(STACK, layers=STACK.layers[1:])
    write_document(document, tmp_path / name)
    read = read_document(tmp_path / name)
    assert (flatten(read.layers, everything(read)) == flatten(document.layers, everything(document))).all()


def test_a_folder_of_pngs_stacks_up_to_the_same_picture(tmp_path: Path) -> None:
    write_document(STACK, tmp_path / "folder")
    names = sorted(path.name for path in (tmp_path / "folder").iterdir())
    assert names == ["01-photo.png", *(f"0{i + 1}-layer-{i}.png" for i in range(1, 6)), "merged.png"]
    layers = tuple(read_document(tmp_path / "folder" / name).layers[0] for name in names[:-1])
    merged = read_document(tmp_path / "folder" / "merged.png")
    assert off(flatten(merged.layers, everything(STACK)), flatten(layers, everything(STACK))).max() <= 2.0


@pytest.mark.parametrize(("mode", "value"), [("RGB", (10, 200, 30)), ("L", 77)])
def test_untagged_and_srgb_pictures_keep_their_values(mode: str, value: object, tmp_path: Path) -> None:
    for name, profile in (("plain.png", None), ("tagged.png", srgb_profile() if mode == "RGB" else None)):
        Image.new(mode, (4, 4), value).save(tmp_path / name, icc_profile=profile)
        read = read_document(tmp_path / name)
        assert flatten(read.layers, everything(read))[0, 0, :3].tolist() == list(np.broadcast_to(value, 3))


@pytest.mark.parametrize("name", ["file.ora", "folder"])
def test_what_a_format_cannot_hold_is_refused_and_nothing_is_left(name: str, tmp_path: Path) -> None:
    layer = replace(STACK.layers[1], blend=Blend.VIVID_LIGHT)
    with pytest.raises(FileError, match="layer 1"):
        write_document(replace(STACK, layers=(layer,)), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_unknown_suffixes_and_missing_folders_are_named_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"file\.bmp.*\.psd"):
        check_writable(tmp_path / "file.bmp")
    with pytest.raises(FileError, match="no folder"):
        check_writable(tmp_path / "missing" / "file.psd")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"8BPS", b"8BPS\x00\x01" + bytes(100), b"GIF89a", b"nonsense"])
def test_what_is_no_document_is_named(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "broken.psd").write_bytes(data)
    with pytest.raises(FileError, match=r"broken\.psd"):
        read_document(tmp_path / "broken.psd")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"gone\.png"):
        read_document(tmp_path / "gone.png")
