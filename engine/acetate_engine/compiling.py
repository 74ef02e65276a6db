"""Compiles the loops over pixels: `python -m acetate_engine.compiling`, once an installation.

numba compiles them when they are imported first, which takes most of a minute of the processor; a painter who cuts
something out would wait for it. It keeps them for this processor, beside their sources or, where nothing can be written
there, in the user's cache folder, and every later process reads them.
"""

from __future__ import annotations

import importlib

_COMPILED = ("pymatting", "acetate_engine.models.networks.pyramid")  # as they are imported


def compile_loops() -> None:
    for name in _COMPILED:
        importlib.import_module(name)


if __name__ == "__main__":
    compile_loops()
