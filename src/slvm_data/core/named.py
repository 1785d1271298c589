"""Things by name, of which some come from elsewhere when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import TypeVar

T = TypeVar("T")


class Named(MutableMapping[str, T]):
    """Things by name. `SOURCE:NAME` is what a source returns for NAME: it is not counted, and made when asked for.

    Every word that begins with a source is in here; the source raises ValueError if it has nothing of the name.
    """

    def __init__(self, own: Iterable[tuple[str, T]], sources: Mapping[str, Callable[[str], T]]) -> None:
        self._own, self.sources = dict(own), sources

    def __contains__(self, name: object) -> bool:
        return name in self._own or (isinstance(name, str) and _source(name) in self.sources)

    def __getitem__(self, name: str) -> T:
        return self._own[name] if name in self._own else self.__missing__(name)

    def __missing__(self, name: str) -> T:
        if name not in self:
            raise KeyError(name)
        source, _, own = name.partition(":")
        return self.sources[source](own)

    def __setitem__(self, name: str, thing: T) -> None:
        self._own[name] = thing

    def __delitem__(self, name: str) -> None:
        del self._own[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join([*self, *(f'{source}:…' for source in self.sources)])})"


def _source(name: str) -> str:
    """What stands before the colon of a name; empty if it has none."""
    source, colon, _ = name.partition(":")
    return source if colon else ""
