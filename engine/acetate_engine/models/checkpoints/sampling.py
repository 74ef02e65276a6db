"""How a base model wants to be sampled, as far as its file tells: tensors that mark it, metadata, its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from acetate_engine.models.checkpoints.header import Header


@dataclass(frozen=True)
class Distilled:
    """A model, or a LoRA, that was taught to need few steps."""

    name: str
    steps: int
    guidance_scale: float
    scheduler: str = "euler"


@dataclass(frozen=True)
class Sampling:
    """`None` where the file does not say: then the family's own way holds."""

    prediction: str | None = None  # epsilon or v_prediction
    zero_terminal_snr: bool = False  # trained from noise in which nothing of a picture is left
    edm: bool = False  # another spread of noise and latents than all that is known here
    distilled: Distilled | None = None
    unread: str = ""  # what it predicts, where no solver here goes with that

    def __str__(self) -> str:
        said = ["v-prediction"] if self.prediction == "v_prediction" else []
        said += ["zero terminal SNR"] if self.zero_terminal_snr else []
        said += [f"{self.distilled.name}: {self.distilled.steps} steps"] if self.distilled else []
        return ", ".join(said)


_DISTILLED = (  # what a name says; steps where it does not say a number, guidance
    ("Lightning", r"lightning", 4, 1.0),
    ("Hyper", r"hyper(?:sd|xl)*(?![a-z])(?![-_ ]+(?:real|detail|photo|anime|fantas|fusion))", 8, 1.0),
    ("DMD2", r"dmd2?(?![a-z])", 4, 1.0),
    ("Turbo", r"turbo", 4, 1.0),
    ("LCM", r"lcm(?![a-z])", 6, 1.0),
)
_READ = (None, "", "v_prediction", *("epsilon", "eps", "noise"))
_V_BY_NAME = re.compile(r"(?<![a-z])v[-_ ]?pred(?:iction)?(?![a-z])")
_EDM = ("edm_mean", "edm_std", "edm_vpred.sigma_max", "edm_vpred.sigma_min")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")  # HyperVAE
_BASE = r"(?:sd|xl|sdxl|sd15|lora)"
_MOST_STEPS = 16  # a larger number before "step" tells of training
_TOLD = ("modelspec.title", "ss_output_name", "ss_sd_model_name", "modelspec.usage_hint", "modelspec.merged_from")


def sampling_of(header: Header, is_lora: bool = False) -> Sampling:
    """Of a base checkpoint or a LoRA in one file."""
    names, told = header.shapes, header.metadata
    prediction = _prediction(told)
    named_v = not is_lora and _V_BY_NAME.search(_HUMP.sub(" ", header.path.stem).lower())
    v = "v_pred" in names or prediction == "v_prediction" or (not prediction and bool(named_v))
    zero = "ztsnr" in names or told.get("ss_zero_terminal_snr", "").lower() in ("true", "1")
    edm = any(name in names for name in _EDM) or "edm" in prediction
    texts = [told[name] for name in _TOLD if name in told]
    few = distilled([header.path.stem, *texts], is_lora)
    return Sampling("v_prediction" if v else None, zero, edm, few, "" if edm else unread(prediction))


def unread(prediction: str | None) -> str:
    """What a file says of its prediction, where that is neither noise nor velocity."""
    if prediction in _READ:
        return ""
    return "flow" if "flow" in str(prediction) else str(prediction)[:40]


def _prediction(told: Mapping[str, str]) -> str:
    said = told.get("modelspec.prediction_type", told.get("ss_prediction_type", "")).lower()
    if said in ("v", "v_prediction", "v-prediction") or told.get("ss_v_parameterization", "").lower() == "true":
        return "v_prediction"
    return said


def distilled(texts: list[str], is_lora: bool = False) -> Distilled | None:
    """What these texts say about it, the first first.

    A LoRA may paint lightning or a turbo: it must say steps, or what it was made for, beside such a word.
    """
    said = _HUMP.sub(" ", " ".join(texts).replace("LoRA", "lora")).lower()
    steps = _steps(said)
    for name, pattern, usual, guidance in _DISTILLED:
        word = rf"(?:(?<![a-z])|xl){pattern}"
        named = rf"{_BASE}[-_ ]*{pattern}|{word}[-_ ]*{_BASE}(?![a-z])" if is_lora and steps is None else word
        if re.search(named, said):
            behind = re.search(rf"{word}[-_ ]*(\d)s(?![a-z])", said)  # Lightning8S
            number = steps or (int(behind[1]) if behind else usual)
            return Distilled(name, number, guidance, "lcm" if name == "LCM" else "euler")
    return None


def _steps(said: str) -> int | None:
    numbers = [int(found) for found in re.findall(r"(\d+)[\s_-]*steps?(?![a-z])", said)]
    return next((number for number in numbers if 1 <= number <= _MOST_STEPS), None)


def distilled_folder(folder: Path) -> Distilled | None:
    """A diffusers folder, by its name."""
    return distilled([folder.name])
