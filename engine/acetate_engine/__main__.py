"""`python -m acetate_engine` is `acetate`."""

from acetate_engine.cli import app

app()
