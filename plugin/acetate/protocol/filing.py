"""What a sender keeps beside a job. It decides nothing of the result, and may change."""

from __future__ import annotations

from dataclasses import dataclass

MAX_DOCUMENT = 200  # characters
MAX_PRIORITY = 100


@dataclass(frozen=True)
class Filing:
    document: str = ""  # what it is for, as the sender names it
    priority: int = 0  # of the jobs that wait the highest goes first, of equal ones the oldest
    listed: bool = True  # a sketch, or a job of which all was thrown away, is not: it goes first
    starred: tuple[int, ...] = ()  # alternatives; a job with one goes last when room is made
    discarded: tuple[int, ...] = ()  # alternatives that were thrown away
    applied: tuple[int, ...] = ()  # alternatives that were put into a document; a result without one goes late


@dataclass(frozen=True)
class Refiling:
    """PATCH /v1/jobs/{id}: what is None stays as it is."""

    priority: int | None = None
    listed: bool | None = None
    starred: tuple[int, ...] | None = None
    discarded: tuple[int, ...] | None = None
    applied: tuple[int, ...] | None = None

    @property
    def changes(self) -> dict[str, int | bool | tuple[int, ...]]:
        return {name: value for name, value in vars(self).items() if value is not None}
