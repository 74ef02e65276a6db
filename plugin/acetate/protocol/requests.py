"""The request of a job: frozen, and holding *everything* that decides the result. Images are named by digest."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from acetate.language import mark
from acetate.protocol.errors import InvalidRequest
from acetate.protocol.geometry import Bounds
from acetate.protocol.pictures import Light, Subject, check_light, check_subject
from acetate.protocol.pixels import MAX_PIXELS, PixelFormat, is_digest
from acetate.protocol.ranges import check_range
from acetate.protocol.tasks import Task as Task

DEFAULT_MODEL = "mini"
MAX_PROMPT = 4000  # characters; text encoders read far less
MAX_IMAGES = 16
MAX_LAYERS = 64
MAX_SEED = 2**32 - 1
MAX_ADD_ONS = 8  # hints, image prompts or LoRAs of one request
MAX_NAME = 200  # characters of a file's name
FACTORS = (2, 4)
MAX_COORDINATE = 2**24  # canvas pixels from the origin, either way


class Role(str, Enum):
    """What a picture is to a request."""

    BACKGROUND = "background"
    FOREGROUND = "foreground"
    MASK = "selection"
    HINT = "hint"
    LAYER = "picture of layer"
    LOOK = "image prompt"

    @property
    def is_numbered(self) -> bool:
        """Whether a request may have several."""
        return self in (Role.HINT, Role.LAYER, Role.LOOK)


@dataclass(frozen=True)
class Slot:
    """A place for a picture in a request."""

    role: Role
    index: int = 0

    @property
    def label(self) -> str:
        """For a person."""
        return f"{self.role.value} {self.index + 1}" if self.role.is_numbered else self.role.value


@dataclass(frozen=True)
class NamedPicture:
    """A picture that a request names."""

    slot: Slot
    digest: str  # empty in a draft: still to be read
    bounds: Bounds | None  # canvas pixels that it covers exactly; any size where None


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


@dataclass(frozen=True)
class ImagePrompt:
    """A picture in place of words, read by an IP-Adapter. It may have any size."""

    image: str  # digest
    adapter: str | None = None  # name among those of the model; its first where None
    weight: float = 1.0


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
    background: str | None = None  # digest
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
        _check_prompts(self)
        _check_stack(self, coming)
        _check_geometry(self)
        _check_conditions(self, coming)
        _check_numbers(self)
        _check_add_ons(self)
        check_subject(self.subject, self.covered)
        check_light(self.light)


_PROMPT_OF = mark("prompt of layer {index}")


def _check_prompts(request: GenerateRequest) -> None:
    prompts = {
        mark("prompt"): request.prompt,
        mark("negative prompt"): request.negative_prompt,
        mark("background prompt"): request.background_prompt,
        mark("foreground prompt"): request.foreground_prompt,
        mark("blended prompt"): request.blended_prompt,
        **{
            mark("prompt of layer {index}").format(index=index + 1): layer.prompt
            for index, layer in enumerate(request.layers)
        },
    }
    for name, text in prompts.items():
        if len(text) > MAX_PROMPT:
            raise InvalidRequest(f"the {name} has {len(text)} characters", f"Shorten it to at most {MAX_PROMPT}.")
    if request.task.needs_prompt and request.task is not Task.STACK and not request.prompt.strip():
        raise InvalidRequest("the prompt is empty", "Type what should appear on the layer.")


def _check_stack(request: GenerateRequest, coming: Collection[Slot]) -> None:
    if request.task is not Task.STACK:
        return
    if not 1 <= len(request.layers) <= MAX_LAYERS:
        raise InvalidRequest(f"the stack has {len(request.layers)} layers", f"Give it 1 to {MAX_LAYERS}.")
    for index, layer in enumerate(request.layers):
        if layer.strength > 0 and not layer.prompt.strip():
            raise InvalidRequest(f"the prompt of layer {index + 1} is empty", "Type what should appear on it.")
        if layer.strength < 1.0 and layer.picture is None and Slot(Role.LAYER, index) not in coming:
            raise InvalidRequest(
                f"layer {index + 1} has strength {layer.strength} and no picture to start from",
                "Send what it showed before, or leave its strength at 1.",
            )


def _check_geometry(request: GenerateRequest) -> None:
    if request.bounds.is_empty:
        raise InvalidRequest(f"the region is empty ({request.bounds})", "Select some part of the canvas.")
    if request.covered.extent.area > MAX_PIXELS:
        raise InvalidRequest(f"the region is {request.covered.extent}", f"Choose at most {MAX_PIXELS} pixels.")
    if not request.covered.contains(request.bounds):
        raise InvalidRequest(f"the context {request.covered} does not contain the region {request.bounds}", "Widen it.")
    for bounds in (request.covered, *(layer.bounds for layer in request.layers if layer.bounds)):
        if max(-bounds.x, -bounds.y, bounds.right, bounds.bottom) > MAX_COORDINATE:
            raise InvalidRequest(
                f"the region {bounds} lies far off the canvas", f"Stay within {MAX_COORDINATE} pixels of its corner."
            )


def _check_conditions(request: GenerateRequest, coming: Collection[Slot]) -> None:
    task, there = request.task, {*coming, *(picture.slot for picture in request.pictures)}
    if task.needs_background and Slot(Role.BACKGROUND) not in there:
        raise InvalidRequest("there is no background", "Choose a layer as background.")
    if task.needs_foreground and Slot(Role.FOREGROUND) not in there:
        raise InvalidRequest("there is no foreground", "Choose the layer to work on.")
    if task.needs_mask and Slot(Role.MASK) not in there:
        raise InvalidRequest("there is no selection", "Select the part of the layer that is meant.")
    if request.settle and task is not Task.FOREGROUND_ON_BACKGROUND:
        raise InvalidRequest(
            f"shadow and light are no part of “{task.traits.label}”", "Leave settle at false, or make them after."
        )
    if request.cut_out and Slot(Role.MASK) not in there:
        raise InvalidRequest("there is no selection to cut out", "Send the mask, or leave cut_out at false.")
    for picture in request.pictures:
        if picture.slot not in coming and not is_digest(picture.digest):
            raise InvalidRequest(
                f"{picture.digest[:80]!r} does not name an image", "Use the SHA-256 of an uploaded image."
            )


def _check_numbers(request: GenerateRequest) -> None:
    check_range("seed", request.seed, 0, MAX_SEED)
    if request.pixel_format is PixelFormat.A8:
        raise InvalidRequest("layers cannot come back as A8", "Ask for RGBA8 or RGBA16LE.")
    check_range("number of images", request.images, 1, MAX_IMAGES)
    check_range("strength", request.strength, 0.0, 1.0)
    if request.factor not in FACTORS:
        raise InvalidRequest(f"the factor is {request.factor}", "Choose 2 or 4.")
    if request.steps is not None:
        check_range("number of steps", request.steps, 1, 200)
    if request.cache_interval is not None:
        check_range("cache interval", request.cache_interval, 1, 10)
    check_range("clip skip", request.clip_skip, 0, 8)
    if request.guidance_scale is not None:
        check_range("guidance scale", request.guidance_scale, 0.0, 50.0)
    for layer in request.layers:
        check_range("layer strength", layer.strength, 0.0, 1.0)
        if layer.seed is not None:
            check_range("layer seed", layer.seed, 0, MAX_SEED)


def _check_add_ons(request: GenerateRequest) -> None:
    for hint in request.control:
        check_range("control weight", hint.weight, 0.0, 2.0)
        check_range("control start", hint.start, 0.0, 1.0)
        check_range("control end", hint.end, hint.start, 1.0)
    for prompt in request.image_prompts:
        check_range("weight of an image prompt", prompt.weight, 0.0, 2.0)
    for style in request.styles:
        check_range("weight of a style", style.weight, -2.0, 2.0)
    added = {
        mark("number of hints"): request.control,
        mark("number of image prompts"): request.image_prompts,
        mark("number of styles"): request.styles,
    }
    for what, there in added.items():
        check_range(what, len(there), 0, MAX_ADD_ONS)
    styles = [style.lora for style in request.styles]
    for name in (*styles, *(prompt.adapter for prompt in request.image_prompts if prompt.adapter is not None)):
        if not 0 < len(name) <= MAX_NAME:
            raise InvalidRequest(f"the name {name[:20]!r} has {len(name)} characters", "Choose one of the model's.")
    for name in styles:
        if styles.count(name) > 1:
            raise InvalidRequest(f"the style {name!r} is named twice", "Name it once; its weight may be up to 2.")
