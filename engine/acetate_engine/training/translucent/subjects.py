"""The table of translucent subjects: what a caption is painted by; and pictures of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice

import cv2
import numpy as np

from acetate_engine.compositing.alpha import bleed, to_eight
from acetate_engine.compositing.pixels import Floats
from acetate_engine.training.datasets import Bytes, PictureSet
from acetate_engine.training.translucent import air, clear, fire, light, threads, vessels
from acetate_engine.training.translucent.frame import Frame

STYLE = "translucent"  # how their captions end
LICENCE = "GPL-3.0-or-later"  # this project's own
_LEAST = 0.004  # alpha below which there is nothing
_FINER = 2  # pictures are painted so many times as large, and reduced

Paint = Callable[[Frame], Floats]

_GLASS = ("clear", "green", "blue", "red", "purple", "brown")
_LIGHTS = ("white", "yellow", "orange", "red", "green", "blue", "purple", "pink", "golden", "turquoise")
_SMOKES = ("white", "grey", "black", "red", "orange", "yellow", "green", "blue", "purple", "pink")
_HAIRS = ("black", "brown", "golden", "red", "grey", "white", "blue", "pink")


@dataclass(frozen=True)
class Motif:
    """How one caption is painted, and how far its pictures may differ in pose."""

    paint: Paint
    turn: float = 6.0  # degrees at most
    scale: tuple[float, float] = (0.78, 0.98)


def _subjects() -> Iterator[tuple[str, Motif]]:
    """Caption without style -> how it is painted."""
    yield from _glass()
    yield from _fire_and_light()
    yield from _airy()
    yield from _threads()


def _glass() -> Iterator[tuple[str, Motif]]:
    for tint in _GLASS:
        yield f"a {tint} glass bottle", Motif(partial(vessels.bottle, tint=tint), 12)
        yield f"a {tint} glass sphere", Motif(partial(clear.sphere, tint=tint), 20, (0.8, 1.05))
        yield f"a pane of {tint} glass", Motif(partial(clear.pane, tint=tint), 14)
    for content in ("red", "blue", "green", "purple", "golden", "pink"):
        yield f"a glass bottle of {content} potion", Motif(partial(vessels.bottle, tint="clear", content=content), 12)
        yield f"a round flask of {content} potion", Motif(partial(vessels.jar, content=content), 10)
    yield "an empty wine glass", Motif(vessels.wine_glass, 8)
    for content in vessels.LIQUIDS:
        yield f"a wine glass of {content}", Motif(partial(vessels.wine_glass, content=content), 4)
    for rim in ("black", "golden", "brown", "red", "grey", "blue"):
        yield f"a magnifying glass with a {rim} rim", Motif(partial(clear.lens, rim=rim), 25)
    for count, words in {1: "a soap bubble", 3: "three soap bubbles", 12: "many soap bubbles"}.items():
        yield words, Motif(partial(clear.bubbles, count=count), 180, (0.6, 1.0))
    for tint in ("pink", "blue", "green", "golden", "purple"):
        yield f"a {tint} soap bubble", Motif(partial(clear.bubbles, count=1, tint=tint), 180, (0.6, 1.0))
    for count, words in {1: "an ice cube", 2: "two ice cubes", 3: "three ice cubes"}.items():
        yield words, Motif(partial(clear.ice, count=count), 15)
    for tint in ("blue", "pink", "green", "yellow"):
        yield f"a cube of {tint} ice", Motif(partial(clear.ice, count=1, tint=tint), 15)
    yield "a drop of water", Motif(partial(clear.drops, count=1), 8, (0.6, 1.0))
    yield "drops of water", Motif(partial(clear.drops, count=14), 180)
    for tint in ("red", "blue", "green", "purple", "golden"):
        yield f"a drop of {tint} liquid", Motif(partial(clear.drops, count=1, tint=tint), 8, (0.6, 1.0))


def _fire_and_light() -> Iterator[tuple[str, Motif]]:
    for tint in ("orange", "red", "yellow", "blue", "green", "purple", "pink", "white"):
        yield f"{_a(tint)} flame", Motif(partial(fire.flame, tint=tint), 5)
    for tint in ("white", "red", "blue", "green", "yellow", "purple", "black"):
        yield f"a burning {tint} candle", Motif(partial(fire.candle, tint=tint), 3)
    yield "a campfire", Motif(partial(fire.campfire, tint="orange"), 3)
    for tint in ("blue", "green", "purple"):
        yield f"a campfire with {tint} flames", Motif(partial(fire.campfire, tint=tint), 3)
    for tint in _LIGHTS:
        yield f"{tint} sparks", Motif(partial(fire.sparks, tint=tint), 20)
        yield f"{_a(tint)} magic swirl", Motif(partial(light.swirl, tint=tint), 180)
        yield f"{_a(tint)} light beam", Motif(partial(light.beam, tint=tint), 20, (0.9, 1.0))
        yield f"{_a(tint)} glowing orb", Motif(partial(light.orb, tint=tint), 180, (0.7, 1.0))
        yield f"{tint} twinkling stars", Motif(partial(light.twinkles, tint=tint), 10)
    for tint in ("white", "yellow", "blue", "purple", "pink", "red", "turquoise"):
        yield f"a {tint} lightning bolt", Motif(partial(light.lightning, tint=tint), 20, (0.9, 1.0))
        yield f"a {tint} lens flare", Motif(partial(light.flare, tint=tint), 20)
    for sign in light.SIGNS:
        for tint in ("red", "blue", "green", "pink", "purple", "yellow", "white", "turquoise"):
            yield f"a {tint} neon {sign}", Motif(partial(light.neon, tint=tint, sign=sign), 10)


def _airy() -> Iterator[tuple[str, Motif]]:
    for tint in _SMOKES:
        yield f"a cloud of {tint} smoke", Motif(partial(air.smoke_cloud, tint=tint), 30)
        yield f"a column of {tint} smoke", Motif(partial(air.smoke_column, tint=tint), 8)
        yield f"a ring of {tint} smoke", Motif(partial(air.smoke_ring, tint=tint), 20)
    yield "steam", Motif(air.steam, 8)
    yield "a wisp of steam", Motif(partial(air.steam, wisps=1), 8)
    for tint in ("white", "red", "blue", "green", "yellow"):
        yield f"steam of a hot {tint} cup", Motif(partial(air.hot_cup, tint=tint), 2)
    for tint in ("white", "grey", "blue", "green", "pink"):
        yield f"{tint} fog", Motif(partial(air.fog, tint=tint), 0, (1.0, 1.0))
    for tint in ("white", "grey", "black", "pink", "golden", "blue"):
        yield f"a {tint} cloud", Motif(partial(air.cloud, tint=tint), 4)
    for drops, words in {45: "light rain", 110: "rain", 240: "heavy rain"}.items():
        yield words, Motif(partial(air.rain, drops=drops), 5, (1.0, 1.1))
    for flakes, words in {35: "light snow", 80: "falling snow", 160: "heavy snow"}.items():
        yield words, Motif(partial(air.snow, flakes=flakes), 5, (1.0, 1.1))
    for of in ("tree", "person", "window", "ball"):
        yield f"the soft shadow of a {of}", Motif(partial(air.shadow, of=of), 20)


def _threads() -> Iterator[tuple[str, Motif]]:
    yield "a spider web", Motif(threads.web, 180)
    yield "a torn spider web", Motif(partial(threads.web, torn=True), 180)
    yield "a spider web with dew", Motif(partial(threads.web, dewy=True), 180)
    for tint in ("white", "grey", "black", "blue", "red", "green", "brown", "pink", "golden"):
        yield f"a {tint} feather", Motif(partial(threads.feather, tint=tint), 40)
    for kind in ("straight", "wavy", "curly"):
        for tint in _HAIRS:
            yield f"{tint} {kind} hair", Motif(partial(threads.hair, tint=tint, kind=kind), 10)
    for tint in ("green", "dark green", "dry"):
        yield f"a tuft of {tint} grass", Motif(partial(threads.grass, tint=tint), 4)
    for tint in ("brown", "white", "black", "green", "blue"):
        yield f"a {tint} net", Motif(partial(threads.net, tint=tint), 8)
        yield f"{tint} lace", Motif(partial(threads.lace, tint=tint), 180)


def _a(words: str) -> str:
    return f"{'an' if words[0] in 'aeio' else 'a'} {words}"


SUBJECTS: Mapping[str, Motif] = {f"{words}, {STYLE}": subject for words, subject in _subjects()}


def render(caption: str, side: int, seed: int) -> Bytes:
    """(side, side, 4) straight RGBA of one of SUBJECTS, the same for the same seed; colour goes on under alpha 0.

    Painted at twice the size, and reduced premultiplied.
    """
    subject = SUBJECTS[caption]
    rng = np.random.default_rng((seed, *caption.encode()))
    frame = Frame.posed(side * _FINER, rng, subject.turn, subject.scale)
    large = subject.paint(frame).clip(0, 1)
    alpha = large[..., 3:] * (large[..., 3:] > _LEAST)
    reduced = cv2.resize(
        np.concatenate([large[..., :3] * alpha, alpha], -1), (side, side), interpolation=cv2.INTER_AREA
    )
    straight = np.concatenate([reduced[..., :3] / np.maximum(reduced[..., 3:], 1e-4), reduced[..., 3:]], -1)
    return to_eight(bleed(straight.clip(0, 1).astype(np.float32)))


def render_all(count: int, side: int, seed: int, captions: tuple[str, ...] = ()) -> PictureSet:
    """`count` pictures of `captions` (none: of all), each about as often; `caption`, `style`, `licence` in the rows."""
    chosen = list(islice(cycle(captions or SUBJECTS), count))
    rounds = len(captions or SUBJECTS)
    pixels = np.stack([render(said, side, seed + number // rounds) for number, said in enumerate(chosen)])
    return PictureSet(
        pixels, [{"caption": said, "style": STYLE, "licence": LICENCE, "spdx": LICENCE} for said in chosen]
    )
