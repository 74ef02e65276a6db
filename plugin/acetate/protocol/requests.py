"""The request of a job: frozen, and holding *everything* that decides the result. Images are named by digest."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from acetate.protocol.checks import check_request
from acetate.protocol.geometry import Bounds
from acetate.protocol.pictures import Light, Subject
from acetate.protocol.pixels import PixelFormat
from acetate.protocol.ranges import FACTORS as FACTORS
from acetate.protocol.ranges import MAX_ADD_ONS as MAX_ADD_ONS
from acetate.protocol.ranges import MAX_COORDINATE as MAX_COORDINATE
from acetate.protocol.ranges import MAX_IMAGES as MAX_IMAGES
from acetate.protocol.ranges import MAX_PROMPT as MAX_PROMPT
from acetate.protocol.ranges import MAX_SEED as MAX_SEED
from acetate.protocol.slots import NamedPicture
from acetate.protocol.slots import Role as Role
from acetate.protocol.slots import Slot as Slot
from acetate.protocol.tasks import Task as Task

DEFAULT_MODEL = "mini"


class Preset(str, Enum):
    DRAFT = "draft"  # few steps, one decoder pass
    FINAL = "final"  # the model's own number of steps, eight decoder passes


class Scheduler(str, Enum):
    DPMPP_2M_SDE_KARRAS = "dpmpp_2m_sde_karras"
    UNIPC = "unipc"
    EULER_A = "euler_a"
    EULER = "euler"  # with a Lightning, Hyper, Turbo or DMD2 model or its LoRA
    LCM = "lcm"  # with a distilled model or its LoRA
    TCD = "tcd"  # with a distilled model or its LoRA


class ControlKind(str, Enum):
    LINES = "lines"
    EDGES = "edges"
    DEPTH = "depth"
    POSE = "pose"
    SCRIBBLE = "scribble"


class ControlMethod(str, Enum):
    """What reads a hint."""

    CONTROLNET = "controlnet"
    UNION = "union"  # one ControlNet for all kinds of hints: SDXL
    T2I_ADAPTER = "t2i_adapter"  # lighter: runs once a job, not at every step


@dataclass(frozen=True)
class ControlHint:
    """A hint: an image that covers the context, its weight, and the share of the steps it acts in."""

    kind: ControlKind
    image: str  # digest
    weight: float = 1.0
    start: float = 0.0  # 0..1 of the steps
    end: float = 1.0
    method: ControlMethod | None = None  # the first that the model has, in the order above, where None
    layer: int | None = None  # stack: index of the only layer that follows it; all of them where None


@dataclass(frozen=True)
class ImagePrompt:
    """A picture in place of words, read by an IP-Adapter. It may have any size."""

    image: str  # digest
    adapter: str | None = None  # name among those of the model; its first where None
    weight: float = 1.0
    layer: int | None = None  # stack: index of the only layer that shall look like it; all of them where None


@dataclass(frozen=True)
class Style:
    """A style LoRA; one of LCM or TCD goes with the scheduler of that name."""

    lora: str  # name among those of the model
    weight: float = 1.0


@dataclass(frozen=True)
class StackLayer:
    """One layer of a stack."""

    prompt: str
    bounds: Bounds | None = None  # canvas pixels; the bounds of the request where None
    seed: int | None = None  # the request's seed + the layer's index where None
    strength: float = 1.0  # below 1 it starts from `picture`: 0 keeps that, 1 makes another
    picture: str | None = None  # digest of what the layer showed before, exactly as large as its bounds


@dataclass(frozen=True)
class GenerateRequest:
    """What to make. Two equal requests on the same model and device give equal pixels.

    `bounds` is what comes back, exactly; `context` is the part of the canvas that the images cover
    (it contains `bounds`; `bounds` itself where None).
    """

    task: Task
    bounds: Bounds  # canvas pixels
    seed: int
    prompt: str = ""
    negative_prompt: str = ""
    background_prompt: str = ""  # joint: of the background; foreground on background: what that shows
    foreground_prompt: str = ""  # background behind foreground: what that shows
    blended_prompt: str = ""  # joint and conditioned: of the blended picture; `blended` where empty
    context: Bounds | None = None  # canvas pixels
    background: str | None = None  # digest; behind a foreground, with a mask: what is known of it outside of that
    foreground: str | None = None  # digest
    mask: str | None = None  # digest of an A8 image: the feathered selection
    cut_out: bool = False  # the alpha of each layer is multiplied by the mask
    layers: tuple[StackLayer, ...] = ()  # stack, bottom to top
    control: tuple[ControlHint, ...] = ()
    image_prompts: tuple[ImagePrompt, ...] = ()
    styles: tuple[Style, ...] = ()
    images: int = 1  # how many alternatives
    model: str = DEFAULT_MODEL
    preset: Preset = Preset.DRAFT
    steps: int | None = None  # the preset's where None
    scheduler: Scheduler | None = None  # the preset's where None
    cache_interval: int | None = None  # one of so many steps is computed, 1: all; the preset's where None
    clip_skip: int = 0  # last layers of a CLIP text encoder to leave out
    guidance_scale: float | None = None  # the model's where None
    subject: Subject = field(default_factory=Subject)  # extract, select, remove, decompose: what is meant
    light: Light = field(default_factory=Light)  # shadows and reflections
    settle: bool = False  # foreground on background: between its shadow and its light, as layers of their own
    factor: int = 2  # upscale: how many times as large
    strength: float = 1.0  # refine and inpaint: 0 keeps the layer, 1 makes another
    finish: bool = True  # a result that is enlarged gets clear edges and no grain, by a network made for that
    pixel_format: PixelFormat = PixelFormat.RGBA8  # of the layers that come back

    @property
    def blended(self) -> str:
        """What foreground and background show together: the prompt of the blended picture."""
        if self.task is Task.BACKGROUND_BEHIND_FOREGROUND:
            parts = [self.foreground_prompt, self.prompt]
        else:
            parts = [self.prompt, self.background_prompt]
        return self.blended_prompt or ", ".join(dict.fromkeys(part.strip() for part in parts if part.strip()))

    @property
    def covered(self) -> Bounds:
        """What the condition images cover, canvas pixels."""
        return self.context or self.bounds

    @property
    def pictures(self) -> tuple[NamedPicture, ...]:
        """Every picture that it names, in a fixed order: one list for whoever checks, reads, sends or shows them."""
        single = {Role.BACKGROUND: self.background, Role.FOREGROUND: self.foreground, Role.MASK: self.mask}
        named = [NamedPicture(Slot(role), name, self.covered) for role, name in single.items() if name is not None]
        for index, hint in enumerate(self.control):
            named.append(NamedPicture(Slot(Role.HINT, index), hint.image, self.covered))
        for index, layer in enumerate(self.layers):
            if layer.picture is not None:
                named.append(NamedPicture(Slot(Role.LAYER, index), layer.picture, layer.bounds or self.bounds))
        for index, prompt in enumerate(self.image_prompts):
            named.append(NamedPicture(Slot(Role.LOOK, index), prompt.image, None))
        return tuple(named)

    @property
    def image_digests(self) -> tuple[str, ...]:
        """Every image that must be on the engine before the job can start."""
        return tuple(dict.fromkeys(picture.digest for picture in self.pictures))

    def with_pictures(self, digests: Mapping[Slot, str]) -> GenerateRequest:
        """The same request with these pictures in their slots; the other slots stay as they are."""
        return replace(
            self,
            background=digests.get(Slot(Role.BACKGROUND), self.background),
            foreground=digests.get(Slot(Role.FOREGROUND), self.foreground),
            mask=digests.get(Slot(Role.MASK), self.mask),
            control=tuple(
                replace(hint, image=digests.get(Slot(Role.HINT, index), hint.image))
                for index, hint in enumerate(self.control)
            ),
            layers=tuple(
                replace(layer, picture=digests.get(Slot(Role.LAYER, index), layer.picture))
                for index, layer in enumerate(self.layers)
            ),
            image_prompts=tuple(
                replace(prompt, image=digests.get(Slot(Role.LOOK, index), prompt.image))
                for index, prompt in enumerate(self.image_prompts)
            ),
        )

    def validate(self, coming: Collection[Slot] = ()) -> None:
        """Raises InvalidRequest, naming the field and the remedy, where the task cannot be done as asked.

        `coming`: slots of a draft whose pictures are still to be read.
        """
        check_request(self, coming)
