"""The public names, and the floors that imports go down."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import slvm_data

SOURCE = Path(slvm_data.__file__).parent
FLOORS = (  # imports go down this list, never up
    {"core"},
    {"arrays", "systems"},
    {"observe"},
    {"recipe"},
    {"store"},
    {"simulation", "export"},
    {"run", "metrics"},
    {"script", "evaluation"},
    {"datasets"},
    {"cache"},
    {"load", "view"},
    {"cli"},
)
FLOOR = {name: i for i, names in enumerate(FLOORS) for name in names}
FILES = sorted(SOURCE.rglob("*.py"))


def test_all_names_exist_sorted():
    assert sorted(slvm_data.__all__, key=str.casefold) == slvm_data.__all__
    assert set(dir(slvm_data)) == {*slvm_data.__all__, "__version__"}
    for name in slvm_data.__all__:
        assert getattr(slvm_data, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        slvm_data.nothing  # noqa: B018


def test_no_public_name_is_hidden_by_a_module():
    """Importing a module sets its name in the package: a function of that name would be gone."""
    modules = {path.stem for path in SOURCE.iterdir()}
    assert not modules & set(slvm_data.__all__)


def imports(path):
    """Modules of the package that a file imports, by their first name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "slvm_data":
            parts = node.module.split(".")[1:]
            yield from parts[:1] or [alias.name for alias in node.names]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_imports_go_down(path):
    own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    for name in () if own.startswith("__") else imports(path):
        assert name == own or FLOOR[name] < FLOOR[own], f"{own} imports {name}"


def test_only_the_loaders_load_torch():
    for path in FILES:
        assert "load" in path.relative_to(SOURCE).parts or "import torch" not in path.read_text(), path


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_only_batches_have_a_batch_axis(path):
    """`vmap` over sequences stands where batches are made and drawn, and in the certificate, which looks at batches.

    The integrator has a rule for it; patches are an axis of discs.
    """
    text = path.read_text()
    assert "vmap" not in text or path.stem in {"batch", "frames", "certificate", "integrator", "fast"}


QUICK = """
import sys, time
from slvm_data.cli import main

for words in (["--help"], ["list"], ["info", "mixed_physics_iclr2025"], ["info", "nascar"]):
    sys.argv = ["slvm-data", *words]
    try:
        main()
    except SystemExit as end:
        assert not end.code
assert not {"jax", "torch", "scipy", "PIL", "tqdm"} & set(sys.modules)
taken = time.process_time()
import jax
print(taken, time.process_time() - taken)
"""


def test_help_list_and_info_load_no_jax_and_are_quick():
    """Each takes less than 0.3 s where nothing else runs; to import JAX takes longer, too, where other programs run."""
    done = subprocess.run([sys.executable, "-c", QUICK], capture_output=True, text=True, check=True)
    taken, jax = map(float, done.stdout.splitlines()[-1].split())
    assert taken < 3 * jax


def test_reading_files_loads_neither_torch_nor_jax():
    check = "import sys, slvm_data.store.npz; assert not {'torch', 'jax'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)


def test_jax_is_imported_late_alone():
    """A module that imported it by itself would make every command wait for it."""
    for path in FILES:
        if "load" not in path.relative_to(SOURCE).parts and path.name not in ("late.py", "types.py"):
            assert not re.search(r"^\s*(import|from) jax\b", path.read_text(), re.M), path


def test_functions_are_short():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                docstring = (ast.get_docstring(node, clean=False) or "").count("\n") + 1
                assert node.end_lineno - node.lineno + 1 - docstring <= 40, f"{path.name}: {node.name}"


def test_every_fault_has_its_tests():
    """Those that the documentation names exist."""
    tests, rows = Path(__file__).parent, (Path(__file__).parents[1] / "docs/faults.md").read_text().splitlines()
    rows = [row for row in rows if row.startswith("| F")]
    assert [row.split("|")[1].strip() for row in rows] == [f"F{i}" for i in range(1, 42)]
    for row in rows:
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", row)
        assert named
        for file, test in named:
            assert f"def {test}(" in (tests / file).read_text(), row
