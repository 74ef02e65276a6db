"""What the docker sends is what the canvas shows: in every colour space and depth that Krita makes documents of, with
layers that Krita has to compose. The judge is Krita's own projection of the document, which is what its canvas draws.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tests.krita.harness.process import KritaProcess

SIDE = 64  # pixels
OFF = 2.0  # 255ths
REFUSED = {"LABA": "L*a*b*", "XYZA": "XYZ", "YCbCrA": "YCbCr"}

SENT_AND_SHOWN = """
import base64
from acetate.krita.document import KritaDocument
from acetate.krita.reading import KritaSnapshot, Show, View
from acetate.protocol.errors import DocumentError
from acetate.protocol.geometry import Bounds

area = (0, 0, side, side)
new_document(side, side, model=space[0], depth=space[1], profile=space[2])
data = convert(base64.b64decode(pattern), side, side, ("RGBA", "U16", SRGB), tuple(space))
for name, mode, opacity in (("ground", "normal", 255), ("over", "multiply", 150), ("light", "screen", 90)):
    layer = document().createNode(name, "paintlayer")
    layer.setPixelData(data, *area)
    layer.setBlendingMode(mode)
    layer.setOpacity(opacity)
    document().rootNode().addChildNode(layer, None)
    data = data[len(data) // 2:] + data[:len(data) // 2]
document().refreshProjection()
document().waitForDone()
try:
    snapshot = KritaSnapshot(KritaDocument(document()), View(Show.EVERYTHING))
except DocumentError as error:
    refused, sent = error.detail + error.remedy, b""
else:
    picture = snapshot.read(Bounds(*area))
    snapshot.close()
    refused, sent = "", b"".join(picture.strips)
image = document().projection(*area)
shown = image.constBits().asstring(image.sizeInBytes())
[document().colorModel(), document().colorDepth(), refused, *(base64.b64encode(one).decode() for one in (sent, shown))]
"""


def pattern() -> bytes:
    """BGRA of 16 bits: all colours, greys, opaque and half transparent."""
    values = np.random.default_rng(3).random((SIDE, SIDE, 4))
    values[:8, :, :3] = np.linspace(0, 1, 8 * SIDE).reshape(8, SIDE, 1)
    values[:40, :, 3] = 1.0
    return np.rint(values * 65535).astype(np.uint16).tobytes()


def straight(data: bytes, kind: type[np.unsignedinteger]) -> NDArray[np.float64]:
    return np.frombuffer(data, kind).reshape(SIDE, SIDE, 4) / np.iinfo(kind).max


def test_every_space_and_depth_of_krita(krita: KritaProcess, record: Callable[[str], None]) -> None:
    spaces = krita.run(
        "[[model, depth, profile] for model in app.colorModels() for depth in app.colorDepths(model)"
        " for index, profile in enumerate(app.profiles(model, depth))"
        " if index % 12 == 0 or (model == 'GRAYA' and ('-V4-' in profile or '-g10' in profile))]"
    )
    assert {("RGBA", "U8"), ("GRAYA", "U16"), ("CMYKA", "U8")} <= {(model, depth) for model, depth, _ in spaces}
    given, wrong = base64.b64encode(pattern()).decode(), {}
    for space in spaces:
        if space[0] == "A":
            continue  # no document is of alpha alone
        model, depth, refused, sent, shown = krita.run(SENT_AND_SHOWN, space=space, side=SIDE, pattern=given)
        assert [model, depth] == space[:2]
        if model in REFUSED:
            assert REFUSED[model] in refused
            assert "Image > Convert" in refused
            continue
        assert not refused
        bytes_sent = base64.b64decode(sent)
        kind = np.uint8 if len(bytes_sent) == SIDE * SIDE * 4 else np.uint16
        ours, canvas = straight(bytes_sent, kind), straight(base64.b64decode(shown), np.uint8)[..., [2, 1, 0, 3]]
        off = np.abs(ours[..., :3] * ours[..., 3:] - canvas[..., :3] * canvas[..., 3:]).max() * 255
        record(f"canvas {' '.join(space)}: {off:.2f}/255 off")
        if off > OFF:
            wrong[" ".join(space)] = round(float(off), 2)
    assert wrong == {}
