"""What is read is what Krita's own canvas shows, of every kind of node and mask, wherever it lies."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from PIL import Image

from acetate.session.views import Show
from tests.krita.harness.painter import Painter
from tests.krita.harness.process import KritaError
from tests.krita.harness.waiting import wait_until

WIDTH, HEIGHT = 160, 120
READ = """
from acetate.krita.host import KritaHost
from acetate.protocol.geometry import Bounds
from acetate.session.views import Show, View
from acetate.picture import swap_red_blue
view = View(Show(show), tuple([node(name).uniqueId().toString() for name in names]))
snapshot = KritaHost().active_document().snapshot(view)
picture = snapshot.read(Bounds(0, 0, document().width(), document().height()))
snapshot.close()
digest(b''.join(swap_red_blue(strip) for strip in picture.strips))
"""
# What the canvas shows while these are hidden and those are shown; then all is as before.
TRUTH = """
before = {name: node(name).visible() for name in (*hidden, *shown)}
for name in before: node(name).setVisible(name in shown)
document().refreshProjection(); document().waitForDone()
image = document().projection(0, 0, document().width(), document().height())
found = digest(image.constBits().asstring(image.sizeInBytes()))
for name, was in before.items(): node(name).setVisible(was)
document().refreshProjection(); document().waitForDone()
found
"""
SCENE = """
from krita import Selection
everywhere = Selection(); everywhere.select(0, 0, 160, 120, 255)
soft = Selection(); soft.select(30, 20, 70, 60, 255); soft.feather(9)
def paint(name, colour, x, y, parent=None, above=None, side=60):
    add_paint_layer(name, x, y, side, side, bytes(colour), parent=parent, above=above)
paint('ground', (200, 120, 40, 255), 0, 0, side=120)
add_group('outer', above='ground'); paint('in outer', (40, 200, 90, 200), 20, 10, parent='outer')
inner = document().createGroupLayer('inner'); node('outer').addChildNode(inner, node('in outer'))
paint('deep', (30, 30, 220, 255), 50, 40, parent='inner')
paint('deeper', (220, 200, 30, 120), 70, 50, parent='inner', above='deep')
add_group('through', above='outer'); node('through').setPassThroughMode(True)
paint('shade', (120, 220, 120, 180), 10, 50, parent='through'); node('shade').setBlendingMode('multiply')
paint('masked', (10, 160, 240, 255), 30, 20, above='through')
node('masked').addChildNode(document().createFilterMask('inverted', app.filter('invert'), soft), None)
paint('moved', (90, 10, 160, 255), 80, 10, above='masked')
mask = document().createTransformMask('shift'); node('moved').addChildNode(mask, None)
copy = document().createCloneLayer('copy', node('inner')); document().rootNode().addChildNode(copy, node('moved'))
paint('top', (250, 250, 250, 90), 5, 5, above='copy')
node('inner').setOpacity(150); node('outer').setBlendingMode('screen'); node('in outer').setColorLabel(4)
node('deep').setColorLabel(2); node('inner').setColorLabel(1)
document().refreshProjection(); document().waitForDone(); turn_the_event_loop(200)
"""
# of a view: the layers, what is hidden for the truth, and what is shown though it was hidden
ALL = ("ground", "outer", "through", "masked", "moved", "copy", "top", "Background")
VIEWS = {
    "everything": (Show.EVERYTHING, (), (), ()),
    "below the copy": (Show.BELOW, ("copy",), ("copy", "top"), ()),
    "below one in a group of a group": (
        Show.BELOW,
        ("deeper",),
        ("deeper", "through", "masked", "moved", "copy", "top"),
        (),
    ),
    "up to a group that passes through": (Show.UP_TO, ("through",), ("masked", "moved", "copy", "top"), ()),
    "a layer with a filter mask": (Show.ONLY, ("masked",), tuple(it for it in ALL if it != "masked"), ()),
    "a layer with a transform mask": (Show.ONLY, ("moved",), tuple(it for it in ALL if it != "moved"), ()),
    "a copy of a group": (Show.ONLY, ("copy",), tuple(it for it in ALL if it != "copy"), ()),
    "a group that passes through": (Show.ONLY, ("through",), tuple(it for it in ALL if it != "through"), ()),
    "a tagged group": (Show.ONLY, ("inner",), ("in outer", *(it for it in ALL if it != "outer")), ()),
    "below what lies in a group that passes through": (
        Show.BELOW,
        ("shade",),
        ("shade", "masked", "moved", "copy", "top"),
        (),
    ),
}


@pytest.fixture
def scene(painter: Painter) -> Painter:
    painter.new_document(WIDTH, HEIGHT)
    painter.krita.run(SCENE)
    return painter


def wrong(
    painter: Painter, views: dict[str, tuple[Show, tuple[str, ...], tuple[str, ...], tuple[str, ...]]]
) -> list[str]:
    """Names of those that are not read as the canvas shows them."""
    return [
        name
        for name, (show, names, hidden, shown) in views.items()
        if painter.krita.run(READ, show=show.value, names=names) != painter.krita.run(TRUTH, hidden=hidden, shown=shown)
    ]


def test_every_kind_of_layer_and_mask(scene: Painter) -> None:
    assert wrong(scene, VIEWS) == []


def test_what_lies_in_hidden_groups(scene: Painter) -> None:
    """It is seen where it was chosen, and does not count where the canvas does not show it."""
    scene.krita.run("node('outer').setVisible(False); node('deep').setVisible(False)")
    scene.krita.run("document().refreshProjection(); document().waitForDone()")
    others = tuple(it for it in ALL if it != "outer")
    views = {
        "below the top": (Show.BELOW, ("top",), ("top",), ()),
        "chosen": (Show.ONLY, ("deep",), ("deeper", "in outer", *others), ("outer", "inner", "deep")),
        "the group": (Show.ONLY, ("outer",), others, ("outer",)),
    }
    assert wrong(scene, views) == []


@pytest.mark.parametrize(
    ("active", "action"),
    [("deep", "isolate_active_layer"), ("shade", "isolate_active_group"), ("in outer", "isolate_active_layer")],
)
def test_isolated_within_groups(scene: Painter, active: str, action: str) -> None:
    truth = {name: scene.krita.run(TRUTH, hidden=hidden, shown=shown) for name, (_, _, hidden, shown) in VIEWS.items()}
    scene.activate(active)
    scene.krita.run("trigger(action); turn_the_event_loop(200)", action=action)
    try:
        found = {
            name: scene.krita.run(READ, show=show.value, names=names) for name, (show, names, _, _) in VIEWS.items()
        }
        truth["everything"] = scene.krita.run(TRUTH, hidden=(), shown=())  # that is the isolated one
        assert [name for name in truth if found[name] != truth[name]] == []
    finally:
        scene.krita.run("trigger(action)", action=action)


def test_a_clone_of_what_is_isolated_is_refused(scene: Painter) -> None:
    """Ended in a copy of the document, the isolation would leave it with other pixels."""
    scene.activate("deep")
    scene.krita.run("trigger('isolate_active_group'); turn_the_event_loop(200)")
    try:
        with pytest.raises(KritaError, match="clone of what the canvas shows isolated"):
            scene.krita.run(READ, show="below", names=["top"])
    finally:
        scene.krita.run("trigger('isolate_active_group')")


def test_a_file_layer(scene: Painter, tmp_path: Path) -> None:
    """It lies in another file, which Krita reads later: in a copy of the document, too."""
    Image.effect_noise((WIDTH, HEIGHT), 90).convert("RGBA").save(tmp_path / "noise.png")
    scene.krita.run("document().setBatchmode(True); document().saveAs(path)", path=str(tmp_path / "plain.kra"))
    with zipfile.ZipFile(tmp_path / "plain.kra") as plain, zipfile.ZipFile(tmp_path / "with.kra", "w") as made:
        for entry in plain.infolist():
            data = plain.read(entry)
            if entry.filename == "maindoc.xml":
                layer = (
                    b'<layer name="linked" nodetype="filelayer" source="noise.png" scale="false" scalingmethod="0" '
                    b'scalingfilter="Bicubic" visible="1" opacity="255" compositeop="normal" filename="layer99" '
                    b'colorspacename="RGBA" x="0" y="0" uuid="{11111111-2222-3333-4444-555555555555}" locked="0" '
                    b'collapsed="0" intimeline="0" onionskin="0" colorlabel="0" channelflags=""/>'
                )
                data = data.replace(b"<layers>", b"<layers>" + layer, 1)
            made.writestr(entry, data, zipfile.ZIP_STORED)
    scene.krita.run("close_documents()")
    scene.krita.run(
        "it = app.openDocument(path); it.setBatchmode(True); app.activeWindow().addView(it); turn_the_event_loop(500)",
        path=str(tmp_path / "with.kra"),
    )
    blank = "len(set(bytes(node('linked').projectionPixelData(0, 0, 160, 120)))) > 8"
    wait_until(lambda: scene.krita.run(blank), "the file to be read")
    views = {
        "everything": (Show.EVERYTHING, (), (), ()),
        "it alone": (Show.ONLY, ("linked",), ALL, ()),
        "up to it": (Show.UP_TO, ("linked",), (), ()),
    }
    assert wrong(scene, views) == []


ANIMATED = """
activate('top'); turn_the_event_loop(200)
document().setFullClipRangeEndTime(20)
trigger('add_blank_frame'); document().setCurrentTime(10); document().waitForDone(); turn_the_event_loop(100)
trigger('add_blank_frame'); document().waitForDone(); turn_the_event_loop(200)
[node('top').animated(), document().currentTime()]
"""
AT_TIME = "document().setCurrentTime(time); document().waitForDone(); turn_the_event_loop(200)"


def test_frames_of_an_animation(scene: Painter) -> None:
    """Those of the time that is shown."""
    assert scene.krita.run(ANIMATED) == [True, 10]
    shown = {}
    for time in (10, 0, 15):
        scene.krita.run(AT_TIME, time=time)
        assert wrong(scene, VIEWS) == [], time
        shown[time] = scene.krita.run(READ, show="everything", names=())
    assert shown[10] == shown[15] != shown[0]


def test_a_colourize_mask(scene: Painter) -> None:
    scene.activate("masked")
    scene.krita.run("trigger('add_new_colorize_mask'); document().waitForDone(); turn_the_event_loop(300)")
    assert "colorizemask" in scene.krita.run("[it['type'] for it in layers()]")
    assert wrong(scene, VIEWS) == []


def test_reference_images_are_no_part_of_the_picture(scene: Painter) -> None:
    """Krita's own exports leave them out, too; and they are no layers to choose."""
    views, ids = {"everything": VIEWS["everything"]}, "[it.name for it in KritaHost().active_document().layers()]"
    imported = "from acetate.krita.host import KritaHost\n"
    before = scene.krita.run(TRUTH, hidden=(), shown=()), scene.krita.run(imported + ids)
    scene.krita.run(
        "image = QtGui.QImage(40, 40, QtGui.QImage.Format.Format_ARGB32); image.fill(0xff00ff00); "
        "QApplication.clipboard().setImage(image); turn_the_event_loop(100); "
        "QTimer.singleShot(500, lambda: QApplication.activeModalWidget().accept()); trigger('paste_as_reference'); "
        "turn_the_event_loop(500)"
    )
    assert (scene.krita.run(READ, show="everything", names=()), scene.krita.run(imported + ids)) == before
    assert wrong(scene, views) == []


def test_a_feathered_selection(scene: Painter) -> None:
    code = """
from acetate.krita.host import KritaHost
chosen = Selection(); chosen.select(40, 30, 60, 50, 255); chosen.feather(12)
document().setSelection(chosen)
it = KritaHost().active_document()
box = it.selected()
mask = b''.join(it.coverage().read(box).strips)
truth = bytes(document().selection().pixelData(0, 0, 160, 120))
rows = [truth[y * 160 + box.x : y * 160 + box.right] for y in range(box.y, box.bottom)]
[mask == b''.join(rows), sum(truth) == sum(mask), len(set(mask)) > 20]
"""
    assert scene.krita.run(code) == [True, True, True]
