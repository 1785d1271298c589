"""Errors that name the way out."""

from dataclasses import replace
from functools import partial

import pytest

from slvm_data import RECIPES, cli, generate, render, simulate
from slvm_data.core.errors import DamageError, damage_named
from slvm_data.load import Sequences
from slvm_data.recipe.original import as_original
from slvm_data.store import formats, npz
from slvm_data.view import plot
from slvm_data.view.dataset import of_recipe


@pytest.mark.parametrize("form", formats.OWN)
@pytest.mark.parametrize("name", ["plain", "with a space"])
def test_damage_names_the_command_that_mends_it(form, name, tmp_path, ended, capfd):
    recipe = replace(RECIPES["pendulum3"], train=3, val=1, test=1, steps=2)
    folder = generate(recipe, tmp_path / name, format=form)
    file = next(path for path in sorted(folder.rglob("*")) if path.is_file() and "dataset_1" in path.as_posix())
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DamageError, match="slvm-data repair"):
        [Sequences(folder, split)[1:] for split in recipe.splits()]
    assert ended(cli.main, "verify", folder) == 1
    assert f"slvm-data repair {folder}\n" in capfd.readouterr().err
    assert ended(cli.main, "convert", folder, tmp_path / "x.h5") == 1
    assert f"slvm-data repair {folder}\n" in capfd.readouterr().err
    assert ended(cli.main, "repair", folder) == 0
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
        with pytest.raises(ValueError, match=r"has to be a system, such as recipe.tasks\[0\]"):
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
