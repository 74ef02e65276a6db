"""Libraries' progress bars and advice, which mean nothing to who asked for a layer."""

from __future__ import annotations

import warnings


def quiet_libraries() -> None:
    """From now on diffusers, transformers and peft say errors alone. To be called before their models are imported."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    from diffusers.utils import logging as diffusers_logging

    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()
    for library in ("diffusers", "transformers", "peft"):
        warnings.filterwarnings("ignore", module=rf"{library}\.")
