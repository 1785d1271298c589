"""Fixtures and parametrisations that several tests share."""

import dataclasses
import gc
import os
import re
import signal
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial
from pathlib import Path

# Modules, and processes that tests begin, find what others have compiled: half of the time of all tests.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache/compiled"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.02")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
# Compiling is most of the time of all tests, and takes a third less so, for nearly the same code; datasets note it.
os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=2 --xla_cpu_use_fusion_emitters=false " + os.environ.get(
    "XLA_FLAGS", ""
)
# Tests run side by side; threads of NumPy and PyTorch for small matrices would mostly wait for each other, busily.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import jax
import pytest
import typer.main

from slvm_data import RECIPES, Hamiltonian, Recipe
from slvm_data import arrays as table
from slvm_data.core import compiled
from slvm_data.core.kinds import Kind
from slvm_data.core.types import Arrays
from slvm_data.datasets import NAMES
from slvm_data.simulation.batch import BATCH
from slvm_data.store.manifest import read

typer.main.get_command = cache(typer.main.get_command)  # which takes 10 ms, and tests begin hundreds of commands

hypothesis.settings.register_profile("any machine", deadline=None)  # another program may take the processor
hypothesis.settings.load_profile("any machine")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell wants it of what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # processes that tests begin take this over

WITHOUT_WINDOWS = {
    name: recipe
    for name, recipe in RECIPES.items()
    if recipe.windows is None and not (recipe.splits or recipe.observe or recipe.drift)
}


def _representative() -> set[str]:
    """Names of the first recipe of each class of systems, without and with named splits."""
    found = {(type(recipe.tasks[0]), bool(recipe.splits)): name for name, recipe in reversed([*RECIPES.items()])}
    return set(found.values())


REPRESENTATIVE = _representative()
"""A new class of systems is among them by itself. Marked `representative`, a test over names has the others slow."""


@cache
def different_tasks() -> list[tuple[Recipe, int]]:
    """One task of every system and view without windows: of those that differ in numbers alone, the last one made.

    Without those that move in random steps: a sequence cannot be simulated again from what is stored.
    Rods and fields have tests of their own: frames have other sizes, some rods a control, fields large states.
    """
    found = {}
    apart = {*NAMES["rods"], *NAMES["fields"]}
    for recipe in (recipe for name, recipe in WITHOUT_WINDOWS.items() if name not in apart):
        for i, system in enumerate(recipe.tasks):
            if not system.in_steps():
                found[system.template(), recipe.dt_of(i), recipe.view_of(i)] = recipe, i
    return list(found.values())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`task` runs over every different task without windows, `smooth_task` over those of Hamiltonian systems alone.

    `task_of_each_kind` runs over one task of each class of systems; the other tasks run with `-m slow`.
    """
    tasks = different_tasks()
    kinds = {type(recipe.tasks[i]): (recipe, i) for recipe, i in reversed(tasks)}
    smooth = [(recipe, i) for recipe, i in tasks if isinstance(recipe.tasks[i], Hamiltonian)]
    for name, pairs in (("task", tasks), ("smooth_task", smooth), ("task_of_each_kind", list(kinds.values()))):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, [
                pytest.param(pair, id=f"{pair[0].name}-{pair[1]}", marks=[pytest.mark.slow] * slow)
                for pair in pairs for slow in [pair not in kinds.values()]
            ])  # fmt: skip
    smooth_sets = {recipe.name: recipe for recipe, i in smooth if i == 0}
    if "smooth_dataset" in metafunc.fixturenames:
        metafunc.parametrize("smooth_dataset", smooth_sets.values(), ids=list(smooth_sets))


LONG = ("readme", "generation", "switching_sets", "batch", "extremes", "conversion", "sequences")  # take a minute each


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files, so that no worker is left with one of them when all others are done."""
    seen = Counter()
    for item in items:
        if item.get_closest_marker("representative") and item.callspec.params["name"] not in REPRESENTATIVE:
            item.add_marker(pytest.mark.slow)
        if few := item.get_closest_marker("few"):
            test = item.nodeid.partition("[")[0]
            seen[test] += 1
            if seen[test] > few.args[0]:
                item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.path.stem.removeprefix("test_") not in LONG)


def pytest_collection_finish() -> None:
    """Python's garbage collector begins seldom, and leaves out what is there for all tests: 1 % of the time, not 5."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 50, 100)


KEPT, compiled.KEPT = compiled.KEPT, 100  # programs: tests come back to more of them than users do


@pytest.fixture
def kept_for_users(monkeypatch: pytest.MonkeyPatch) -> int:
    """As many programs are kept as users have."""
    monkeypatch.setattr(compiled, "KEPT", KEPT)
    return KEPT


FOR_USERS = {"xla_backend_optimization_level": 3, "xla_cpu_use_fusion_emitters": True}  # what XLA does unless told


def _forget_programs() -> None:
    with pytest.MonkeyPatch.context() as patched, compiled.kept(0):
        patched.setattr(compiled, "KEPT", 0)


@pytest.fixture(scope="module")
def compiled_for_users() -> Iterator[None]:
    """Programs are compiled as for users, since the last bits of an energy would depend on the size of a batch."""
    _forget_programs()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(jax, "jit", partial(jax.jit, compiler_options=FOR_USERS))
        yield
    _forget_programs()


MAPS = Path("/proc/self/maps")  # of memory; Linux lets a process have 65,530


@pytest.fixture(autouse=True, scope="module")
def few_compiled() -> Iterator[None]:
    """Forget what was compiled once it holds many memory maps, or where they are not known."""
    yield
    if not MAPS.exists() or MAPS.read_bytes().count(b"\n") > 20_000:
        jax.clear_caches()


@pytest.fixture(autouse=True)
def kinds_of_a_test() -> Iterator[None]:
    """A kind that a test, or a page of docs/, defines is forgotten after it; errors name all that there are."""
    before = {family: dict(family.members) for family in Kind.__subclasses__()}
    yield
    for family, members in before.items():
        family.members = members


@pytest.fixture
def streams_as_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams make as many sequences at a time as files: with the same program, which takes seconds to compile."""
    monkeypatch.setattr("slvm_data.load.stream.ROWS", BATCH)


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Carries out a command line in this process, which has loaded everything already, and returns its exit code."""

    def run(main: Callable[[], object], *words: object) -> int:
        monkeypatch.setattr(sys, "argv", ["slvm-data", *map(str, words)])
        handler = signal.getsignal(signal.SIGTERM)
        try:
            with pytest.raises(SystemExit) as end:
                main()
        finally:
            signal.signal(signal.SIGTERM, handler)
        code = end.value.code or 0
        assert isinstance(code, int)
        return code

    return run


EXTRAS = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["optional-dependencies"]
NEED = {  # the modules of this package that import one of an extra, and would be found although that is missing
    "torch": "slvm_data.load",
    "tensorstore": ("slvm_data.store.zarr", "slvm_data.store.tensors"),
    "h5py": "slvm_data.export.hdf5",
    "pyarrow": "slvm_data.export.parquet",
    "matplotlib": "slvm_data.view.figure",
    "distributed": "slvm_data.run.executors.dask_cluster",
}


def modules(extra: str) -> set[str]:
    """Names of the modules that an extra installs."""
    return {re.split(r"[<>=]", package)[0].replace("-", "_") for package in EXTRAS[extra]}


@pytest.fixture
def only() -> Callable[[Iterable[str]], AbstractContextManager[None]]:
    """A block in which these extras are installed, and packages of these names; of all others it is as if not."""

    @contextmanager
    def block(installed: Iterable[str]) -> Iterator[None]:
        every = {name for extra in EXTRAS.keys() - {"test", "dev"} for name in modules(extra)} | {"webdataset"}
        there = {name for one in installed for name in (modules(one) if one in EXTRAS else {one})}
        with pytest.MonkeyPatch.context() as hidden:
            for name in every - there:
                for part in [name, *(part for part in sys.modules if part.startswith(f"{name}."))]:
                    hidden.setitem(sys.modules, part, None)
                for own in [own for own in sys.modules if own.startswith(NEED.get(name, "-"))]:
                    hidden.delitem(sys.modules, own)
                    parent, _, leaf = own.rpartition(".")
                    if parent in sys.modules:
                        hidden.delattr(sys.modules[parent], leaf, raising=False)
            yield

    return block


@pytest.fixture
def in_the_table() -> Callable[..., None]:
    """A check that arrays are as `slvm_data.arrays` has them: so many rows and frames, and its types and axes."""
    lengths = {"1": 1, "X": 2, "C": 3}

    def check(arrays: Arrays, rows: int, frames: int, original: bool = False) -> None:
        for name, array in arrays.items():
            own = table.info(name)
            letters = own.letters(array.ndim)
            assert len(letters) == array.ndim, name
            assert array.dtype == ("float64" if original and table.pictures(name) else own.dtype), name
            assert own.per_frame == ("T" in letters), name
            known = lengths | {"N": rows, "T": frames}
            expected = [known.get(letter, n) for letter, n in zip(letters, array.shape, strict=True)]
            assert array.shape == tuple(expected), name

    return check


@pytest.fixture
def units_are_the_systems() -> Callable[[Path, Recipe], None]:
    """A check that in a dataset's folder each array of a parameter has the unit that its systems say."""

    def check(folder: Path, recipe: Recipe) -> None:
        found = {name: own.unit for name, own in read(folder).arrays.items() if name.startswith(table.PARAMETER)}
        expected: dict[str, list[str]] = {}
        for system in recipe.tasks:
            for name, bounds in system.parameters().items():
                units = expected.setdefault(table.PARAMETER + name, [])
                units += [bounds.unit] if bounds.unit and bounds.unit not in units else []
        assert found == {name: " or ".join(units) for name, units in expected.items()}

    return check


@pytest.fixture
def tiny() -> Recipe:
    """A dataset of three tasks, small enough to write in a moment."""
    return dataclasses.replace(RECIPES["pendulum3"], train=5, val=3, test=2, steps=4)


@pytest.fixture(scope="session")
def own_system() -> str:
    """The file that the documentation shows how to write."""
    text = (Path(__file__).parents[1] / "docs/your_own_system.md").read_text()
    found = re.search(r"^```python\n(# my_dataset\.py\n.*?)^```", text, re.M | re.S)
    assert found
    return found[1]
