"""Recipes on their way to other processes, with systems of the user's own."""

import sys
from dataclasses import replace
from importlib import import_module

import pytest

from slvm_data import RECIPES, Pendulum
from slvm_data.run.portable import PortableRecipe

SYSTEM = "from slvm_data import Pendulum\n\nclass Mine(Pendulum):\n    size = {size}\n"
BASED = "from .helper import Base\n\nclass Mine(Base):\n    pass\n"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes files, and gives a recipe of the systems `Mine` of these modules, as another process packs it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)

    def write(files, *modules):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        with monkeypatch.context() as patch:
            patch.syspath_prepend(tmp_path)
            tasks = tuple(import_module(name).Mine() for name in modules)
            portable = PortableRecipe.of(replace(RECIPES["pendulum"], tasks=tasks))
        for name in modules:
            sys.modules.pop(name)
        return portable

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_systems_of_this_package_need_no_file():
    recipe = RECIPES["pendulum"]
    assert PortableRecipe.of(recipe).modules == ()
    assert PortableRecipe.of(recipe).open() == recipe


def test_a_module_beside_the_recipe_goes_along(written, tmp_path):
    portable = written({"mysys.py": SYSTEM.format(size=1)}, "mysys")
    assert str(tmp_path) not in sys.path
    (system,) = portable.open().tasks
    assert isinstance(system, Pendulum)
    assert (type(system).__module__, type(system).size) == ("mysys", 1)


def test_so_does_a_package(written):
    """With what its modules import of it, once."""
    helper = SYSTEM.format(size=1).replace("Mine", "Base")
    files = {"mine/__init__.py": "", "mine/helper.py": helper, "mine/one.py": BASED, "mine/two.py": BASED}
    one, two = written(files, "mine.one", "mine.two").open().tasks
    assert type(one).__mro__[1] is type(two).__mro__[1] is sys.modules["mine.helper"].Base


def test_a_process_that_lives_on_takes_the_file_as_it_is(written):
    (system,) = written({"mysys.py": SYSTEM.format(size=1)}, "mysys").open().tasks
    old = sys.modules.pop("mysys")
    portable = written({"mysys.py": SYSTEM.format(size=22)}, "mysys")
    sys.modules["mysys"] = old
    (other,) = portable.open().tasks
    assert (type(system).size, type(other).size) == (1, 22)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda file: file.write_text(SYSTEM.format(size=3)), r"mysys\.py on .* is not what it was when the run began"),
        (lambda file: file.unlink(), r"mysys\.py is not there on .*: put it where all workers see it"),
    ],
)
def test_a_file_that_is_not_the_same_elsewhere(written, tmp_path, change, says):
    portable = written({"mysys.py": SYSTEM.format(size=1)}, "mysys")
    change(tmp_path / "mysys.py")
    with pytest.raises(ValueError, match=says):
        portable.open()


def test_other_software_gives_other_bytes(monkeypatch):
    packed = PortableRecipe.of(RECIPES["pendulum"])
    monkeypatch.setattr("slvm_data.run.portable._software", lambda: "jax 0.0.1")
    with pytest.raises(ValueError, match=r"has other software: jax 0\.0\.1, and .*jax \d.* began the run"):
        packed.open()


def test_what_it_imports_may_be_missing_elsewhere(written, monkeypatch):
    monkeypatch.setitem(sys.modules, "rare", sys)
    portable = written({"mysys.py": "import rare\n" + SYSTEM.format(size=1)}, "mysys")
    monkeypatch.delitem(sys.modules, "rare")
    with pytest.raises(ValueError, match=r"mysys\.py cannot be imported on .*: ModuleNotFoundError: No module .*rare"):
        portable.open()


def test_without_a_file_it_cannot_go(monkeypatch):
    """As in a notebook."""
    mine = type("Mine", (Pendulum,), {"__module__": "__main__"})
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    with pytest.raises(ValueError, match=r"other processes need its system in a \.py file: __main__ is none"):
        PortableRecipe.of(replace(RECIPES["pendulum"], tasks=(mine(),)))
