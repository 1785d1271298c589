"""Send a recipe to another process, with the user's own files that define its systems."""

from __future__ import annotations

import io
import pickle
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from socket import gethostname
from threading import Lock
from types import ModuleType
from typing import Any

from slvm_data.core.files import sha256
from slvm_data.recipe.own_file import is_recipe, load
from slvm_data.recipe.recipe import Recipe
from slvm_data.run.description import machine
from slvm_data.run.shards import FORMAT, Plan, Shard, make_shard
from slvm_data.store import manifest

_OPENING = Lock()  # a worker of Dask may have several threads


@dataclass(frozen=True)
class Module:
    """A module of the user that defines systems, which other processes may not have."""

    name: str
    file: Path
    digest: str

    @staticmethod
    def of(name: str) -> Module | None:
        """Describe the module of this name; None if it is installed with the environment, or not defined in a file."""
        file = Path(getattr(sys.modules[name], "__file__", None) or "").absolute()
        installed = name.startswith("slvm_data.") or not {"site-packages", "dist-packages"}.isdisjoint(file.parts)
        return None if installed or not file.is_file() else Module(name, file, sha256(file))

    @property
    def top(self) -> str:
        """Name of the package that contains the module, or its own name."""
        return self.name.partition(".")[0]

    def fetch(self) -> ModuleType:
        """Execute the module in this process and return it; raises ValueError if it is missing here or has changed."""
        if not self.file.is_file():
            raise ValueError(f"{self.file} is not there on {gethostname()}: put it where all workers see it")
        if sha256(self.file) != self.digest:
            raise ValueError(f"{self.file} on {gethostname()} is not what it was when the run began: run it again")
        return load(self.file) if is_recipe(self.name) else self._import()

    def _import(self) -> ModuleType:
        """Import the module by its name, so that others can import it too, from the folder where it was found."""
        folder = str(self.file.parents[self.name.count(".") + (self.file.name == "__init__.py")])
        sys.path.append(folder)  # last, so that nothing beside the file hides a library
        try:
            if self.top not in sys.modules:
                _execute(self.top, folder)
            return import_module(self.name)
        except Exception as error:  # the file is the user's: anything may go wrong in it
            what = f"{type(error).__name__}: {error}"
            raise ValueError(f"{self.file} cannot be imported on {gethostname()}: {what}") from error


@dataclass(frozen=True)
class PortableRecipe:
    """A recipe as bytes. Only processes of this package open them, and only bytes that it has packed itself."""

    data: bytes
    modules: tuple[Module, ...]
    software: str  # versions and class of machine, which have to be the same everywhere

    @staticmethod
    def of(recipe: Recipe) -> PortableRecipe:
        """Pack a recipe; raises ValueError for a system that was not defined in a file, as in a notebook."""
        names = dict.fromkeys(type(system).__module__ for system in recipe.tasks)
        found = {name: Module.of(name) for name in names}
        for name, module in found.items():
            if module is None and is_recipe(name):
                raise ValueError(f"{recipe.name}: other processes need its system in a .py file: {name} is none")
        return PortableRecipe(pickle.dumps(recipe), tuple(filter(None, found.values())), _software())

    def open(self) -> Recipe:
        """Unpack the recipe; the files that define its systems are executed in this process.

        Raises ValueError if one of them is missing or has changed, or if other software would give other bytes.
        """
        if (here := _software()) != self.software:
            raise ValueError(f"{gethostname()} has other software: {here}, and {self.software} began the run")
        tops = {module.top for module in self.modules}
        for old in [name for name in sys.modules if name.partition(".")[0] in tops - {"__main__"}]:
            del sys.modules[old]  # a worker that served an earlier run may have imported it then
        own = {module.name: module.fetch() for module in self.modules}

        class Unpickler(pickle.Unpickler):
            def find_class(self, module: str, name: str, /) -> Any:
                return getattr(own[module], name) if module in own else super().find_class(module, name)

        try:
            return Unpickler(io.BytesIO(self.data)).load()
        except ImportError as error:
            raise ValueError(f"{error} on {gethostname()}: install what defines the system there too") from error


def _software() -> str:
    return ", ".join(f"{key} {value}" for key, value in (manifest.versions(FORMAT) | machine()).items())


def _execute(name: str, folder: str) -> None:
    """Import a module or package from this folder, and from no other."""
    spec = PathFinder.find_spec(name, [folder])
    assert spec
    assert spec.loader
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)


@lru_cache(maxsize=1)
def _plan(portable: PortableRecipe) -> Plan:
    """Unpack a recipe, once in each process, so that everything compiles only once."""
    return Plan(portable.open())


def make(portable: PortableRecipe, folder: Path, shard: Shard) -> None:
    """Make one shard of a recipe that came from another process."""
    with _OPENING:
        plan = _plan(portable)
    make_shard(plan, folder, shard)
