"""OpenRaster as its programs write it: what each means where it leaves the specification."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from acetate_engine.documents.edit import insert_layers
from acetate_engine.documents.flatten import flatten
from acetate_engine.documents.reader import read_document
from acetate_engine.documents.tree import Blend, Clip, Group, Memory, PixelLayer
from acetate_engine.documents.writer import write_document
from tests.engine.documents.pictures import everything

RED, BLUE, HALF = (255, 0, 0, 255), (0, 0, 255, 255), (0, 255, 0, 128)
DRAWPILE = 'xmlns:drawpile="http://drawpile.net/" xmlns:mypaint="http://mypaint.org/ns/openraster"'


def png(*row: tuple[int, int, int, int]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.array([row], np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def ora(folder: Path, stack: str, attributes: str = "", **pictures: bytes) -> Path:
    """A canvas of two pixels beside each other."""
    path = folder / "painting.ora"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", "image/openraster")
        file.writestr("stack.xml", f'<image w="2" h="1" {attributes}>{stack}</image>')
        for name, data in pictures.items():
            file.writestr(f"data/{name}.png", data)
    return path


def row(path: Path) -> list[list[int]]:
    document = read_document(path)
    pixels: list[list[int]] = flatten(document.layers, everything(document))[0].tolist()
    return pixels


def test_a_group_of_drawpile_is_isolated_where_it_says_so(tmp_path: Path) -> None:
    group = '<stack name="g" {}><layer src="data/a.png" composite-op="svg:multiply"/></stack>'
    layers = '<stack>{}<layer src="data/b.png" x="0" y="0"/></stack>'
    through = ora(tmp_path, layers.format(group.format("")), DRAWPILE, a=png(RED, RED), b=png(BLUE, BLUE))
    assert row(through) == [[0, 0, 0, 255]] * 2
    isolated = group.format('isolation="isolate"')
    assert row(ora(tmp_path, layers.format(isolated), DRAWPILE, a=png(RED, RED), b=png(BLUE, BLUE)))[0] == list(RED)
    assert row(ora(tmp_path, layers.format(group.format("")), a=png(RED, RED), b=png(BLUE, BLUE)))[0] == list(RED)


def test_what_drawpile_censors_is_said_and_its_modes_keep_to_what_lies_below(tmp_path: Path) -> None:
    stack = '<stack><layer name="secret" src="data/a.png" drawpile:censored="true" alpha-preserve="true"/></stack>'
    document = read_document(ora(tmp_path, stack, DRAWPILE, a=png(RED, RED)))
    assert document.notes() == ("secret: censored",)
    assert document.layers[0].clip is Clip.BELOW


def test_pinta_hides_by_opacity_writes_commas_and_no_places(tmp_path: Path) -> None:
    stack = """<stack opacity="1" name="root"><layer opacity="0" name="hidden" src="data/a.png"/>
        <layer opacity="0,50" name="half" composite-op="svg:src-over" src="data/a.png"/>
        <layer opacity="1,00" name="ground" src="data/b.png"/></stack>"""
    assert row(ora(tmp_path, stack, a=png(RED, RED), b=png(BLUE, BLUE))) == [[128, 0, 127, 255]] * 2


def test_layers_in_groups_of_gimp_lie_on_the_canvas(tmp_path: Path) -> None:
    stack = '<stack><stack name="g" opacity="1.0"><layer src="data/000-000.png" x="1" y="0"/></stack></stack>'
    assert row(ora(tmp_path, stack, **{"000-000": png(RED)})) == [[0, 0, 0, 0], list(RED)]


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("svg:dst-out", [[0, 0, 255, 127], [0, 0, 255, 255]]),
        ("svg:dst-in", [[0, 0, 255, 128], [0, 0, 0, 0]]),
        ("svg:dst-atop", [[0, 0, 255, 128], [0, 0, 0, 0]]),
        ("svg:xor", [[0, 0, 255, 127], [0, 0, 255, 255]]),
        ("krita:erase", [[0, 0, 255, 127], [0, 0, 255, 255]]),
    ],
)
def test_porter_and_duff_of_mypaint_pinta_and_krita(op: str, expected: list[list[int]], tmp_path: Path) -> None:
    stack = f'<stack><layer src="data/a.png" composite-op="{op}"/><layer src="data/b.png"/></stack>'
    path = ora(tmp_path, stack, a=png(HALF), b=png(BLUE, BLUE))
    assert row(path) == expected
    assert read_document(path).notes() == ()


def test_the_background_and_the_open_groups_of_mypaint(tmp_path: Path) -> None:
    stack = """<stack><stack isolation="auto" name="g" composite-op="svg:src-over" opacity="1.0">
        <layer src="data/a.png" composite-op="svg:multiply" x="0" y="0" selected="true"/></stack>
        <layer mypaint:background-tile="data/tile.png" src="data/b.png" x="0" y="0" edit-locked="true"/></stack>"""
    names = 'xmlns:mypaint="http://mypaint.org/ns/openraster"'
    path = ora(tmp_path, stack, names, a=png(RED, RED), b=png(BLUE, BLUE), tile=png(BLUE))
    assert row(path) == [[0, 0, 0, 255]] * 2
    assert read_document(path).layers[1].blend is Blend.PASS_THROUGH


@pytest.mark.parametrize("side", ["above", "below"])
def test_a_layer_comes_to_its_place_in_a_group_that_is_moved(side: str, tmp_path: Path) -> None:
    inner = '<stack x="-2" name="inner"><layer name="deep" src="data/a.png" x="0" y="1"/></stack>'
    path = ora(tmp_path, f'<stack><stack x="3" y="-1" name="outer">{inner}</stack></stack>', a=png(RED))
    new = PixelLayer("new", source=Memory.at(0, 0, np.array([[BLUE]], np.uint8)))
    insert_layers(path, tmp_path / "out.ora", [new], **{side: "outer/inner/deep"})
    read = read_document(tmp_path / "out.ora")
    layer, inside = read.find("outer/inner/new"), read.find("outer/inner")
    assert isinstance(layer, PixelLayer)
    assert isinstance(inside, Group)
    assert [one.name for one in inside.layers] == (["deep", "new"] if side == "above" else ["new", "deep"])
    assert layer.bounds == new.bounds
    assert row(tmp_path / "out.ora") == [list(BLUE), list(RED)]


@pytest.mark.parametrize("place", ["data\\a.png", "/data/a.png", "./data/a.png"])
def test_pictures_are_found_however_their_place_is_written(place: str, tmp_path: Path) -> None:
    path = ora(tmp_path, f'<stack><layer src="{place}"/></stack>', a=png(RED, BLUE))
    assert row(path) == [list(RED), list(BLUE)]
    assert read_document(path).notes() == ()


def test_the_namespace_of_the_schema_changes_nothing(tmp_path: Path) -> None:
    schema = 'xmlns="http://www.freedesktop.org/standards/openraster"'
    path = ora(tmp_path, '<stack><layer visibility="Hidden" src="data/a.png"/></stack>', schema, a=png(RED, BLUE))
    insert_layers(
        path, path.with_name("out.ora"), [PixelLayer("new", source=Memory.at(0, 0, np.full((1, 2, 4), 9, "u1")))]
    )
    assert not read_document(path).layers[0].visible
    assert [layer.name for layer in read_document(path.with_name("out.ora")).layers] == ["", "new"]


@pytest.mark.parametrize("value", ["nan", "-inf", "50%", ""])
def test_a_number_that_is_none_is_noted_at_its_layer(value: str, tmp_path: Path) -> None:
    stack = f'<stack><layer name="odd" x="{value}" opacity="{value}" src="data/a.png"/></stack>'
    path = ora(tmp_path, stack, a=png(RED, BLUE))
    assert row(path) == [list(RED), list(BLUE)]
    assert read_document(path).notes() == (f"odd: opacity {value!r}", f"odd: x {value!r}")


def test_what_is_neither_group_nor_layer_is_noted_at_the_layer_below(tmp_path: Path) -> None:
    stack = '<stack><filter name="Soft"/><text visibility="hidden"/><layer name="low" src="data/a.png"/></stack>'
    assert read_document(ora(tmp_path, stack, a=png(RED, BLUE))).notes() == ("low: the filter 'Soft' above it",)


def test_equal_pictures_make_equal_files_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = read_document(ora(tmp_path, '<stack><layer src="data/a.png"/></stack>', a=png(RED, BLUE)))
    write_document(document, tmp_path / "first.ora")
    monkeypatch.setattr("time.localtime", lambda _: (2031, 2, 3, 4, 5, 6, 0, 34, 0))
    write_document(document, tmp_path / "later.ora")
    assert (tmp_path / "first.ora").read_bytes() == (tmp_path / "later.ora").read_bytes()
