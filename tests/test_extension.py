"""CONTRIBUTING.md tells where a system, a dataset and a format are added: one of each is added there, and works."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import slvm_data

SOURCE = Path(slvm_data.__file__).parent
CONTRIBUTING = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()

SYSTEM = '''"""A weight that sinks: ẋ = -v."""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp

from slvm_data.systems.parameters import parameter
from slvm_data.systems.system import System


@dataclass(frozen=True, kw_only=True)
class Sinking(System):
    """State: the height x [m]."""

    state: ClassVar = ("x",)
    units: ClassVar = ("m",)

    v: float = parameter(0.5, minimum=0.0, unit="m/s")

    def start(self, key):
        return jnp.array([0.5])

    def velocity(self, x):
        return -self.v * jnp.ones(1)

    def bodies(self, x):
        return jnp.stack([jnp.zeros(()), x[0]])[None], jnp.full(1, 0.1)

    def extent(self):
        return 1.0
'''
DATASET = '''"""Weights that sink, at two speeds."""

from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import Sinking

RECIPE = Recipe(
    name="sinking", about=__doc__ or "", tasks=(Sinking(), Sinking(v=1.0)), train=3, val=2, test=1, steps=4, dt=0.1
)

if __name__ == "__main__":
    main(RECIPE)
'''
EXPORT = '''"""Arrays as text, a file for each file."""

from pathlib import Path

from slvm_data.core.files import atomic
from slvm_data.core.progress import counted
from slvm_data.store.manifest import Checksum, Written


def files(source):
    return [Path(source.folder) / f"{source.stem}.lines"]


def write(place, source, recipe, bar):
    path = place / files(source)[0]
    with atomic(path) as file:
        for block in counted(source.blocks(), bar):
            file.write(("\\n".join(f"{name} {array.tolist()}" for name, array in block.items()) + "\\n").encode())
    return [Written(**vars(Checksum.of(path)), arrays=source.arrays)]
'''
ENTRY = """    Format(
        name="lines",
        endings=(".lines",),
        module="slvm_data.export.lines",
        media_type="text/plain",
        opening='for line in open("{file}"):',
        reading="    print(line)",
    ),
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of the package with a system, a dataset and a format more; the files that this touched."""
    place = tmp_path_factory.mktemp("package")
    copy = shutil.copytree(SOURCE, place / "slvm_data", ignore=shutil.ignore_patterns("__pycache__"))
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}

    def edit(path, old, new):
        text = (copy / path).read_text()
        assert text.count(old) == 1
        (copy / path).write_text(text.replace(old, new))

    (copy / "systems/sinking.py").write_text(SYSTEM)
    line = "from slvm_data.systems.switching import Switching as Switching\n"
    edit("systems/__init__.py", line, "from slvm_data.systems.sinking import Sinking as Sinking\n" + line)
    (copy / "datasets/hamiltonian/sinking.py").write_text(DATASET)
    edit("datasets/__init__.py", '"pendulum", "pendulum3",', '"sinking", "pendulum", "pendulum3",')
    (copy / "export/lines.py").write_text(EXPORT)
    edit("store/formats.py", "\n)\n\n\nclass Layout", "\n" + ENTRY + ")\n\n\nclass Layout")
    touched = {p for p in copy.rglob("*") if p.is_file() and before.get(p) != p.read_bytes()}
    return place, {path.relative_to(copy).as_posix() for path in touched}


@pytest.fixture(scope="module")
def run(package):
    """Run Python or a command with the copy of the package."""
    place, _ = package
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # it begins often

    def run(*words):
        done = subprocess.run(
            [sys.executable, *words],
            cwd=place,
            env=env | {"PYTHONPATH": str(place)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


COMMANDS = """
import io, json, sys
from contextlib import redirect_stdout
from slvm_data.cli import main

said = []
for words in json.loads(sys.argv[1]):
    sys.argv = ["slvm-data", *words]
    with redirect_stdout(io.StringIO()) as out:
        try:
            main()
        except SystemExit as end:
            assert not end.code, words
    said.append(out.getvalue())
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def commands(run):
    """Run these command lines one after the other in one process; what each of them says."""
    return lambda *lines: json.loads(run("-c", COMMANDS, json.dumps([line.split() for line in lines])))


def test_the_places_are_those_of_contributing(package):
    rows = re.findall(r"^\| (a [^|]*) \| ([^|]*) \|$", CONTRIBUTING, re.M)
    places = dict(rows)
    added = ("a system", "a dataset", "a format, of our own or for export")
    named = {path for what in added for path in re.findall(r"`([\w/]+\.py)`", places[what])}
    _, touched = package
    assert touched <= named | {"systems/sinking.py", "datasets/hamiltonian/sinking.py", "export/lines.py"}


def test_a_system_is_public_and_known(run):
    check = "import slvm_data; print('Sinking' in slvm_data.__all__, slvm_data.Sinking().parameters()['v'].unit)"
    assert run("-c", check) == "True m/s\n"


def test_a_dataset_is_listed_made_and_verified(run, commands):
    run("slvm_data/datasets/hamiltonian/sinking.py", "--out", "script")
    listed, _, verified, told = commands("list", "generate sinking", "verify sinking", "info script")
    assert re.search(r"^sinking +\w+ +Sinking +2 ", listed, re.M)
    assert "8 sequences per file regenerated and equal" in verified
    assert "m/s" in told


def test_an_export_format_is_taken_by_its_ending(commands, package):
    place, _ = package
    _, told, _, verified = commands(
        "generate sinking --out again", "convert --help", "convert again again.lines", "verify again.lines"
    )
    assert "lines" in told
    assert (place / "again.lines/dataset_1/train.lines").read_text().count("\n") == 5
    assert "checksums OK" in verified
    assert 'for line in open("dataset_0/train.lines"):' in (place / "again.lines/README.md").read_text()
    assert '"encodingFormat": "text/plain"' in (place / "again.lines/croissant.json").read_text()


def test_the_picture_of_the_rooms_is_that_of_the_package():
    """Every room is in CONTRIBUTING.md, from the top floor to the lowest."""
    picture = CONTRIBUTING.split("```")[3]
    named = re.findall(r"\b([a-z]+)(?:/|\.py)", picture)
    rooms = {p.stem for p in SOURCE.iterdir() if not p.name.startswith("_") and (p.is_dir() or p.suffix == ".py")}
    assert rooms <= set(named)
    assert len(picture.strip().splitlines()) == 10
