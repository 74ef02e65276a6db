"""Whether what is read of a document is what Krita's canvas shows: each layer, and what lies below it."""

from __future__ import annotations

from tests.krita.harness.painter import Painter

CODE = """
from array import array
from acetate.krita.host import KritaHost
from acetate.picture import swap_red_blue
from acetate.protocol.geometry import Bounds
from acetate.session.views import Show, View

def settle():
    document().refreshProjection(); document().waitForDone(); turn_the_event_loop(50); document().waitForDone()

def seen(pixels):
    '''Without the colours of what is transparent. Where a vector of pixels holds visible ones, Krita's Copy leaves
    them undefined (KoOptimizedCompositeOpCopy128.h): black or white, by where in memory a tile happens to lie.
    '''
    words = memoryview(pixels).cast('I')  # BGRA: alpha is the highest byte
    return array('I', (word if word >> 24 else 0 for word in words)).tobytes()

def canvas():
    image = document().projection(0, 0, document().width(), document().height())
    return seen(image.constBits().asstring(image.sizeInBytes()))

def read(show, *layers):
    snapshot = KritaHost().active_document().snapshot(View(show, layers))
    picture = snapshot.read(Bounds(0, 0, document().width(), document().height()))
    snapshot.close()
    return seen(b''.join(map(swap_red_blue, picture.strips)))

def id_of(node): return node.uniqueId().toString()
def layers_of(parent): return [child for child in parent.childNodes() if not child.type().endswith('mask')]
def every(parent):
    return [found for child in layers_of(parent) for found in (child, *every(child))]
def with_groups(node):
    found = [node]
    while found[-1].parentNode().parentNode() is not None:
        found.append(found[-1].parentNode())
    return found

def others(show, node):
    '''What the canvas must not show for this view.'''
    found = []
    for one in with_groups(node):
        beside = layers_of(one.parentNode())
        at = [id_of(other) for other in beside].index(id_of(one))
        first = at if show is Show.BELOW and id_of(one) == id_of(node) else at + 1
        found += beside[:at] + beside[at + 1:] if show is Show.ONLY else beside[first:]
    return found

def truth(show, node):
    '''Of the document itself, which is as before afterwards; alone, nothing clips a layer.'''
    hidden = [(other, other.visible()) for other in others(show, node)]
    clipped = [(one, one.inheritAlpha()) for one in with_groups(node)] if show is Show.ONLY else []
    for other, _ in hidden: other.setVisible(False)
    for one, _ in clipped: one.setInheritAlpha(False)
    settle(); found = canvas()
    for other, was in hidden: other.setVisible(was)
    for one, was in clipped: one.setInheritAlpha(was)
    settle()
    return found

def wrong():
    found = [] if read(Show.EVERYTHING) == canvas() else ['everything']
    views = [(show, node) for node in every(document().rootNode()) for show in (Show.ONLY, Show.BELOW, Show.UP_TO)]
    off = [(show, node) for show, node in views if read(show, id_of(node)) != truth(show, node)]
    return found + [f'{node.name()}: {show.value}' for show, node in off]
"""


def wrong(painter: Painter) -> list[str]:
    """Names of layers and kinds of views that are not read as the canvas shows them."""
    found: list[str] = painter.krita.run(f"{CODE}settle(); wrong()", timeout=300)
    return found
