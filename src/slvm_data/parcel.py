"""A recipe on its way to another process, with the files that define its systems where those are the user's own."""

from __future__ import annotations

import io
import pickle
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from slvm_data.own_file import load
from slvm_data.recipe import Recipe
from slvm_data.shards import Plan, Shard, make_shard


@dataclass(frozen=True)
class Parcel:
    """A recipe as bytes. Only our own processes open it, and only what we have packed."""

    data: bytes
    files: tuple[tuple[str, str], ...]  # names of modules that cannot be imported elsewhere, and their files

    @staticmethod
    def of(recipe: Recipe) -> Parcel:
        """Raises ValueError for a system that was defined where there is no file, as in a notebook."""
        files = {}
        for name in dict.fromkeys(type(system).__module__ for system in recipe.tasks):
            if name == "__main__" or name.startswith("slvm_recipe_"):
                if not (file := getattr(sys.modules[name], "__file__", None)):
                    raise ValueError(f"{recipe.name}: other processes need its system in a .py file: {name} is none")
                files[name] = str(Path(file).resolve())
        return Parcel(pickle.dumps(recipe), tuple(files.items()))

    def open(self) -> Recipe:
        """The recipe; in this process the files that define its systems are executed for it."""
        own = {name: load(Path(file)) for name, file in self.files}

        class Unpickler(pickle.Unpickler):
            def find_class(self, module: str, name: str, /) -> Any:
                return getattr(own[module], name) if module in own else super().find_class(module, name)

        return Unpickler(io.BytesIO(self.data)).load()


@lru_cache(maxsize=1)
def _plan(parcel: Parcel) -> Plan:
    """Once in each process, so that everything compiles once."""
    return Plan(parcel.open())


def make(parcel: Parcel, folder: Path, shard: Shard) -> None:
    """Make one shard of what is in the parcel."""
    make_shard(_plan(parcel), folder, shard)
