"""What can be made, and what each task takes and gives. A new task is a row here, a recipe, and its family's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class LayerRole(str, Enum):
    FOREGROUND = "foreground"  # transparent
    BACKGROUND = "background"  # opaque
    BLENDED = "blended"  # opaque
    SELECTION = "selection"  # white, its alpha is what is selected
    LIGHT = "light"  # transparent; clipped to what lies below it


class Task(str, Enum):
    FOREGROUND = "foreground"  # text → transparent layer
    JOINT = "joint"  # text → foreground and background together
    FOREGROUND_ON_BACKGROUND = "foreground_on_background"
    BACKGROUND_BEHIND_FOREGROUND = "background_behind_foreground"
    BLEND = "blend"  # foreground, background → blended picture
    STACK = "stack"  # prompts, bottom to top → layers, each conditioned on those below
    REFINE = "refine"  # foreground → another version of it, alpha free
    INPAINT = "inpaint"  # foreground, mask → repainted inside the mask
    EXTRACT = "extract"  # foreground → its subjects, with soft alpha and their own colour
    SELECT = "select"  # foreground → its subject as a selection; with a mask → that selection with a finer edge
    REMOVE = "remove"  # foreground, without its subject or what the mask covers → what may lie behind
    DECOMPOSE = "decompose"  # foreground → background and subjects, which together look like it
    EXPAND = "expand"  # foreground, transparent around something → what lies beyond that, over its edge
    MATCH_LIGHT = "match_light"  # foreground, background → the light of the background, to be clipped to the foreground
    CONTACT_SHADOW = "contact_shadow"  # foreground → the shadow where it stands, under it
    CAST_SHADOW = "cast_shadow"  # foreground → the shadow that it casts
    REFLECTION = "reflection"  # foreground → it upside down under it, fading
    UPSCALE = "upscale"  # foreground → two or four times as large
    EDGES = "edges"  # foreground → its edges, white on black: a hint for ControlNet
    IDENTITY = "identity"  # returns its foreground: exercises the path of a pixel

    @property
    def traits(self) -> Traits:
        return TASKS[self]

    @property
    def needs_background(self) -> bool:
        return self.traits.background

    @property
    def needs_foreground(self) -> bool:
        return self.traits.foreground

    @property
    def needs_mask(self) -> bool:
        return self.traits.mask

    @property
    def needs_model(self) -> bool:
        return self.traits.model

    @property
    def needs_prompt(self) -> bool:
        return self.traits.prompt

    @property
    def reworks_layer(self) -> bool:
        return self.traits.reworks

    @property
    def uses_context(self) -> bool:
        return self.traits.context


@dataclass(frozen=True)
class Traits:
    """What a task takes, and what it gives."""

    label: str  # what a person calls it, everywhere: about two words, for a list in a narrow docker
    description: str = ""  # what comes of it, in a sentence; of each that a person can choose
    is_offered: bool = True  # in a list of tasks; False where a front end has another way to it
    background: bool = False  # it needs one
    foreground: bool = False  # it needs one
    mask: bool = False  # it needs one
    model: bool = True  # of a family; without, nothing is loaded
    prompt: bool = True  # of its own; a stack has one a layer
    reworks: bool = False  # the result is another version of the foreground, in its place
    behind: bool = False  # the result lies below the foreground
    context: bool = False  # what lies around the bounds counts
    subject: bool = False  # a box, clicks, and how many subjects say what is meant
    fills: bool = False  # a model of the painter's own goes on from what is found in the picture itself
    beyond: bool = False  # it works around the whole canvas: neither a region nor a selection counts
    reads: tuple[str, ...] = ()  # fields of the request that count besides those that the rest of the row brings
    returns: tuple[LayerRole, ...] = (LayerRole.FOREGROUND,)  # bottom to top, of one image; a stack: of one layer


def picture_task(label: str, description: str = "", **more: Any) -> Traits:
    """Of pixels alone: neither a model of a family nor words."""
    return Traits(label, description, foreground=True, model=False, prompt=False, **more)


_EDGE = ("light.softness", "light.opacity")
_LONG = ("light.length", *_EDGE)

TASKS: Mapping[Task, Traits] = {  # in the order in which a painter is offered them
    Task.FOREGROUND: Traits("New layer", "A transparent layer above the active one, from the prompt."),
    Task.FOREGROUND_ON_BACKGROUND: Traits(
        "Put in front",
        "Something that fits what lies below, as a layer above it.",
        background=True,
        reads=("background_prompt", "blended_prompt", "settle"),
    ),
    Task.BACKGROUND_BEHIND_FOREGROUND: Traits(
        "Paint behind",
        "A background that fits a layer, behind it.",
        foreground=True,
        context=True,
        behind=True,
        reads=("foreground_prompt", "blended_prompt"),
        returns=(LayerRole.BACKGROUND,),
    ),
    Task.JOINT: Traits(
        "Front and back",
        "A layer and its background, made together.",
        reads=("background_prompt", "blended_prompt"),
        returns=(LayerRole.BACKGROUND, LayerRole.FOREGROUND),
    ),
    Task.BLEND: Traits(
        "Blend layers",
        "A layer and its background, blended into one picture.",
        background=True,
        foreground=True,
        returns=(LayerRole.BLENDED,),
    ),
    Task.REFINE: Traits(
        "Refine layer", "Another version of a layer, as different as the strength says.", foreground=True, reworks=True
    ),
    Task.INPAINT: Traits(
        "Repaint selection",
        "A layer, painted anew inside the selection.",
        foreground=True,
        mask=True,
        reworks=True,
        context=True,
    ),
    Task.EXTRACT: picture_task(
        "Cut out",
        "The subject of a layer, with a soft edge and its own colour.",
        context=True,
        subject=True,
        reads=("subject.most",),
    ),
    Task.SELECT: picture_task(
        "Select subject",
        "A selection of the subject of a layer, or a finer edge for the selection there is.",
        context=True,
        subject=True,
        returns=(LayerRole.SELECTION,),
    ),
    Task.REMOVE: picture_task(
        "Remove subject",
        "What may lie behind the subject of a layer, or behind the selection.",
        context=True,
        subject=True,
        fills=True,
        reads=("seed",),
        returns=(LayerRole.BACKGROUND,),
    ),
    Task.DECOMPOSE: picture_task(
        "Split layer",
        "A layer taken apart into its background and its subjects, as a group.",
        subject=True,
        fills=True,
        reads=("seed", "subject.most"),
        returns=(LayerRole.BACKGROUND, LayerRole.FOREGROUND),
    ),
    Task.EXPAND: picture_task(
        "Paint beyond", "What lies beyond the edge of the canvas, as a layer of its own.", fills=True, beyond=True
    ),
    Task.CONTACT_SHADOW: picture_task(
        "Contact shadow", "The shadow where a layer stands, under it.", context=True, behind=True, reads=_EDGE
    ),
    Task.CAST_SHADOW: picture_task(
        "Cast shadow",
        "The shadow that a layer casts, under it.",
        context=True,
        behind=True,
        reads=("light.angle", *_LONG),
    ),
    Task.REFLECTION: picture_task(
        "Reflection", "The reflection of a layer, under it.", context=True, behind=True, reads=_LONG
    ),
    Task.MATCH_LIGHT: picture_task(
        "Match light",
        "The light of what lies below a layer, on it, as a layer of its own.",
        background=True,
        context=True,
        reads=("light.opacity",),
        returns=(LayerRole.LIGHT,),
    ),
    Task.UPSCALE: picture_task("Enlarge layer", "A layer, larger, with clear edges.", reads=("factor",)),
    Task.STACK: Traits(
        "Build stack",
        "A group of layers, one prompt each, every one fitting what lies below it.",
        is_offered=False,
        prompt=False,
    ),
    Task.EDGES: picture_task("Edges of a layer", is_offered=False, returns=(LayerRole.BACKGROUND,)),
    Task.IDENTITY: picture_task(
        "A layer as it is", is_offered=False, context=True, reads=("prompt", "seed", "images")
    ),  # as what paints does: it stands for that
}
