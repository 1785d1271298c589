"""Errors that name the way out."""

import shlex
from dataclasses import replace
from functools import partial

import pytest

from slvm_data import RECIPES, cli, generate, render, simulate
from slvm_data.core.errors import DamageError, damage_named
from slvm_data.load import Sequences
from slvm_data.recipe.original import as_original
from slvm_data.run.combination import combine
from slvm_data.run.conversion import convert
from slvm_data.store import formats, manifest, npz
from slvm_data.view import plot
from slvm_data.view.dataset import of_folder, of_recipe

READERS = {
    "load": lambda folder, split, _: Sequences(folder, split)[1:],
    "load one": lambda folder, split, _: Sequences(folder, split)[1],
    "view": lambda folder, split, _: of_folder(folder).rows(1, split, range(2)),
    "convert": lambda folder, _, new: convert(folder, new),
    "combine": lambda folder, *_: combine(folder),
    "generate": lambda folder, *_: generate(RECIPE, folder, format=manifest.read(folder).format.name),
}
RECIPE = replace(RECIPES["pendulum3"], train=3, val=0, test=0, steps=4)


@pytest.fixture(scope="module", params=formats.OWN)
def folder(request, tmp_path_factory):
    return generate(RECIPE, tmp_path_factory.mktemp("errors") / "with a space", format=request.param)


def _error(read, folder, split, new):
    try:
        read(folder, split, new / "x.h5")
    except DamageError as error:
        return str(error)


def test_damage_names_the_command_that_mends_it(folder, tmp_path, ended, capfd):
    """To be pasted as it is, whatever is damaged and whoever reads it; and said once."""
    readers = (
        READERS if manifest.read(folder).format.name == "npz" else {n: READERS[n] for n in READERS if n != "combine"}
    )
    out = f": slvm-data repair {shlex.quote(str(folder))}"
    for file in sorted(path for path in (folder / "dataset_1").rglob("*") if path.is_file()):
        split, whole = file.relative_to(folder / "dataset_1").parts[0].partition(".")[0], file.read_bytes()
        for damaged in (whole[:-1], None):
            file.unlink()
            if damaged is not None:
                file.write_bytes(damaged)
            said = {name: error for name, read in readers.items() if (error := _error(read, folder, split, tmp_path))}
            assert {"convert", "generate"} <= set(said), file
            for name, error in said.items():  # others may have no need of the file
                assert error.endswith(out), (name, file)
                assert error.count("slvm-data repair") == 1, (name, file)
            file.write_bytes(whole)
    file.write_bytes(whole[:-1])
    assert ended(cli.main, "verify", folder) == 1
    said = capfd.readouterr().err
    assert said.count("slvm-data repair") == 1
    assert ended(cli.main, *shlex.split(said.splitlines()[-1].partition(": ")[2])[1:]) == 0
    assert ended(cli.main, "verify", folder) == 0


def test_a_file_of_no_dataset_has_no_such_command(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"no archive")
    with pytest.raises(DamageError) as found:
        npz.read(tmp_path / "x.npz")
    assert "repair" not in str(found.value)
    (tmp_path / "dataset.json").touch()
    with pytest.raises(DamageError, match=rf": slvm-data repair {tmp_path}$"), damage_named(tmp_path / "a/x.npz"):
        raise ValueError("odd")


def test_a_name_in_the_place_of_a_recipe_is_told_how_it_is_written(tmp_path):
    for call in (generate, as_original, of_recipe):
        with pytest.raises(ValueError, match=r"'gravity' has to be a Recipe, such as slvm_data.RECIPES\['gravity'\]"):
            call("gravity")
    for call in (partial(simulate, t=[0.0]), render):
        with pytest.raises(ValueError, match=r"has to be a System, such as recipe.tasks\[0\]"):
            call(RECIPES["gravity"], {}, [0.0])


@pytest.mark.parametrize("word", ["Pendulum", "pendulm", "pen dulum", "PENDULUM", "nosuchfolder"])
def test_a_name_that_is_none_is_told_the_one_that_was_meant(word):
    says = "did you mean pendulum" if word != "nosuchfolder" else "`slvm-data list` shows all"
    with pytest.raises(KeyError, match=says):
        RECIPES[word]
    with pytest.raises(ValueError, match=f"there is no dataset and no folder '{word}'; {says}"):
        plot(word)
    assert RECIPES.get(word) is None
    assert word not in RECIPES
