"""`acetate pixels`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acetate.protocol.errors import FileError


def pixels(
    save: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep the pixels in a new file.")] = None,
    compare: Annotated[Path | None, typer.Option(metavar="FILE", help="Compare with pixels that were kept.")] = None,
) -> None:
    """Make twenty fixed requests with the embedded model; print a digest of each.

    Two versions of the code that print the same digests on one machine give the same bytes. Exit status 1 where a pixel
    is more than 2/255 away from the one that was kept.
    """
    from acetate_engine.verification.pixels import ALLOWED, References, digest_of, make_all
    from acetate_engine.verification.pixels import save as keep

    if save is not None and save.exists():
        raise FileError(f"{save} is there already", "Delete it, or name another file.")
    kept = None if compare is None else References.read(compare)
    differs = False
    for name, layers in make_all():
        line = f"{digest_of(layers)}  {name}"
        if save is not None:
            keep(save, name, layers)
        if kept is not None:
            difference = kept.difference(name, layers)
            differs |= difference > ALLOWED
            line += f"  {255 * difference:.2f}/255" + ("  differs" if difference > ALLOWED else "")
        typer.echo(line)
    if differs:
        raise typer.Exit(1)
