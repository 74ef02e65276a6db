"""Libraries' progress bars and advice, which mean nothing to who asked for a layer."""

from __future__ import annotations

import os
import sys
import warnings

_ENVIRONMENT = {  # what they read when they are imported
    "DIFFUSERS_VERBOSITY": "error",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}


def quiet_libraries() -> None:
    """From now on diffusers, transformers and peft say errors alone. To be called before their models are imported."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for library in ("diffusers", "transformers", "peft"):
        warnings.filterwarnings("ignore", module=rf"{library}\.")
    if "transformers" in sys.modules:  # importing it takes long, and not every model wants it
        from transformers.utils import logging as transformers_logging

        transformers_logging.set_verbosity_error()
        transformers_logging.disable_progress_bar()
    from diffusers.utils import logging as diffusers_logging

    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()
