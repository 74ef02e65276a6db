"""torch and diffusers without what networks need only now and then: for a worker, whose first layer somebody waits for.

Importing one UNet of diffusers imports peft, transformers, three parts of scipy and torch's compiler wherever they are
installed: 2.5 s of processor time and 200 MB, and the plain layers of the embedded model use none of it. All of it is
optional to diffusers, which asks at the top of its modules what is there. torch itself imports what its operators do to
tensors without values ("meta"), in Python: a quarter of its import, and needed by its compiler and by large models.

`lean_diffusers` imports the networks while these seem to be absent; `whole_diffusers` reads those modules again that
have noticed, before a model or a method is loaded that may want them. A process that calls neither has all of it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch

_NETWORKS = (
    "diffusers.models.unets.unet_2d_condition",
    "diffusers.models.autoencoders",
    "diffusers.models.controlnets",
    "diffusers.schedulers.scheduling_utils",
)
_LISTS = ("diffusers.loaders", "diffusers.models", "diffusers.schedulers")  # of names, which depend on what is there
_NOTICING = (  # modules that have other names at their top where something is absent
    "diffusers.quantizers.pipe_quant_config",
    "diffusers.hooks.layerwise_casting",
    "diffusers.loaders.lora_base",
    "diffusers.loaders.single_file_utils",
    "diffusers.models.autoencoders.autoencoder_rae",
)
_LATER = ("scipy.stats", "scipy.integrate")  # imported at their first use: of schedulers that no preset has

_META = "torch._meta_registrations"

_is_lean = False


def lean_diffusers() -> None:
    """Import torch and the networks of diffusers; nothing happens where these are imported already."""
    global _is_lean  # as sys.modules is
    if _NETWORKS[0] in sys.modules:
        return
    _import_torch()
    with _absent({"torch._dynamo": _compiler()}):
        import diffusers.utils.import_utils as found
    for name in _LISTS:
        importlib.import_module(name)
    later = {name: _later(name) for name in _LATER}
    with (
        _absent({"torch._dynamo": _compiler(), "peft": None, "transformers": None, **later}),
        patch.multiple(found, _peft_available=False, _transformers_available=False),
    ):
        for name in _NETWORKS:
            importlib.import_module(name)
        _import_schedulers()
    utils: Any = sys.modules["diffusers.utils"]
    utils.USE_PEFT_BACKEND = False  # each step would import it, to scale no LoRA
    _is_lean = True


def _import_torch() -> None:
    """What stands for that module stays: others of torch can be imported before it only where it seems to be there."""
    if "torch" not in sys.modules:
        sys.modules[_META] = _later(_META)
    importlib.import_module("torch")
    importlib.import_module("torch._prims.rng_prims")  # torch.Generator wants it, and came by it with the others


def _import_schedulers() -> None:
    """Those that may take each other's place: making one of them asks for all."""
    diffusers = sys.modules["diffusers"]
    for kind in sys.modules["diffusers.schedulers.scheduling_utils"].KarrasDiffusionSchedulers:
        getattr(diffusers, kind.name)


def whole_diffusers() -> None:
    """What `lean_diffusers` has left out of either is there again."""
    global _is_lean
    if not _is_lean:
        return
    _is_lean = False
    _real(_META)
    utils: Any = sys.modules["diffusers.utils"]
    utils.USE_PEFT_BACKEND = importlib.import_module("diffusers.utils.constants").USE_PEFT_BACKEND
    for name in _NOTICING:
        importlib.reload(sys.modules[name])  # functions and classes that refer to it see what it has now


def _compiler() -> ModuleType:
    """For `torch._dynamo`: nothing is compiled, so nothing is to be registered with it."""

    def allow_in_graph(made: Any) -> Any:
        return made

    def disable(made: Callable[..., Any] | None = None, recursive: bool = True, **_: object) -> Any:
        from torch._compile import _disable_dynamo

        return _disable_dynamo(made, recursive)  # torch's own way, which looks for the compiler at the call

    module = ModuleType("torch._dynamo")
    module.__dict__.update(allow_in_graph=allow_in_graph, disable=disable)
    return module


@contextmanager
def _absent(instead: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """What stands for modules that are not imported yet; None: importing them fails."""
    own = {name: module for name, module in instead.items() if name not in sys.modules}
    sys.modules.update(own)  # type: ignore[arg-type]  # None is what the import system asks for
    try:
        yield
    finally:
        for name in own:
            del sys.modules[name]


class _Later(ModuleType):
    """In place of a module that is imported when something of it is asked for."""


def _later(name: str) -> ModuleType:
    def there(wanted: str) -> object:
        if wanted.startswith("__"):
            raise AttributeError(wanted)
        return getattr(_real(name), wanted)

    module = _Later(name)
    module.__dict__["__getattr__"] = there
    return module


def _real(name: str) -> ModuleType:
    """The module itself, where another one stands for it still."""
    if isinstance(sys.modules.get(name), _Later):
        del sys.modules[name]
    return importlib.import_module(name)
