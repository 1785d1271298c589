"""Scripts and settings that cannot work: one sentence that says what to do."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from slvm_data import RECIPES, generate

SCRIPT = """
import dataclasses, sys
from slvm_data import RECIPES, generate
recipe = dataclasses.replace(RECIPES["pendulum"], train=5, val=3, test=2, steps=4)
{}generate(recipe, sys.argv[1], workers=2)
"""

LOADER = """
import multiprocessing, sys
multiprocessing.set_start_method("spawn", force=True)
from slvm_data.load import DataModule
for batch in DataModule(sys.argv[1], workers=1).train_dataloader():
    print(len(batch))
"""

LIGHTNING = "class LightningDataModule:\n    pass\n"  # instead of that package, whose import takes seconds
ROADS = """
import sys
from slvm_data import RECIPES, generate
from slvm_data.cli import main
from slvm_data.load import Stream

def command(*words):
    sys.argv[1:] = words
    main()

for road in (
    lambda: next(iter(Stream(RECIPES["pendulum"]))),
    lambda: generate(RECIPES["pendulum"], "x"),
    lambda: command("generate", "pendulum", "--out", "x"),
    lambda: command("view", "pendulum", "--save", "x.html"),
):
    try:
        road()
    except SystemExit as end:
        print(end.code)
    except Exception as error:
        print(f"error: {error}", file=sys.stderr)
"""


def run(place, script, *arguments, **environment):
    (place / "run_me.py").write_text(script)
    command = [sys.executable, "run_me.py", *map(str, arguments)]
    return subprocess.run(
        command, cwd=place, capture_output=True, text=True, timeout=120, env=os.environ | environment, check=False
    )


def test_a_script_that_each_process_runs_again(tmp_path):
    """The last line says so, not that memory ran out; with the guard the same script works."""
    done = run(tmp_path, SCRIPT.format(""), "x")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "slvm_data.core.errors.WorkersError: x: processes cannot make it: put"
    )
    assert "if __name__ == '__main__':" in done.stderr
    assert "memory" not in done.stderr
    assert "bootstrapping" not in done.stderr
    done = run(tmp_path, SCRIPT.format("if __name__ == '__main__': "), "x")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "x/dataset.json").is_file()
    done = run(tmp_path, SCRIPT.format(""), "x")  # is there already: nothing to start
    assert done.returncode == 0, done.stderr


def test_a_script_whose_loader_starts_processes(tmp_path):
    generate(replace(RECIPES["pendulum"], train=5, val=3, test=2, steps=4), tmp_path / "x")
    (tmp_path / "lightning").mkdir()
    for name, text in (("__init__", ""), ("pytorch", LIGHTNING)):
        (tmp_path / f"lightning/{name}.py").write_text(text)
    done = run(tmp_path, LOADER, "x")
    assert done.returncode == 1
    assert "was started by a DataLoader, and would start others: put what the script does under `if" in done.stderr
    assert "bootstrapping" not in done.stderr


@pytest.mark.parametrize("platform", ["cuda", "nonsense"])
def test_a_device_that_is_not_there(tmp_path, platform):
    """On each of four roads, two of them commands, in one process."""
    if platform == "cuda" and shutil.which("nvidia-smi"):
        pytest.skip("there may be one")
    done = run(tmp_path, ROADS, JAX_PLATFORMS=platform)
    expected = f"JAX_PLATFORMS = '{platform}' names no device that JAX can use here: leave it out, or set it to cpu"
    assert (done.stdout, done.stderr) == ("2\n2\n", 4 * f"error: {expected}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["run_me.py"]
