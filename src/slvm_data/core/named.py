"""Things by name, of which some come from elsewhere when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


class Named(dict[str, T]):
    """Things by name. `SOURCE:NAME` is what a source returns for NAME: it is not counted, and made when asked for.

    Every word that begins with a source is in here; the source raises ValueError if it has nothing of the name.
    """

    def __init__(self, own: Iterable[tuple[str, T]], sources: Mapping[str, Callable[[str], T]]) -> None:
        super().__init__(own)
        self.sources = sources

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and _source(name) in self.sources)

    def __missing__(self, name: str) -> T:
        if name not in self:
            raise KeyError(name)
        source, _, own = name.partition(":")
        return self.sources[source](own)


def _source(name: str) -> str:
    """What stands before the colon of a name; empty if it has none."""
    source, colon, _ = name.partition(":")
    return source if colon else ""
