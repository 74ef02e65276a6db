"""Documents and their layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from krita import InfoObject, Selection

from acetate_driver.dockers import LAYERS_DOCKER, app, show_dockers_again
from acetate_driver.gui_thread import turn_the_event_loop

SRGB = "sRGB-elle-V2-srgbtrc.icc"


def new_document(width: int, height: int, depth: str = "U8", model: str = "RGBA", profile: str = SRGB) -> str:
    """An opaque white document in a view of its own, active; its name."""
    document = app.createDocument(width, height, "test", model, depth, profile, 72.0)
    document.setBatchmode(True)
    app.activeWindow().addView(document)
    app.setActiveDocument(document)
    document.waitForDone()
    show_dockers_again()
    return document.name()


def open_file(path: str) -> None:
    opened = app.openDocument(path)
    if opened is None:
        raise FileNotFoundError(path)
    opened.setBatchmode(True)
    app.activeWindow().addView(opened)
    app.setActiveDocument(opened)
    opened.waitForDone()
    show_dockers_again()


def export(path: str) -> None:
    """In the format of the file's suffix, with that format's defaults."""
    document().waitForDone()
    if not document().exportImage(path, InfoObject()):
        raise OSError(f"Krita could not write {path}")


def close_documents() -> int:
    for document in app.documents():
        document.waitForDone()
    # The Layers docker repaints changed layers up to a second later, and Krita 5.1 crashes where those are gone by then
    # (KisNodeModel::processUpdateQueue).
    turn_the_event_loop(LAYERS_DOCKER)
    for document in app.documents():
        document.setBatchmode(True)
        document.setModified(False)
        document.close()
    return len(app.documents())


def document() -> Any:
    return app.activeDocument()


def node(name: str) -> Any:
    found = document().nodeByName(name)
    if found is None:
        raise LookupError("no node is named {!r}; there are {}".format(name, [item["name"] for item in layers()]))
    return found


def activate(name: str) -> None:
    document().setActiveNode(node(name))


def active_name() -> str | None:
    active = document().activeNode()
    return active.name() if active else None


def select(x: int, y: int, width: int, height: int) -> None:
    selection = Selection()
    selection.select(x, y, width, height, 255)
    document().setSelection(selection)


def add_paint_layer(
    name: str,
    x: int = 0,
    y: int = 0,
    width: int = 0,
    height: int = 0,
    pixel: bytes = b"",
    parent: str | None = None,
    above: str | None = None,
) -> None:
    """A paint layer, filled in the rectangle with one pixel's bytes before it is attached."""
    layer = document().createNode(name, "paintlayer")
    if pixel:
        layer.setPixelData(bytes(pixel) * (width * height), x, y, width, height)
    group = node(parent) if parent else document().rootNode()
    group.addChildNode(layer, node(above) if above else None)
    document().waitForDone()


def add_group(name: str, above: str | None = None) -> None:
    document().rootNode().addChildNode(document().createGroupLayer(name), node(above) if above else None)
    document().waitForDone()


def walk(parent: str | None = None) -> Iterator[Any]:
    """All nodes, parents before children, bottom to top."""
    for child in (parent or document().rootNode()).childNodes():
        yield child
        yield from walk(child)


def layers() -> list[dict[str, Any]]:
    """Every node below the root: id, name, type, parent's name, index, pixel bounds."""
    return [describe(item) for item in walk()]


def describe(item: Any) -> dict[str, Any]:
    box = item.bounds()
    return {
        "id": item.uniqueId().toString(),
        "name": item.name(),
        "type": item.type(),
        "parent": item.parentNode().name(),
        "index": item.parentNode().childNodes().index(item),
        "bounds": [box.x(), box.y(), box.width(), box.height()],
        "space": [item.colorModel(), item.colorDepth(), item.colorProfile()],
        "blending": item.blendingMode(),
        "opacity": item.opacity(),
        "locked": item.locked(),
        "visible": item.visible(),
    }
