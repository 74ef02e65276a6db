"""What every command that generates does: its options, by `@generating`, and the way from engine to file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from acetate.protocol.errors import InvalidRequest
from acetate.protocol.requests import MAX_SEED, ControlKind, Preset, Style
from acetate_engine.commands.output import Bar, engine_for, print_result, progress_bar, reported

if TYPE_CHECKING:
    from acetate_engine.asking import Hint, Look
    from acetate_engine.documents.tree import Layer
    from acetate_engine.engine import Engine
    from acetate_engine.results import Result

T = TypeVar("T", bound=Callable[..., None])

_KINDS = ", ".join(kind.value for kind in ControlKind)


@dataclass(frozen=True)
class Saving:
    """How a result is written."""

    provenance: Annotated[
        bool, typer.Option(help="Say in the file how it was made: IPTC source type and recipe, as XMP.")
    ] = True
    alpha_as_mask: Annotated[
        bool, typer.Option("--alpha-as-mask", help="Opaque layers, each with its transparency as a mask (PSD).")
    ] = False


@dataclass(frozen=True)
class How:
    """What decides the pixels besides the task and its pictures."""

    seed: Annotated[
        int | None, typer.Option(min=0, max=MAX_SEED, help="Same seed, same pixels.", show_default="drawn")
    ] = None
    preset: Annotated[Preset, typer.Option("--preset", help="draft is quick, final is good.")] = Preset.DRAFT
    model: Annotated[str, typer.Option("--model", "-m", help="`acetate models` lists them.")] = "mini"
    negative_prompt: Annotated[str, typer.Option(help="What should not appear.")] = ""
    steps: Annotated[int | None, typer.Option(min=1, max=200, help="Denoise steps.", show_default="the preset's")] = (
        None
    )
    cache_interval: Annotated[
        int | None,
        typer.Option(min=1, max=10, help="Compute one of so many steps, 1: all.", show_default="the preset's"),
    ] = None
    guidance_scale: Annotated[float | None, typer.Option(help="Guidance scale.", show_default="the model's")] = None
    finish: Annotated[bool, typer.Option(help="Clear edges and no grain where a result is enlarged.")] = True
    style: Annotated[
        list[str] | None, typer.Option(metavar="NAME[:WEIGHT]", help="A style of the model; may be repeated.")
    ] = None
    image_prompt: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE[:WEIGHT]", help="A picture whose look the result gets; may be repeated."),
    ] = None
    image_adapter: Annotated[
        str | None, typer.Option(metavar="NAME", help="What reads --image-prompt.", show_default="the model's first")
    ] = None
    control: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND:FILE[:WEIGHT]", help=f"A picture to follow, KIND {_KINDS}; may be repeated."),
    ] = None

    @property
    def settings(self) -> dict[str, Any]:
        """Fields of GenerateRequest, but for the seed."""
        return {
            "preset": self.preset,
            "model": self.model,
            "negative_prompt": self.negative_prompt,
            "steps": self.steps,
            "cache_interval": self.cache_interval,
            "guidance_scale": self.guidance_scale,
            "finish": self.finish,
            "styles": tuple(Style(name, weight) for name, weight in map(_weighted, self.style or [])),
        }

    @property
    def looks(self) -> tuple[Look, ...]:
        from acetate_engine.asking import Look

        weighted = map(_weighted, self.image_prompt or [])
        return tuple(Look(Path(name), weight, self.image_adapter) for name, weight in weighted)

    @property
    def hints(self) -> tuple[Hint, ...]:
        """Raises InvalidRequest."""
        return tuple(map(_hint, self.control or []))

    @property
    def files(self) -> tuple[Path, ...]:
        """What is read for it. Raises InvalidRequest."""
        pictures = [look.picture for look in self.looks] + [hint.picture for hint in self.hints]
        return tuple(Path(picture) for picture in pictures if isinstance(picture, (str, Path)))

    @property
    def arguments(self) -> dict[str, Any]:
        """Of Engine.generate and Engine.stack. Raises InvalidRequest."""
        return {"seed": self.seed, "hints": self.hints, "looks": self.looks, **self.settings}


_GROUPS: dict[str, type[Any]] = {"how": How, "saving": Saving}


def generating(command: T) -> T:
    """The parameters `how` and `saving` of a command become one option for each field of How and of Saving."""
    own = inspect.signature(command, eval_str=True).parameters
    shared = {name: inspect.signature(_GROUPS[name], eval_str=True).parameters for name in own if name in _GROUPS}

    @wraps(command)
    def with_options(**given: Any) -> None:
        grouped = {name: _GROUPS[name](**{each: given.pop(each) for each in of}) for name, of in shared.items()}
        command(**grouped, **given)

    def parameters() -> Iterator[inspect.Parameter]:
        for name, parameter in own.items():
            for each in shared[name].values() if name in shared else [parameter]:
                yield each.replace(kind=inspect.Parameter.KEYWORD_ONLY)

    listed = list(parameters())
    with_options.__signature__ = inspect.Signature(listed)  # type: ignore[attr-defined]  # what Typer looks at
    with_options.__annotations__ = {each.name: each.annotation for each in listed}
    return with_options  # type: ignore[return-value]  # called by Typer, with these options


@dataclass
class Making:
    """What a command needs from its first check to its last line; made by `making`."""

    out: Path
    saving: Saving
    bar: Bar
    _is_remote: bool
    _as_json: bool

    def reads(self, *files: Path | None) -> None:
        """Raises FileError where `out` cannot be written, or is one of these."""
        from acetate_engine.documents.writer import check_writable

        check_writable(self.out, [path for path in files if path is not None])

    @cached_property
    def engine(self) -> Engine:
        """Raises EngineUnreachable."""
        return engine_for(self._is_remote)

    def save(self, result: Result, below: Sequence[Layer] = ()) -> None:
        """Above the layers of `below`; then says what was made."""
        seconds = self.bar.seconds
        self.bar.end()
        result.save(self.out, below, **asdict(self.saving))
        print_result(result, self.out, seconds, self._as_json)


@contextmanager
def making(out: Path, as_json: bool, remote: bool, saving: Saving) -> Iterator[Making]:
    with reported(as_json), progress_bar() as bar:
        yield Making(out, saving, bar, remote, as_json)


def rework_into(out: Path, as_json: bool, remote: bool, saving: Saving, prompt: str, **fields: Any) -> None:
    """One task of Engine.generate, whose fields these are; nothing lies below."""
    with making(out, as_json, remote, saving) as run:
        run.reads(*(one for one in fields.values() if isinstance(one, Path)))
        run.save(run.engine.generate(prompt, reporter=run.bar, **fields))


def _weighted(text: str) -> tuple[str, float]:
    """ "NAME:WEIGHT"; 1 where there is no weight. A name may hold colons."""
    name, _, weight = text.rpartition(":")
    try:
        return (name, float(weight)) if name else (text, 1.0)
    except ValueError:
        return text, 1.0  # no number behind the colon: it belongs to the name


def _hint(text: str) -> Hint:
    from acetate_engine.asking import Hint

    kind, _, rest = text.partition(":")
    if not rest or kind not in {known.value for known in ControlKind}:
        raise InvalidRequest(f"the control {text!r} is not one", f"Give KIND:FILE or KIND:FILE:WEIGHT, KIND {_KINDS}.")
    name, weight = _weighted(rest)
    return Hint(ControlKind(kind), Path(name), weight)
