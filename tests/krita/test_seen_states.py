"""What is read is what Krita's own canvas shows, in states of layers and masks that are rare: every layer of each scene
alone, with what lies below it, and what lies below it alone.
"""

from __future__ import annotations

import re
import time
import zipfile
from pathlib import Path

import pytest

from tests.krita.harness.painter import Painter
from tests.krita.harness.rich import _STYLE as OVERLAY
from tests.krita.harness.seen import CODE, wrong
from tests.krita.harness.waiting import wait_until

TOOLS = """
from krita import InfoObject, Selection
everywhere = Selection(); everywhere.select(0, 0, 160, 120, 255)
soft = Selection(); soft.select(30, 20, 70, 60, 255); soft.feather(9)
def paint(name, colour, x, y, parent=None, above=None, side=60, mode='normal', is_clipped=False):
    add_paint_layer(name, x, y, side, side, bytes(colour), parent=parent, above=above)
    if mode != 'normal': node(name).setBlendingMode(mode)
    node(name).setInheritAlpha(is_clipped)
def put(made, parent=None, above=None):
    (node(parent) if parent else document().rootNode()).addChildNode(made, node(above) if above else None)
    document().waitForDone()
def group(name, parent=None, above=None, mode='normal', opacity=255, passes=False):
    put(document().createGroupLayer(name), parent, above)
    if mode != 'normal': node(name).setBlendingMode(mode)
    node(name).setOpacity(opacity); node(name).setPassThroughMode(passes)
colour = InfoObject(); colour.setProperty('color', '#3040d0')
paint('ground', (200, 120, 40, 255), 0, 0, side=120)
"""
SHADOW = """<asl><node type="Descriptor" name="" classId="null">
<node type="UnitFloat" key="Scl " unit="#Prc" value="100"/><node type="Boolean" key="masterFXSwitch" value="1"/>
<node type="Descriptor" key="DrSh" name="" classId="DrSh"><node type="Boolean" key="enab" value="1"/>
<node type="Enum" key="Md  " typeId="BlnM" value="Mltp"/><node type="UnitFloat" key="Opct" unit="#Prc" value="75"/>
<node type="Descriptor" key="Clr " name="" classId="RGBC"><node type="Double" key="Rd  " value="0"/>
<node type="Double" key="Grn " value="0"/><node type="Double" key="Bl  " value="0"/></node>
<node type="Boolean" key="uglg" value="0"/><node type="UnitFloat" key="lagl" unit="#Ang" value="120"/>
<node type="UnitFloat" key="Dstn" unit="#Pxl" value="9"/><node type="UnitFloat" key="Ckmt" unit="#Pxl" value="0"/>
<node type="UnitFloat" key="blur" unit="#Pxl" value="6"/><node type="UnitFloat" key="Nose" unit="#Prc" value="0"/>
</node></node></asl>"""
SCENES = {  # and the layers that get a transparency mask
    "groups that pass through": (
        """
group('masked', above='ground', passes=True)
paint('a', (120, 220, 120, 180), 10, 50, 'masked', mode='multiply')
paint('b', (20, 20, 220, 200), 40, 60, 'masked', 'a', is_clipped=True)
group('faint', above='masked', passes=True, opacity=120)
paint('c', (220, 20, 120, 255), 60, 10, 'faint', mode='screen')
paint('d', (220, 220, 20, 255), 70, 20, 'faint', 'c', is_clipped=True)
group('plain', above='faint', opacity=150)
group('within', 'plain', passes=True, mode='multiply')
paint('e', (20, 220, 220, 255), 80, 40, 'within', mode='multiply')
paint('f', (200, 60, 60, 160), 90, 50, 'plain', 'within')
paint('g', (60, 60, 60, 160), 20, 20, above='plain', is_clipped=True)
""",
        ("masked",),
    ),
    "fills and filters": (
        """
put(document().createFillLayer('fill', 'color', colour, soft), above='ground')
put(document().createFillLayer('masked fill', 'color', colour, everywhere), above='fill')
node('masked fill').setBlendingMode('overlay')
put(document().createFilterLayer('masked filter', app.filter('invert'), everywhere), above='masked fill')
node('masked filter').setOpacity(140)
group('plain', above='masked filter')
paint('a', (20, 200, 60, 200), 20, 20, 'plain')
put(document().createFilterLayer('in a group', app.filter('invert'), soft), 'plain', 'a')
group('through', above='plain', passes=True)
put(document().createFilterLayer('in one that passes', app.filter('invert'), soft), 'through')
paint('b', (200, 20, 60, 200), 60, 40, 'through', 'in one that passes')
""",
        ("masked fill", "masked filter"),
    ),
    "styles": (
        """
paint('styled', (20, 120, 240, 255), 30, 20, above='ground')
group('plain', above='styled'); paint('a', (220, 20, 40, 200), 50, 40, 'plain')
paint('clipped', (220, 220, 40, 200), 60, 50, 'plain', 'a', is_clipped=True)
group('through', above='plain', passes=True); paint('b', (20, 220, 40, 200), 80, 10, 'through', mode='multiply')
for name in ('styled', 'plain', 'b'): node(name).setLayerStyleFromAsl(shadow)
node('clipped').setLayerStyleFromAsl(overlay)
put(document().createCloneLayer('copy', node('styled')), above='through')
put(document().createCloneLayer('copy of a group', node('plain')), above='copy')
""",
        ("styled",),
    ),
    "blending modes": (
        """
last = 'ground'
for step, mode in enumerate(('erase', 'behind', 'copy', 'destination-in', 'destination-atop', 'greater', 'hue_hsl')):
    paint(mode, (40 + step * 17, 220 - step * 9, (step * 53) % 256, 170), 8 * step, 6 * step, above=last, mode=mode)
    last = mode
for mode in ('erase', 'behind', 'copy', 'destination-in', 'multiply'):
    group(f'group {mode}', above=last, mode=mode, opacity=190)
    paint(f'first {mode}', (200, 20, 90, 180), 30, 30, f'group {mode}')
    paint(f'then {mode}', (20, 200, 90, 140), 50, 45, f'group {mode}', f'first {mode}', mode=mode)
    last = f'group {mode}'
""",
        (),
    ),
}


@pytest.fixture
def scene(painter: Painter) -> Painter:
    painter.new_document(160, 120)
    painter.krita.run(TOOLS)
    return painter


@pytest.mark.parametrize("name", SCENES)
def test_rare_layers(scene: Painter, name: str) -> None:
    code, masked = SCENES[name]
    scene.krita.run(f"{TOOLS.rpartition('paint(')[0]}{code}{CODE}settle()", shadow=SHADOW, overlay=OVERLAY)
    for owner in masked:
        mask(scene, owner)
    assert wrong(scene) == []


def mask(scene: Painter, owner: str) -> None:
    """Of what is selected, which Krita's own action makes one of."""
    before = len(scene.layers())
    scene.activate(owner)
    scene.krita.run("select(40, 30, 60, 50); trigger('add_new_transparency_mask')")
    wait_until(lambda: len(scene.layers()) > before, f"a mask of {owner}")
    scene.krita.run("trigger('deselect'); turn_the_event_loop(200)")


SHIFT = """
for name in ('moved', 'plain'):
    put(document().createTransformMask('of ' + name), name)
document().setFullClipRangeEndTime(20)
"""
POINT = """
from acetate.krita.view import transform_of
shown, way = transform_of(document())
point = shown.mapToGlobal(way.map(QtCore.QPointF(x, y)).toPoint()); [point.x(), point.y()]
"""
KEYFRAMES = """
trigger('add_scalar_keyframes'); turn_the_event_loop(300)
document().setCurrentTime(10); document().waitForDone(); turn_the_event_loop(200)
trigger('add_scalar_keyframes'); turn_the_event_loop(300)
[node('of moved').animated(), document().currentTime()]
"""
AT_TIME = "document().setCurrentTime(time); document().waitForDone(); turn_the_event_loop(300)"
SHOWN = f"{CODE}digest(canvas())"


def transform(scene: Painter, name: str, way: tuple[int, int]) -> None:
    """With Krita's own tool: moved, and then turned by a drag beside the box."""
    before = scene.krita.run(SHOWN)
    scene.activate(name)
    scene.krita.run("trigger('KisToolTransform'); turn_the_event_loop(500)")
    (x, y), (left, top) = (scene.krita.run(POINT, x=x, y=y) for x, y in ((75, 60), (150, 20)))
    scene.hands.click_at(x, y)
    for start, end in (((x, y), (x + way[0], y + way[1])), ((left, top), (left - 40, top - 6))):
        time.sleep(0.5)
        scene.hands.drag(start, end)
    scene.hands.keys("Return")
    wait_until(lambda: scene.krita.run(SHOWN) != before, "another picture")
    scene.krita.run("trigger('KritaShape/KisToolBrush'); document().waitForDone(); turn_the_event_loop(500)")


def test_transform_masks_at_all_times(scene: Painter) -> None:
    code = "paint('moved', (90, 10, 160, 255), 50, 30, above='ground'); group('plain', above='moved'); "
    code += "paint('a', (20, 200, 60, 200), 60, 40, 'plain')"
    scene.krita.run(f"{TOOLS.rpartition('paint(')[0]}{code}{SHIFT}{CODE}settle()")
    for name, way in (("of moved", (30, 14)), ("of plain", (-20, 24))):
        transform(scene, name, way)
    assert wrong(scene) == []
    scene.activate("of moved")
    assert scene.krita.run(KEYFRAMES) == [True, 10]
    transform(scene, "of moved", (-50, 14))
    shown = {}
    for at in (10, 0, 5):
        scene.krita.run(AT_TIME, time=at)
        assert wrong(scene) == [], at
        shown[at] = scene.krita.run(SHOWN)
    assert len(set(shown.values())) == 3


FRAME = "trigger('add_blank_frame'); turn_the_event_loop(300)"
PAINTED = "node('moving').setPixelData(bytes(colour) * 1600, x, y, 40, 40); document().waitForDone()"
EXPORTED = """
export(path)
image = QtGui.QImage(path).convertToFormat(QtGui.QImage.Format.Format_ARGB32)
image.constBits().asstring(image.sizeInBytes()) == canvas()
"""


def test_onion_skins_are_read_where_they_are_shown(scene: Painter, tmp_path: Path) -> None:
    """Krita draws them into the layer itself: its own exports have them, too."""
    scene.krita.run(
        f"{TOOLS.rpartition('paint(')[0]}paint('moving', (90, 10, 160, 255), 50, 30, above='ground'); "
        "group('plain', above='moving'); paint('a', (20, 200, 60, 90), 60, 40, 'plain')"
    )
    scene.activate("moving")
    scene.krita.run("document().setFullClipRangeEndTime(20)")
    for at, colour, corner in ((0, (20, 20, 220, 255), (10, 10)), (10, (20, 220, 20, 255), (100, 60))):
        scene.krita.run(AT_TIME, time=at)
        scene.krita.run(FRAME)
        scene.krita.run(PAINTED, colour=colour, x=corner[0], y=corner[1])
    plain, path = tmp_path / "plain.kra", tmp_path / "with skins.kra"
    scene.krita.run("document().setBatchmode(True); document().saveAs(path)", path=str(plain))
    with zipfile.ZipFile(plain) as saved, zipfile.ZipFile(path, "w") as made:
        for name in saved.namelist():
            data = saved.read(name)
            if name == "maindoc.xml":
                layer = next(it for it in re.findall(rb"<layer [^>]*>", data) if b'name="moving"' in it)
                data = data.replace(layer, layer.replace(b'onionskin="0"', b'onionskin="1"'))
            made.writestr(name, data)
    shown = []
    for file in (plain, path):
        scene.krita.run("close_documents()")
        scene.krita.run("open_file(path); turn_the_event_loop(1000); document().waitForDone()", path=str(file))
        scene.krita.run(AT_TIME, time=10)
        shown.append(scene.krita.run(SHOWN))
        assert wrong(scene) == []
        assert scene.krita.run(f"{CODE}{EXPORTED}", path=str(tmp_path / "exported.png"))
    assert shown[0] != shown[1]


def test_a_colorize_mask_that_has_coloured(scene: Painter, tmp_path: Path) -> None:
    """Its strokes by a real pen; what it makes of them is put into the file, for Krita takes its time for that."""
    code = "group('plain', above='ground'); paint('lines', (10, 10, 10, 255), 20, 20, 'plain', side=9); "
    code += "paint('top', (60, 60, 200, 90), 5, 5, above='plain')"
    scene.krita.run(f"{TOOLS.rpartition('paint(')[0]}{code}{CODE}settle()")
    scene.activate("lines")
    scene.krita.run("trigger('add_new_colorize_mask'); document().waitForDone(); turn_the_event_loop(300)")
    scene.krita.run("next(it for it in walk() if it.type() == 'colorizemask').setName('mask')")
    scene.activate("mask")
    before = scene.krita.run(SHOWN)
    scene.stroke()
    wait_until(lambda: scene.krita.run(SHOWN) != before, "the stroke")
    assert wrong(scene) == []
    scene.krita.run(
        "document().waitForDone(); document().setBatchmode(True); document().saveAs(path)", path=str(tmp_path / "x.kra")
    )
    with zipfile.ZipFile(tmp_path / "x.kra") as file:
        parts = {name: file.read(name) for name in file.namelist()}
    (stroke,) = [data for name, data in parts.items() if name.endswith("/keystroke_0")]
    (coloured,) = [name for name in parts if name.endswith("/colorize-coloring")]
    (layer,) = [it for it in re.findall(r"<layer [^>]*>", parts["maindoc.xml"].decode()) if 'name="top"' in it]
    stored = re.findall(r'filename="(\w+)"', layer)[0]
    (painted,) = [parts[name] for name in parts if name.endswith(f"layers/{stored}")]
    assert len(stroke) > len(parts[coloured])
    parts[coloured] = painted
    xml, shown, seen = parts["maindoc.xml"], {}, {}
    for is_edited in (True, False):
        parts["maindoc.xml"] = xml if is_edited else xml.replace(b'edit-keystrokes="1"', b'edit-keystrokes="0"')
        path = tmp_path / f"edited {is_edited}.kra"
        with zipfile.ZipFile(path, "w") as made:
            for name, data in parts.items():
                made.writestr(name, data)
        scene.krita.run("close_documents()")
        scene.krita.run("open_file(path); turn_the_event_loop(1000); document().waitForDone()", path=str(path))
        shown[is_edited] = scene.krita.run(SHOWN)
        seen[is_edited] = wrong(scene)
    assert seen[False] == []
    assert "everything" not in seen[True]
    assert len({*shown.values(), before}) == 3


DISSOLVING = """
group('plain', above='ground'); paint('grain', (20, 200, 60, 120), 20, 20, 'plain', mode='dissolve')
paint('above', (200, 20, 60, 255), 60, 40, above='plain'); node('grain').setOpacity(120)
"""
REMARKS = """
from acetate.krita.host import KritaHost
from acetate.session.views import Show, View
views = [View(Show(show), tuple(node(name).uniqueId().toString() for name in names)) for show, names in given]
list(KritaHost().active_document().remarks(views))
"""


def test_grain_is_that_of_the_canvas_and_where_it_is_not_that_is_said(scene: Painter) -> None:
    scene.krita.run(f"{TOOLS.rpartition('paint(')[0]}{DISSOLVING}{CODE}settle()")
    assert scene.krita.run(f"{CODE}read(Show.EVERYTHING) == canvas()")
    for show, names, is_said in (
        *(("everything", [], False), ("below", ["above"], True), ("up_to", ["plain"], True), ("only", ["plain"], True)),
        *(("only", ["above"], False), ("below", ["grain"], False), ("only", ["ground"], False)),
    ):
        said = scene.krita.run(REMARKS, given=[[show, names]])
        assert [text for text in said if "Dissolve" in text] == said[:1] and bool(said) is is_said, (show, names)
    scene.krita.run("node('grain').setVisible(False)")
    assert scene.krita.run(REMARKS, given=[["below", ["above"]]]) == []
    scene.activate("above")
    scene.krita.run("trigger('add_new_colorize_mask'); document().waitForDone(); turn_the_event_loop(300)")
    assert "colorize mask" in scene.krita.run(REMARKS, given=[["only", ["above"]]])[0]
