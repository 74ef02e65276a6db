"""Where model files lie: the data directory's own folder, and those of other programs, just as they are. Torch-free.

`models` of the data directory, and every folder that `acetate models scan` was told of: ComfyUI's, Forge's and A1111's
have folders of other names for the same things. Nothing in them is moved, copied or changed.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache
from pathlib import Path

from acetate.protocol.codec import is_text
from acetate.protocol.errors import FileError
from acetate.protocol.kept import FORM
from acetate.protocol.whole import write_whole
from acetate_engine.models.checkpoints.formats import START, is_model
from acetate_engine.models.families.extra_paths import NAME, SUFFIXES, folders_of
from acetate_engine.paths import data_dir, is_file, is_folder, models_dir

MODEL_SUFFIXES = {".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".pkl", ".gguf", ".onnx", ".h5", ".msgpack"}
_BESIDE_MODELS = {".txt", ".json", ".yaml", ".yml", ".md", ".html", ".info", ".png", ".jpg", ".jpeg", ".webp", ".mp4"}
_SETTING = "model_folders.json"
_DEEPEST = 6  # folders within a folder


_INNER = (  # of a root, in any case: packages wrap what they bring, and InvokeAI has a folder a family
    *("", "models", "comfyui", "comfyui/models", "webui", "webui/models"),
    *("data/models", "server/comfyui", "server/comfyui/models"),
    *("models/sd-1", "models/sdxl", "models/any", "sd-1", "sdxl", "any"),
)


class Shelf(Enum):
    """What belongs together: names of its folder, ours first, then those of other programs."""

    CHECKPOINTS = (
        *("checkpoints", "stable-diffusion", "stablediffusion", "diffusion_models", "diffusionmodels", "unet"),
        *("diffusers", "main"),
    )
    LAYERS = ("layerdiffuse", "layer_model")
    LORAS = ("loras", "lora", "lycoris")
    VAE = ("vae",)
    TEXT_ENCODERS = ("text_encoders", "text_encoder", "textencoders", "clip")
    EMBEDDINGS = ("embeddings", "embedding")
    CONTROLNET = ("controlnet",)
    ADAPTERS = ("adapters", "t2i_adapter")
    IP_ADAPTER = ("ip_adapter", "ipadapter")
    IMAGE_ENCODERS = ("clip_vision", "clipvision")


_EXTENSIONS = {  # of A1111, with models of their own
    Shelf.CONTROLNET: ("extensions/sd-webui-controlnet/models",),
    Shelf.LORAS: ("extensions/sd-webui-additional-networks/models/lora",),
}


@dataclass(frozen=True)
class Item:
    """A model file, or a folder in diffusers' layout."""

    path: Path
    folder: Path  # that of its shelf

    @cached_property
    def stem(self) -> str:
        return self.path.name if self.path.suffix.lower() not in MODEL_SUFFIXES else self.path.stem

    @cached_property
    def inner(self) -> str:
        """Its place in the shelf's folder, without suffix, with `/` on every system."""
        return (self.path.parent.relative_to(self.folder) / self.stem).as_posix()


def roots() -> list[Path]:
    """The data directory's folder first."""
    return [models_dir(), *scanned_folders()]


def scanned_folders() -> list[Path]:
    """Of other programs, as `acetate models scan` has noted them; what cannot be read counts as none."""
    try:
        noted = json.loads((data_dir() / _SETTING).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []  # none were noted, or `acetate models scan` has to note them again
    folders = noted.get("folders") if isinstance(noted, dict) else noted  # before it had a version it was a list
    return [Path(text) for text in folders if _is_place(text)] if isinstance(folders, list) else []


def _is_place(noted: object) -> bool:
    """Whether a disk may have a folder of that name."""
    return isinstance(noted, str) and is_text(noted) and "\0" not in noted


def note_folders(folders: Iterable[Path]) -> None:
    """In place of those that were noted before."""
    kept = {"version": FORM, "folders": [str(folder) for folder in folders]}
    write_whole(data_dir() / _SETTING, (json.dumps(kept, indent=2) + "\n").encode())


def require_models_in(folder: Path) -> None:
    """Before a folder is noted, or a file like ComfyUI's extra_model_paths.yaml.

    Raises:
        FileError: it is neither, or such a file in it cannot be read; later, that counts as none.
    """
    if not is_folder(folder) and not (is_file(folder) and folder.suffix.lower() in SUFFIXES):
        raise FileError(f"{folder} is no folder", "Choose the folder that the other program keeps its models in.")
    for file in extra_files(folder):
        folders_of(file)


def items(shelf: Shelf) -> list[Item]:
    """All of a shelf, in subfolders too, our own first; links count as what they lead to."""
    return Shelves().items(shelf)


class Shelves:
    """All of them at one moment: nothing is looked into twice, however many are asked for."""

    def __init__(self) -> None:
        self._roots = [(root, _Listed()) for root in roots()]
        self._found: dict[Shelf, list[Item]] = {}

    def items(self, shelf: Shelf) -> list[Item]:
        if shelf not in self._found:
            seen: set[str] = set()  # a link may lead back
            folders = [folder for root, there in self._roots for folder in _shelf_folders(root, shelf, there)]
            found = [item for folder in folders for item in _walk(folder, folder, 0, seen)]
            self._found[shelf] = list({item.path: item for item in found}.values())
        return self._found[shelf]


def shelf_folders(root: Path, shelf: Shelf) -> list[Path]:
    """Those of a root that are named as the shelf's are, in any case, and those that its extra_model_paths.yaml names.

    A root may be such a file itself.
    """
    return _shelf_folders(root, shelf, _Listed())


def _shelf_folders(root: Path, shelf: Shelf, there: _Listed) -> list[Path]:
    found, extra = [], there.extra(root)
    for base in there.bases(root):
        found += [entry for name in shelf.value for entry in there.named(base, name) if is_folder(entry)]
    found += [folder for inner in _EXTENSIONS.get(shelf, ()) if is_folder(folder := root / inner)]
    return [*found, *(folder for name in shelf.value for folder in extra.get(name, ()) if is_folder(folder))]


def extra_files(root: Path) -> list[Path]:
    return _Listed().extra_files(root)


class _Listed:
    """Folders that are looked into once for what is named, in any case."""

    def __init__(self) -> None:
        self._there: dict[Path, dict[str, list[Path]]] = {}
        self._bases: dict[Path, list[Path]] = {}
        self._extra: dict[Path, dict[str, list[Path]]] = {}

    def named(self, folder: Path, name: str) -> list[Path]:
        if folder not in self._there:
            self._there[folder] = defaultdict(list)
            for entry in _entries(folder):
                self._there[folder][entry.name.lower()].append(entry)
        return self._there[folder].get(name, [])

    def bases(self, root: Path) -> list[Path]:
        """The folders within a root that may hold shelves."""
        if root not in self._bases:
            self._bases[root] = [folder for inner in _INNER for folder in self._within(root, inner)]
        return self._bases[root]

    def _within(self, root: Path, inner: str) -> list[Path]:
        folders = [root]
        for name in filter(None, inner.split("/")):
            folders = [entry for folder in folders for entry in self.named(folder, name)]
        return folders

    def extra_files(self, root: Path) -> list[Path]:
        return [root] if root.suffix.lower() in SUFFIXES else [base / NAME for base in self.bases(root)]

    def extra(self, root: Path) -> dict[str, list[Path]]:
        """What cannot be read counts as none: `acetate models scan` has said so."""
        if root not in self._extra:
            found = self._extra[root] = defaultdict(list)
            for file in self.extra_files(root):
                with suppress(FileError):  # said by the scan
                    for kind, folders in folders_of(file).items():
                        found[kind] += folders
        return self._extra[root]


def _walk(folder: Path, top: Path, depth: int, seen: set[str]) -> Iterator[Item]:
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    for entry in _entries(folder):
        if entry.name.startswith("."):
            continue
        if entry.suffix.lower() in MODEL_SUFFIXES or _is_model_folder(entry) or _is_model_file(entry):
            yield Item(entry, top)
        elif depth < _DEEPEST and is_folder(entry):
            yield from _walk(entry, top, depth + 1, seen)


def _is_model_file(path: Path) -> bool:
    """Whatever its name says; what commonly lies beside models is not opened, all else once."""
    if path.suffix.lower() in _BESIDE_MODELS or not is_file(path):
        return False
    try:
        state = path.stat()
        return _begins_as_model(path, state.st_size, state.st_mtime_ns)
    except OSError:
        return False  # what cannot be opened is no model; loading it says why


@lru_cache(maxsize=4096)
def _begins_as_model(path: Path, size: int, modified: int) -> bool:
    """Size and time make a changed file another. Raises OSError."""
    with path.open("rb") as file:
        return is_model(file.read(START))


def _is_model_folder(path: Path) -> bool:
    return any(is_file(path / name) for name in ("model_index.json", "config.json"))


def _entries(folder: Path) -> list[Path]:
    """In order of their names; none of a folder that cannot be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []  # `acetate models scan` names folders that cannot be read


def named(found: Iterable[Item], reserved: frozenset[str] = frozenset()) -> dict[str, Item]:
    """Each by the name that requests call it: its stem, and where that is taken, more of its path."""
    given = list(found)
    stems = Counter(item.stem for item in given)
    inner = Counter(item.inner for item in given)
    names: dict[str, Item] = {}
    for item in given:
        choices = [item.stem] if stems[item.stem] == 1 else []
        choices += [item.inner] if inner[item.inner] == 1 else []
        choices += [f"{item.folder.name}/{item.inner}", item.path.as_posix()]
        name = next(name for name in choices if (name not in reserved and name not in names) or name == choices[-1])
        names[name] = item
    return names


def absolute(folder: Path) -> Path:
    """As it is noted: links are kept, `~` is not."""
    return Path(os.path.abspath(folder.expanduser()))  # noqa: PTH100  # resolve() would follow links
