"""Plans on their way to other processes, with systems of the user's own."""

import pickle
import subprocess
import sys
from dataclasses import replace
from importlib import import_module

import pytest

from slvm_data import RECIPES
from slvm_data.run.plan import Plan
from slvm_data.run.portable import PortablePlan
from slvm_data.store import formats

TINY = replace(RECIPES["pendulum"], train=3, val=0, test=0, steps=4)
SYSTEM = "from slvm_data import Pendulum\n\nclass Mine(Pendulum):\n    def size(self):\n        return {size}\n"
HELPER = (
    "from slvm_data import Pendulum\n\nSIZE = 1\n\nclass Base(Pendulum):\n    def size(self):\n        return SIZE\n"
)
BASED = "class Mine(helper.Base):\n    pass\n"
USING = "import helper\n\n" + SYSTEM.format(size="helper.SIZE")
PACKAGE = {
    "mine/__init__.py": "",
    "mine/helper.py": HELPER,
    "mine/one.py": "from . import helper\n\n" + BASED,
    "mine/two.py": "from mine import helper\n\n" + BASED,
}

OPEN = """
import pickle, sys

for portable in pickle.load(sys.stdin.buffer):
    try:
        plan = portable.open()
    except ValueError as error:
        print(error)
        continue
    tasks = plan.recipe.tasks
    print(*[f"{type(system).__module__}.{type(system).__name__} {system.size()}" for system in tasks],
          len({type(system).__mro__[1] for system in tasks}), len(plan.units))
"""

NOTEBOOK = """
import pickle, sys
from dataclasses import replace
from slvm_data import RECIPES, Pendulum
from slvm_data.run.plan import Plan
from slvm_data.run.portable import PortablePlan
from slvm_data.store import formats

sys.path.insert(0, "")
import helper

class Mine(Pendulum):
    def size(self):
        return helper.SIZE

plan = Plan(replace(RECIPES["pendulum"], tasks=(Mine(),), train=3, val=0, test=0, steps=4), formats.named("npz"))
sys.stdout.buffer.write(pickle.dumps(PortablePlan.of(plan)))
"""


def opened(*plans):
    """What another process says of these plans, a line each."""
    given = {"input": pickle.dumps(plans), "capture_output": True, "check": False}
    run = subprocess.run([sys.executable, "-c", OPEN], **given)
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout.decode().splitlines()


def packed(recipe, form="npz"):
    return PortablePlan.of(Plan(recipe, formats.named(form)))


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Packs a plan with the systems `Mine` of these modules of these files, of which then nothing is left."""

    def write(files, *modules):
        before = set(sys.modules)
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "dont_write_bytecode", True)
            patch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "site-packages"), *sys.path])
            portable = packed(replace(TINY, tasks=tuple(import_module(name).Mine() for name in modules)))
        for name in set(sys.modules) - before:
            del sys.modules[name]
        for name in files:
            (tmp_path / name).unlink()
        return portable

    return write


@pytest.mark.parametrize("form", formats.OWN)
def test_a_plan_is_the_same_elsewhere(form):
    here = Plan(TINY, formats.named(form), 50)
    there = PortablePlan.of(here).open()
    assert (there.recipe, there.format, there.batch, there.units) == (TINY, here.format, 50, here.units)


def test_modules_beside_the_recipe_go_along(written):
    """Where they are on no path: a module, what it imports, and a package, whose modules share what they import."""
    module = written({"mysys.py": SYSTEM.format(size=1)}, "mysys")
    base = written({"helper.py": HELPER, "based.py": "import helper\n\n" + BASED}, "based")
    used = written({"helper.py": HELPER.replace("1", "2"), "using.py": USING}, "using")
    package = written(PACKAGE, "mine.one", "mine.two")
    assert opened(module, base, used, package) == [
        "mysys.Mine 1 1 1",
        "based.Mine 1 1 1",
        "using.Mine 2 1 1",
        "mine.one.Mine 1 mine.two.Mine 1 1 2",
    ]


def test_a_process_that_lives_on_takes_them_as_they_are(written):
    plans = [written({"helper.py": HELPER.replace("1", size), "using.py": USING}, "using") for size in "123"]
    assert opened(*plans) == [f"using.Mine {size} 1 1" for size in "123"]


def test_so_does_what_is_defined_in_no_file(tmp_path):
    """As in a notebook, which is `__main__`, with a module beside it."""
    (tmp_path / "helper.py").write_text(HELPER.replace("1", "7"))
    run = subprocess.run([sys.executable, "-c", NOTEBOOK], cwd=tmp_path, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
    (tmp_path / "helper.py").unlink()
    assert opened(pickle.loads(run.stdout)) == ["__main__.Mine 7 1 1"]


@pytest.mark.parametrize("use", ["rare.SIZE", "sized()", "RARE[0]"])
def test_what_is_installed_here_may_be_missing_elsewhere(written, use):
    """A package is not sent: the error names it and the machine."""
    rare = "SIZE = 1\n\nclass Rare(list):\n    pass\n\ndef sized():\n    return 1\n"
    text = "import rare\nfrom rare import sized\n\nRARE = rare.Rare([1])\n" + SYSTEM.format(size=use)
    (said,) = opened(written({"site-packages/rare.py": rare, "mysys.py": text}, "mysys"))
    assert said.startswith("No module named 'rare' on ")
    assert said.endswith(": install what defines the system there too")


def test_other_software_gives_other_bytes(monkeypatch):
    portable = packed(TINY)
    monkeypatch.setattr("slvm_data.run.portable._software", lambda _: "jax 0.0.1")
    with pytest.raises(ValueError, match=r"has other software: jax 0\.0\.1, and .*jax \d.* began the run"):
        portable.open()


def test_layouts_go_along(monkeypatch):
    """To find them, the program of each task is traced, which takes as long as many sequences."""
    portable, units = packed(TINY), Plan(TINY, formats.named("npz")).units
    monkeypatch.setattr("slvm_data.run.plan.forms", None)
    assert portable.open().units == units
