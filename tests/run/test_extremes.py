"""F37: the least and the greatest value of each option, and arrays without numbers, are the same in every format."""

import numpy as np
import pytest
from torch.utils.data import DataLoader

from slvm_data import RECIPES, generate
from slvm_data.core.packing import pack_pictures
from slvm_data.load import Sequences, Windows
from slvm_data.observe.modifiers import BitFlips, Missing
from slvm_data.recipe.options import OPTIONS, TRAJECTORIES
from slvm_data.recipe.overrides import override
from slvm_data.run.combination import combine
from slvm_data.run.conversion import convert
from slvm_data.run.repair import mend
from slvm_data.run.verification import faults
from slvm_data.store import card, formats, manifest
from slvm_data.store.testing import tree
from slvm_data.systems.control import Held
from slvm_data.systems.drift import Jump
from slvm_data.systems.switch import Switch
from slvm_data.systems.timing import Jittered
from slvm_data.view import saved
from slvm_data.view.animation import animate
from slvm_data.view.dataset import of_folder

SMALL = {"train": 2, "val": 1, "test": 1, "steps": 4}  # of as many steps as elsewhere, which is compiled once
WINDOWS = {"train": 2, "val": 1, "test": 1, "steps": 400, "gap": 5}
ENDS = {  # the least and the greatest value of each option
    "train": (0, 1),
    "val": (0, 70),
    "test": (0, 1),
    "steps": (1, 1500),
    "dt": (1e-300, 50.0),
    "seed": (0, 2**63 - 1),
    "observation": ("pixels", "signals"),
    "record": ((), ("dx_dt", "energy", "events", "offset", "color_index")),
    "folder": ("{i}", "{name}_" + "x" * 80 + "{i}"),
    "splits": ((), ("a: 1 steps=1", "x" * 40 + ": 2 g=4 paired=test")),
    "paired": (False, True),
    "license": ("MIT", "LicenseRef-" + "x" * 80),
    "extent": (1.6, 1e6),
    "size": (2, 1024),
    "color": ("binary", "rgb"),
    "observe": ((), (BitFlips(p=1), Missing(p=1, keep=1))),
    "time": (None, Jittered(share=1)),
    "control": (None, Held(low=-1e-300, high=1, steps=1)),
    "drift": ((), (Jump(of="l", to=0.5, at=1), Switch(of="g", to=(0.0, 1e-9), rate=1e-9, most=1))),
    "style": ("soft", "debug"),
    "palette": (1, 255),
    "length": (1, 9),
    "stride": (1, 5),
    "contexts": (0, 20),
    "spacing": (1, 9),
    "gap": (0, 110),
    "series": (False, True),
    "trajectories": (3, 4),
}
LEAST, GREATEST = ({option: ends[i] for option, ends in ENDS.items()} for i in (0, 1))


def least(*options, **others):
    return {option: LEAST[option] for option in options} | others


def greatest(*options, **others):
    return {option: GREATEST[option] for option in options} | others


# Ends that can stand together do: a dataset of many is as quick as one of each.
CASES = {
    "nothing to train or test on, undisturbed": (
        *("pendulum3", []),
        least(
            *("train", "test", "steps", "dt", "size", "color", "observe", "time", "control", "drift"),
            *("splits", "extent", "folder", "paired", "license"),
            **greatest("val", "seed"),
        ),
    ),
    "long": ("pendulum", [], greatest("train", "test", "steps", **least("val", "seed"))),
    "plain, of one hue": ("two_body", [], least("record", "style", "palette")),
    "recorded": ("gravity", [], greatest("record", "style")),
    "disturbed": ("pendulum", [], greatest("observe", "time", "control", "drift", "splits")),
    "many hues": ("two_body", [], greatest("color", "palette")),
    "large, long names": ("pendulum3", [], greatest("size", "dt", "extent", "folder", "paired", "license")),
    "short windows": ("nascar", [], least("observation", "length", "stride", "contexts", "gap", "series")),
    "a wide gap": ("nascar", [], greatest("observation", "gap", **least("spacing"))),
    "few trajectories": ("nascar", [], least("trajectories", "observation", "stride")),
    "long windows": (
        *("nascar", []),
        greatest("trajectories", "observation", "length", "stride", "contexts", "spacing", "series"),
    ),
}
NOTHING = {  # arrays with an axis of length 0, of two tasks
    "no contexts": (
        *("nascar", ["observation_noise=0.1,0.2"]),
        {"contexts": 0, "series": True, "observation": "pixels"},
    ),
    "no events in one frame": ("gravity", ["g=[0,2],[0,3]"], {"steps": 1, "record": ("events",)}),
    "no events at rest": ("gravity", ["radius=2,3", "g=[0,0]", "speed=0..0"], {"record": ("events", "energy")}),
}


def test_every_option_is_here():
    """With both of its ends, in some case."""
    assert set(ENDS) == {*OPTIONS, TRAJECTORIES.field}
    found = {(option, value) for _, _, options in CASES.values() for option, value in options.items()}
    assert found == {(option, value) for option, ends in ENDS.items() for value in ends}


def recipe_of(name, changes, options):
    small = WINDOWS if RECIPES[name].windows else SMALL
    return override(RECIPES[name], changes, small | options)


def formats_of(case, form):
    """The formats that a dataset in this one is converted to: our own, and in turn some of the others, or all."""
    others = [name for name in formats.NAMES if name not in formats.OWN]
    if case in NOTHING:
        return formats.NAMES
    return [*formats.OWN, *others[list(CASES).index(case) % 3 :: 3]] if form == "npz" else ["npz"]


def test_every_format_comes_in_turn():
    assert {name for case in CASES for name in formats_of(case, "npz")} == set(formats.NAMES)


@pytest.mark.few(8)
@pytest.mark.parametrize("case", [*NOTHING, *CASES])
def test_it_is_the_same_in_every_format(case, tmp_path):
    """Every case in our own formats; each of the others has a third of the cases, and all that hold no numbers."""
    recipe = recipe_of(*(CASES | NOTHING)[case])
    folders = {form: generate(recipe, tmp_path / form, format=form) for form in formats.OWN}
    for form, folder in folders.items():
        content = manifest.read(folder)
        assert list(faults(folder, recipe, content, 2, True)) == []
        assert card.text(content)
        for other in formats_of(case, form):
            copy = convert(folder, tmp_path / f"{form} as {other}", to=other)
            assert list(faults(copy, recipe, manifest.read(copy), 0, True)) == []
            if other in formats.OWN:
                assert arrays_of(copy) == arrays_of(folders[other])
        again = generate(recipe, folder, format=form)
        assert tree(again) == tree(folder)
    for split in recipe.split_names():
        same_items(*folders.values(), recipe, split)


@pytest.mark.parametrize("form", formats.OWN)
@pytest.mark.parametrize("case", NOTHING)
def test_commands_read_what_holds_no_numbers(case, form, tmp_path):
    recipe = recipe_of(*NOTHING[case])
    folder = generate(recipe, tmp_path / "x", format=form)
    before = tree(folder)
    shown = of_folder(folder)
    assert saved.save(shown, tmp_path / "page.html", 4) > 0
    if recipe.has_frames():
        animate(shown, tmp_path / "x.gif")
    if form == "npz":
        combine(folder)
        np.load(folder / "combined_train.npz", allow_pickle=False).close()
    for path in [path for path in folder.rglob("*") if path.is_file() and "train" in path.as_posix()]:
        path.unlink()
    mend(folder, recipe, manifest.read(folder))
    assert {name: data for name, data in tree(folder).items() if name in before and name != manifest.NAME} == {
        name: data for name, data in before.items() if name != manifest.NAME
    }


def test_frames_that_are_not_there_are_packed():
    for shape in ((2, 0, 7, 8, 9), (0, 7, 8, 9), (2, 7, 0, 9)):
        assert pack_pictures(np.zeros(shape, np.uint8), len(shape) - 2).shape[:-1] == shape[:-2]


def arrays_of(folder):
    beside = (manifest.NAME, manifest.CARD, manifest.CROISSANT, manifest.PREVIEW)
    return {name: data for name, data in tree(folder).items() if name not in beside}


def same_items(npz, zarr, recipe, split):
    kind = Windows if recipe.windows else Sequences
    one, other = kind(npz, split), kind(zarr, split)
    assert len(one) == len(other) > 0
    for batches in zip(*(DataLoader(kind, batch_size=64) for kind in (one, other)), strict=True):
        for name, array in batches[0].items():
            np.testing.assert_array_equal(array, batches[1][name])
            assert array.shape == batches[1][name].shape
    last = len(one) - 1
    for name, array in one[last].items():
        np.testing.assert_array_equal(array, other[last][name])
