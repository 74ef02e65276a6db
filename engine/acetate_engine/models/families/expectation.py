"""What a painter is to expect of a checkpoint, as far as its name and header tell. Torch-free."""

from __future__ import annotations

import re

from acetate_engine.models.checkpoints.info import Family, FileInfo

_RETRAINED = re.compile(r"pony|illustrious|noob(ai)?|animagine|hassaku|wai[-_ ]?(nsfw|shuffle)", re.IGNORECASE)


def expectation(info: FileInfo) -> str:
    """One or two sentences; empty where nothing is known against it."""
    said = []
    if info.family is Family.SDXL and (found := _RETRAINED.search(info.path.stem)):
        said.append(
            f"Checkpoints of the kind of {found[0]} were trained so far from SDXL that layers may come out opaque: "
            "if so, choose one nearer to SDXL."
        )
    if info.sampling.prediction == "v_prediction" and info.family is Family.SD15:
        said.append("The layer adapters were made for models that predict noise; this one predicts velocity.")
    if few := info.sampling.distilled:
        said.append(
            f"{few.name}: {few.steps} steps, guidance {few.guidance_scale:g}. "
            "Distilled checkpoints follow the layer adapters less well than a LoRA of the kind on a plain one."
        )
    return " ".join(said)
