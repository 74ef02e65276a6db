"""Compiles the loops over pixels: `python -m acetate_engine.compiling`, once an installation.

numba compiles them when they are imported first, which takes long seconds of the processor; a painter who cuts
something out would wait for it. It keeps them for this processor, beside their sources or, where nothing can be written
there, in the user's cache folder, and every later process reads them.
"""

from __future__ import annotations

import importlib

from acetate_engine.pictures.solvers import import_solvers


def compile_loops() -> None:
    """As they are imported."""
    import_solvers()
    importlib.import_module("acetate_engine.models.networks.pyramid")


if __name__ == "__main__":
    compile_loops()
