"""The text of a user's own file stays with the dataset, and is run only when the user asks for it."""

import json
import re
import shutil
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from slvm_data import generate
from slvm_data.cli import find, main
from slvm_data.recipe.overrides import override
from slvm_data.recipe.own_file import own_files
from slvm_data.store import manifest

HELPER = """import jax.numpy as jnp

open("ran", "a").close()


def length_of(q):
    return jnp.sqrt(q[0] ** 2 + q[1] ** 2)
"""
TINY = {"train": 4, "val": 0, "test": 0, "steps": 4}


def forget():
    """Forget the modules that own files became, as a new process would."""
    for name in ("slvm_recipe_mine", "own_help"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def made(tmp_path_factory, own_system):
    """A folder with two own files, `mine.py` (of a Windows editor) and `own_help.py`, and a dataset of them."""
    folder = tmp_path_factory.mktemp("own")
    text = own_system.replace("jnp.sqrt(q[0] ** 2 + q[1] ** 2)", "length_of(q)")
    text = text.replace("import jax", "from own_help import length_of\nimport jax")
    (folder / "mine.py").write_bytes(text.replace("\n", "\r\n").encode())
    (folder / "own_help.py").write_text(HELPER)
    with pytest.MonkeyPatch.context() as here:
        here.chdir(folder)
        here.setattr(sys, "path", list(sys.path))
        forget()
        generate(override(find("mine.py"), ["k=8"], TINY), "elastic")
        Path("ran").unlink()
    return folder


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    """The working directory: a copy of that folder."""
    shutil.copytree(made, tmp_path / "x")
    monkeypatch.chdir(tmp_path / "x")
    monkeypatch.setattr(sys, "path", [place for place in sys.path if Path(place) != made])
    forget()


def remove():
    """Take the own files away, so that only the texts in the dataset are left."""
    Path("mine.py").rename("mine.txt")
    Path("own_help.py").rename("own_help.txt")


@pytest.mark.usefixtures("here")
def test_the_text_is_kept_and_run_on_request_alone(ended, capsys):
    kept = manifest.read(Path("elastic")).own_files
    assert {name: own.data() for name, own in kept.items()} == {
        "own_help": Path("own_help.py").read_bytes(),
        "slvm_recipe_mine": Path("mine.py").read_bytes(),
    }
    assert kept["own_help"].sha256 == sha256(HELPER.encode()).hexdigest()
    assert "`own_help.py`, sha256 " + kept["own_help"].sha256 in Path("elastic/README.md").read_text()
    remove()
    for words in (["verify"], ["repair"], ["view", "--save", "x.html"], ["gif"]):
        assert ended(main, words[0], "elastic", *words[1:]) == 2
        assert "--recipe stored to run the text" in capsys.readouterr().err
    assert ended(main, "info", "elastic") == 0
    assert not Path("ran").exists()
    assert ended(main, "verify", "elastic", "--recipe", "stored") == 0
    found = capsys.readouterr()
    assert re.search(
        r"running the text that elastic/dataset\.json keeps of own_help\.py \(sha256 \w{12}…\), mine\.py ", found.err
    )
    assert found.out.endswith("regenerated and equal\n")
    assert Path("ran").exists()
    for words in (["repair"], ["gif", "x.gif"], ["view", "--save", "x.html"]):
        assert ended(main, words[0], "elastic", *words[1:], "--recipe", "stored") == 0
    assert '"slvm-data repair elastic --recipe stored"' in Path("x.html").read_text()


@pytest.mark.usefixtures("here")
def test_another_text_is_noticed(ended, capsys):
    assert ended(main, "verify", "elastic", "--recipe", "mine.py") == 0
    assert "differs" not in capsys.readouterr().err
    Path("own_help.py").write_text(HELPER + "# changed\n")
    forget()
    assert ended(main, "verify", "elastic", "--recipe", "mine.py") == 0
    assert "warning: own_help.py differs from the text that elastic was made with, and keeps" in capsys.readouterr().err
    forget()
    words = ("generate", "mine.py", "k=8", "--train", 4, "--val", 0, "--test", 0, "--steps", 4, "--out", "elastic")
    assert ended(main, *words) == 2
    assert "elastic holds the same recipe, made with another text of own_help.py" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_a_copy_keeps_the_text_too(ended):
    kept = manifest.read(Path("elastic")).own_files
    assert ended(main, "convert", "elastic", "copy.zarr", "--to", "zarr") == 0
    assert manifest.read(Path("copy.zarr")).own_files == kept


FORGED = {
    "another text": lambda kept: kept["own_help"].update(text="import os"),
    "a path": lambda kept: kept["own_help"].update(file="../own_help.py"),
    "a module beyond the folder": lambda kept: kept.update({"../../x": kept.pop("own_help")}),
    "no text": lambda kept: kept.clear(),
}


@pytest.mark.parametrize("how", FORGED)
@pytest.mark.usefixtures("here")
def test_a_forged_text_is_refused(ended, capsys, how):
    path = Path("elastic/dataset.json")
    tree = json.loads(path.read_text())
    FORGED[how](tree["own_files"])
    del tree["sha256"]
    path.write_text(json.dumps(tree | {"sha256": manifest._digest(tree)}))
    remove()
    assert ended(main, "verify", "elastic", "--recipe", "stored") in (1, 2)
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert re.search("does not fit its checksum|is not the name of a file|keeps no text", line)
    assert not Path("ran").exists()


def test_datasets_of_this_package_keep_no_text(tiny):
    assert own_files(base.__module__ for system in tiny.tasks for base in type(system).__mro__) == {}


def test_a_new_file_runs_as_it_is(tmp_path, monkeypatch, ended, capsys):
    """It says how to look at it, and is never written over; without friction and radii where it leaves them out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert ended(main, "new", "my_system.py") == 0
    assert "slvm-data generate my_system.py" in capsys.readouterr().out
    text = Path("my_system.py").read_text()
    assert "NAME" not in text
    assert ended(main, "generate", "my_system.py", "--train", 4, "--val", 0, "--test", 0, "--steps", 4) == 0
    content = manifest.read(Path("my_system"))
    assert "radii" not in content.recipe.tasks[0].values
    assert content.arrays["state"].unit == "rad, kg m²/s"
    assert max(entry.error or 0.0 for entry in content.certificate) < 1e-9
    assert ended(main, "new", "my_system.py") == 2
    assert "my_system.py is there already: choose another name" in capsys.readouterr().err
    assert Path("my_system.py").read_text() == text
    for name, says in (("system.txt", "has to end in .py"), ("no/x.py", "make no first"), (".py", "has to end in .py")):
        assert ended(main, "new", name) == 2
        assert says in capsys.readouterr().err
    Path("still.py").write_text(
        text.replace("radii: ClassVar = None", "radii: ClassVar = None\n    friction: ClassVar = 0.0")
    )
    assert "friction" not in find("still.py").tasks[0].parameters()
