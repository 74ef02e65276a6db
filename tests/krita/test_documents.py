"""Documents that Acetate writes, opened in the real Krita."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from acetate.protocol.geometry import Bounds, Extent
from acetate_engine.documents.edit import insert_layers
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.kra import BLENDS as KRITA_NAMES
from acetate_engine.documents.psd_blends import BLENDS
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.tree import Blend, Group, Layer, LayeredDocument, LayerMask, Memory, PixelLayer, cropped
from acetate_engine.documents.writer import write_document
from tests.engine.documents.pictures import REFERENCES, noise, off
from tests.krita.harness.opening import opened_in_krita
from tests.krita.harness.process import KritaProcess
from tests.references.psd.make import gradient

# What Krita calls the modes; two names of one mode: the one that its PSD filter gives
NAMES = {blend: name for name, blend in reversed(KRITA_NAMES.items())} | {Blend.ADD: "linear_dodge"}
MODES = [blend for blend in BLENDS.values() if blend is not Blend.PASS_THROUGH]
SIDE = 24


def painted(height: int, width: int, seed: int, depth: int, *, alpha: bool = True) -> np.ndarray:
    kind = np.uint8 if depth == 8 else np.uint16
    return (gradient(height, width, seed, alpha) * np.iinfo(kind).max + 0.5).astype(kind)


def every_blend_mode(depth: int) -> LayeredDocument:
    ground = PixelLayer(
        "Untergrund äß 背景", source=Memory.at(0, 0, painted(5 * SIDE, 6 * SIDE, 1, depth, alpha=False))
    )
    tiles: list[Layer] = []
    for index, blend in enumerate(MODES):
        y, x = divmod(index, 6)
        source = cropped(x * SIDE, y * SIDE, painted(SIDE, SIDE, index + 2, depth))
        tiles.append(PixelLayer(f"mode {blend.value}", opacity=(255 - index) / 255, blend=blend, source=source))
    return LayeredDocument(Extent(6 * SIDE, 5 * SIDE), (ground, *tiles), depth)


@pytest.mark.parametrize("depth", [8, 16])
def test_layers_names_positions_and_blend_modes(krita: KritaProcess, depth: int, tmp_path: Path) -> None:
    document = every_blend_mode(depth)
    write_document(document, tmp_path / "ours.psd")
    layers, shown = opened_in_krita(krita, tmp_path / "ours.psd")
    assert [layer["name"].rstrip("\0") for layer in layers] == [layer.name for layer in document.layers]
    for seen, layer in zip(layers, document.layers, strict=True):
        assert isinstance(layer, PixelLayer)
        bounds = layer.bounds
        assert seen["bounds"] == [bounds.x, bounds.y, bounds.width, bounds.height]
        assert (seen["blending"], seen["opacity"]) == (NAMES[layer.blend], round(layer.opacity * 255))
    difference = off(shown, flatten(document.layers, Bounds.of(document.extent), depth=depth))
    assert difference.max() <= (2.0 if depth == 8 else 0.2)


def test_groups_and_masks(krita: KritaProcess, tmp_path: Path) -> None:
    """Krita 5.1.5 drops the opacity of groups when it reads a PSD: they are opaque here."""
    coverage = np.full((20, 30), 140, np.uint8)
    masked = PixelLayer(
        "masked", source=Memory.at(8, 8, painted(40, 40, 3, 8)), masks=(LayerMask(Memory.at(12, 10, coverage)),)
    )
    inside = PixelLayer("inside", source=cropped(30, 20, painted(40, 40, 4, 8)))
    document = LayeredDocument(
        Extent(80, 70),
        (
            PixelLayer("ground", source=Memory.at(0, 0, painted(70, 80, 2, 8, alpha=False))),
            masked,
            Group("組", blend=Blend.MULTIPLY, layers=(inside,)),
            Group(
                "through", blend=Blend.PASS_THROUGH, layers=(PixelLayer("hidden", visible=False, source=inside.source),)
            ),
        ),
    )
    write_document(document, tmp_path / "ours.psd")
    layers, shown = opened_in_krita(krita, tmp_path / "ours.psd")
    found = [(layer["name"].rstrip("\0"), layer["type"], layer["parent"].rstrip("\0")) for layer in layers]
    assert found == [
        ("ground", "paintlayer", "root"),
        ("masked", "paintlayer", "root"),
        ("Transparency Mask", "transparencymask", "masked"),
        ("組", "grouplayer", "root"),
        ("inside", "paintlayer", "組"),
        ("through", "grouplayer", "root"),
        ("hidden", "paintlayer", "through"),
    ]
    assert off(shown, flatten(document.layers, Bounds.of(document.extent))).max() <= 2.0


@pytest.mark.parametrize("name", ["groups-u8.psd", "masks-u16.psd"])
def test_a_document_of_krita_with_a_new_layer(krita: KritaProcess, name: str, tmp_path: Path) -> None:
    before, _ = opened_in_krita(krita, REFERENCES / name)
    krita.run("close_documents()")
    new = PixelLayer("made ☃", source=cropped(10, 12, noise(20, 30, 3)))
    insert_layers(REFERENCES / name, tmp_path / "out.psd", [new], above="ground")
    after, _ = opened_in_krita(krita, tmp_path / "out.psd")
    made = [layer for layer in after if layer["name"].rstrip("\0") == "made ☃"]
    assert [layer["bounds"] for layer in made] == [[10, 12, 30, 20]]
    for layer in (*before, *after):
        del layer["id"], layer["index"]
    assert [layer for layer in after if layer not in made] == before


def test_openraster(krita: KritaProcess, tmp_path: Path) -> None:
    layers = (
        PixelLayer("photo", source=Memory.at(0, 0, painted(50, 60, 2, 8, alpha=False))),
        PixelLayer("one ☃", opacity=0.5, source=cropped(5, 6, painted(30, 30, 3, 8))),
        Group(
            "group", blend=Blend.MULTIPLY, layers=(PixelLayer("two", source=cropped(20, 10, painted(30, 30, 4, 8))),)
        ),
    )
    document = LayeredDocument(Extent(60, 50), layers)
    write_document(document, tmp_path / "ours.ora")
    seen, shown = opened_in_krita(krita, tmp_path / "ours.ora")
    assert [layer["name"] for layer in seen] == ["photo", "one ☃", "group", "two"]
    assert off(shown, flatten(layers, Bounds.of(document.extent))).max() <= 2.0
    assert read_document(tmp_path / "ours.ora").extent == document.extent
