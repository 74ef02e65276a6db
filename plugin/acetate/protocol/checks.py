"""Whether a request can be done as asked: what is wrong is named, with its remedy."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from acetate.language import mark
from acetate.protocol.errors import InvalidRequest
from acetate.protocol.pictures import check_light, check_subject
from acetate.protocol.pixels import MAX_PIXELS, PixelFormat, is_digest
from acetate.protocol.ranges import (
    FACTORS,
    MAX_ADD_ONS,
    MAX_COORDINATE,
    MAX_IMAGES,
    MAX_LAYERS,
    MAX_NAME,
    MAX_PROMPT,
    MAX_SEED,
    check_range,
)
from acetate.protocol.slots import Role, Slot
from acetate.protocol.tasks import Task

if TYPE_CHECKING:
    from acetate.protocol.requests import GenerateRequest


def check_request(request: GenerateRequest, coming: Collection[Slot]) -> None:
    """See GenerateRequest.validate."""
    _check_prompts(request)
    _check_stack(request, coming)
    _check_geometry(request)
    _check_conditions(request, coming)
    _check_numbers(request)
    _check_add_ons(request)
    check_subject(request.subject, request.covered)
    check_light(request.light)


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
    followers = [*(hint.layer for hint in request.control), *(prompt.layer for prompt in request.image_prompts)]
    for layer in followers:
        if layer is not None and not 0 <= layer < len(request.layers):
            raise InvalidRequest(
                f"layer {layer + 1} of the stack is to follow a picture, and there are {len(request.layers)}",
                "Name one of them, or none.",
            )
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
