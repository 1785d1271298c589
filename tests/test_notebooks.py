"""The notebooks run from beginning to end, show figures and animations, and tell nothing of the machine they ran on."""

import getpass
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
TOUR = ROOT / "examples/tour.ipynb"  # of which nothing asks for a kernel; the other one defines a system in `__main__`
IN_A_KERNEL = [pytest.param(path, marks=[pytest.mark.slow] * (path == TOUR), id=path.stem) for path in NOTEBOOKS]


def code(path):
    """The cells of code."""
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def outputs(path):
    """The outputs of each cell of code."""
    return [cell["outputs"] for cell in code(path)]


def kinds(path):
    """The kinds of the outputs of each cell, an error's among them."""
    return [sorted({kind for o in every for kind in o.get("data", [o["output_type"]])}) for every in outputs(path)]


@pytest.mark.parametrize("path", IN_A_KERNEL)
def test_it_runs(path, tmp_path):
    """Another run shows the same kinds of things, and no error; a cell that fails ends the script."""
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    subprocess.run([sys.executable, str(ROOT / "scripts/notebooks.py"), str(copy)], check=True, timeout=300)
    assert kinds(copy) == kinds(path)
    assert "error" not in {kind for every in kinds(copy) for kind in every}
    assert {"image/png", "image/gif"} <= {kind for every in kinds(path) for kind in every}


def test_the_tour_runs_in_this_process(tmp_path, monkeypatch):
    """Which has loaded everything already; a kernel takes seconds for that."""
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for cell in code(TOUR):
        exec("".join(cell["source"]), names)
    assert (tmp_path / "sequences.gif").is_file()
    assert (tmp_path / "pendulum/dataset.json").is_file()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_small_and_tells_nothing(path):
    text = path.read_text()
    assert len(text) < 300_000
    names = {getpass.getuser(), Path.home().name} - {"root"}
    for odd in ("/home/", "/Users/", "/root/", "/tmp/", str(ROOT), *names):
        assert odd not in text
    assert set(json.loads(text)["metadata"]) == {"kernelspec"}


def test_the_system_has_25_lines():
    cells = json.loads((ROOT / "examples/your_own_system.ipynb").read_text())["cells"]
    system = next("".join(cell["source"]) for cell in cells if "(Hamiltonian)" in "".join(cell["source"]))
    assert len([line for line in system.splitlines() if line.strip()]) <= 25


def test_the_independent_check_was_made():
    text = "".join(
        o.get("text", "") if isinstance(o.get("text"), str) else "".join(o.get("text", ()))
        for every in outputs(ROOT / "examples/your_own_system.ipynb")
        for o in every
    )
    found = re.search(r"largest difference from SciPy: (\S+)", text)
    assert found
    assert float(found[1]) < 1e-8
