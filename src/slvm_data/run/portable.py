"""A plan on its way to another process. The user's own modules that define its systems go along."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from socket import gethostname
from threading import Lock

import cloudpickle

from slvm_data.recipe.recipe import Recipe
from slvm_data.run.description import machine
from slvm_data.run.plan import Plan, Unit
from slvm_data.run.unit import make_unit
from slvm_data.simulation.batch import program
from slvm_data.store import formats, manifest
from slvm_data.store.formats import Format

_OPENING = Lock()  # a worker of Dask may have several threads


@dataclass(frozen=True)
class PortablePlan:
    """A plan as bytes. Only processes of this package open them, and only bytes that it has packed itself."""

    data: bytes
    software: str  # versions and class of machine, which have to be the same everywhere
    format: str

    @staticmethod
    def of(plan: Plan) -> PortablePlan:
        """Pack a plan."""
        with _by_value(plan.recipe):
            data = cloudpickle.dumps((plan.recipe, plan.batch, plan.layouts))
        return PortablePlan(data, _software(plan.format), plan.format.name)

    def open(self) -> Plan:
        """Unpack the plan; raises ValueError if other software would give other bytes, or if an import is missing."""
        written = formats.named(self.format)
        if (here := _software(written)) != self.software:
            raise ValueError(f"{gethostname()} has other software: {here}, and {self.software} began the run")
        try:
            recipe, batch, layouts = pickle.loads(self.data)
        except ImportError as error:
            raise ValueError(f"{error} on {gethostname()}: install what defines the system there too") from error
        return Plan(recipe, written, batch, layouts)


@contextmanager
def _by_value(recipe: Recipe) -> Iterator[None]:
    """Pickle the user's own modules as what they hold, not as names that other processes would have to import."""
    own = [sys.modules[name] for name in sorted(_own(recipe))]
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)


def _own(recipe: Recipe) -> set[str]:
    """Names of the modules that lie beside those that define the recipe's systems, and are not installed."""
    defining = [base.__module__ for system in recipe.tasks for base in type(system).__mro__]
    folders = {_folder(name) for name in defining if name == "__main__" or not _installed(name)}
    return {name for name in list(sys.modules) if not _installed(name) and _folder(name) in folders}


def _folder(name: str) -> Path | None:
    """The folder of a module, or of the package that contains it; None for one that was defined in no file.

    What is defined in a notebook imports modules from the working directory.
    """
    file = getattr(sys.modules.get(name), "__file__", None)
    if not file:
        return Path.cwd() if name == "__main__" else None
    levels = name.count(".") + (Path(file).name == "__init__.py")
    return Path(file).absolute().parents[levels]


def _installed(name: str) -> bool:
    """Whether other processes can import a module: it is of this package, of Python, or installed."""
    if name.partition(".")[0] in {"slvm_data", "__main__", *sys.stdlib_module_names}:
        return True
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    return not file or not {"site-packages", "dist-packages"}.isdisjoint(Path(file).parts)


def _software(written: Format) -> str:
    return ", ".join(f"{key} {value}" for key, value in (manifest.versions(written) | machine()).items())


@lru_cache(maxsize=1)
def _plan(portable: PortablePlan) -> Plan:
    """Unpack a plan, once in each process, so that everything compiles only once."""
    return portable.open()


def make(portable: PortablePlan, folder: Path, unit: Unit) -> None:
    """Make one unit of a plan that came from another process."""
    with _OPENING:
        plan = _plan(portable)
    make_unit(plan, folder, unit)


def in_turn(plan: Plan, units: list[Unit]) -> list[Unit]:
    """The order in which other processes make units: first one of each program, then the others, the largest first.

    So processes that begin compile different programs, which others take from them later, and no process has a large
    unit left to make when the others are done.
    """
    keys = {(unit.file.split, unit.file.task) for unit in units}
    programs = {key: program(plan.recipe_of(key[0]), key[1]) for key in keys}
    first = set({programs[unit.file.split, unit.file.task]: unit for unit in reversed(units)}.values())
    return sorted(units, key=lambda unit: (unit not in first, -_size(plan, unit)))


def _size(plan: Plan, unit: Unit) -> int:
    """Bytes of the rows of a unit, before they are compressed."""
    return (unit.stop - unit.first) * sum(form.row_size for form in plan.layouts[unit.file].forms.values())
