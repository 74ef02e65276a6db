"""The blind study of the paper, ready for a person to take: native layers against cut-out ones, side by side.

One HTML file without a server or a network: it shows a pair at a time in random order, records each choice in the
browser, and computes the share that prefers native transparency with its 95 % interval (Wilson).
"""

from __future__ import annotations

import base64
import io
import json

import numpy as np
from PIL import Image

from acetate_engine.paths import resources_dir
from acetate_engine.training.datasets import Bytes


def ab_page(prompts: list[str], native: Bytes, matted: Bytes, seed: int = 0) -> str:
    """HTML of the study; which side is native is shuffled and only told at the end.

    Args:
        native: (N, H, W, 4) straight RGBA; `matted`: the same prompts, generated opaque and cut out.
    """
    rng = np.random.default_rng(seed)
    pairs = []
    for index in rng.permutation(len(prompts)):
        shown = [("native", native[index]), ("matte", matted[index])]
        if rng.random() < 0.5:
            shown.reverse()
        pairs.append({"prompt": prompts[index], "sides": [{"kind": kind, "png": _png(rgba)} for kind, rgba in shown]})
    template = (resources_dir() / "study.html").read_text(encoding="utf-8")
    return template.replace("/*PAIRS*/[]", json.dumps(pairs))


def _png(rgba: Bytes) -> str:
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
