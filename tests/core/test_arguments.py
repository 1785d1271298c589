"""Arguments of public functions that look like what they have to be: plain values, or one sentence."""

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import get_type_hints

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike

import slvm_data
from slvm_data import (
    RECIPES,
    Pendulum,
    Recipe,
    corner,
    evaluate,
    generate,
    load,
    open_xarray,
    render,
    sample,
    simulate,
    worlds,
)
from slvm_data.core.arguments import checked
from slvm_data.core.types import Numbers
from slvm_data.load import DataModule, Episodes, EpisodeSampler, Sequences, Shuffled, Stream
from slvm_data.run.combination import combine
from slvm_data.run.conversion import convert
from slvm_data.run.push import push
from slvm_data.simulation import sequences
from slvm_data.simulation.member import energies

NEVER = (object(), Decimal(1), 1j, np.datetime64("2020"), {1}, slice(0, 1.5), Pendulum)
LISTS = (["1"], [True], [None], np.array([True]), [[1], [2, 3]], [{}], "12", b"12", 5.0)
ODD = {
    bool: (1, 0, "yes", None, np.uint8(1), 1.0, [True]),
    int: (True, np.True_, 7.0, np.float32(7), "7", b"7", [7], None, float("nan"), torch.zeros(2), torch.tensor(True)),
    float: (True, "0.5", [0.5], None, np.bool_(False)),
    str: (5, b"npz", ["npz"], None, True, np.array(["npz", "zarr"])),
    Path | str: (5, b"x", ["x"], None, True, 1.5),
    tuple[int, int]: (*LISTS, 1, (0,), (0, 1, 2), (0, 1.0), "0/2", True),
    Sequence[int]: (*LISTS, [1.0], 1, True),
    Iterable[str]: ("image", b"image", 5, [1], [None], [["image"]], True, np.array([1])),
    ArrayLike: ("1", ["1"], [[1], [2, 3]], [None], {}, True, [True], b"1", None),
    Sequence[int] | np.ndarray: (["1"], [[1], [2, 3]], True),
    Numbers: ("m", ["m"], 5, None, {1: 0.5}),
    Recipe: ("pendulum", None, {}, Pendulum(), Recipe),
}
"""Values that an argument of this annotation may not have, beside those of `NEVER`."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    recipe = replace(RECIPES["pendulum3"], train=6, val=2, test=2, steps=4)
    return generate(recipe, tmp_path_factory.mktemp("arguments") / "x")


@pytest.fixture(scope="module")
def calls(folder):
    """Each public function with the arguments that it needs."""
    recipe, one = RECIPES["pendulum"], {"population": Pendulum(m=1.0, l=1.0, g=1.0), "parameters": {}}
    return {
        generate: {"recipe": recipe, "out": folder.parent / "new"},
        sample: {"recipe": recipe},
        simulate: one | {"x0": [0.1, 0.0], "t": [0.0, 0.1]},
        render: one | {"states": [[0.1, 0.0]]},
        energies: one | {"states": [[0.1, 0.0]]},
        convert: {"source": folder, "target": folder.parent / "new.tar"},
        push: {"source": folder, "repo": "you/new"},
        combine: {"folder": folder},
        open_xarray: {"folder": folder},
        worlds: {"recipe": recipe, "axes": {"g": [2.0, 3.0]}},
        corner: {"recipe": recipe},
        evaluate: {"forecast": {}, "dataset": folder},
        load.forecast: {"model": len, "dataset": folder, "out": folder.parent / "forecast", "seen": 2},
        Sequences: {"root": folder},
        Episodes: {"root": folder, "context": 2},
        load.Windows: {"root": folder},
        load.dataset: {"name": str(folder)},
        DataModule: {"root": folder},
        EpisodeSampler: {"dataset": Episodes(folder, context=2)},
        Shuffled: {"dataset": range(5)},
        Stream: {"recipe": recipe},
    }


def _is_error(value):
    return isinstance(value, type) and issubclass(value, Exception)


def test_every_public_function_is_here(calls):
    functions = {name for name in slvm_data.__all__ if inspect.isfunction(getattr(slvm_data, name))}
    loaders = {name for name in load.__all__ if not _is_error(getattr(load, name))}
    fields = {"parameter", "shared_parameter", "uniform"}  # of systems, which check them: test_look_alikes.py
    fields |= {"shell", "ring", "hole", "times"}  # likewise, of splits
    fields |= {"Ahead"}  # takes no number and no word: load/test_device.py
    assert {function.__name__ for function in calls} >= (functions | loaders) - fields


def test_what_looks_alike_is_refused_at_the_door(calls):
    """In one sentence that names the argument and the value, before anything is done."""
    for function, given in calls.items():
        hints = get_type_hints(function.__init__ if isinstance(function, type) else function)
        known = {name: next((own for own in ODD if kind in (own, own | None)), None) for name, kind in hints.items()}
        assert len(list(filter(None, known.values()))) >= 2, function
        for name, kind in known.items():
            for value in (*ODD[kind], *NEVER) if kind and name != "return" else ():
                if value is not None or hints[name] == kind:
                    with pytest.raises(ValueError, match=rf"^{name} = .* has to be [^\n]*$") as found:
                        function(**given | {name: value})
                    assert len(str(found.value)) < 150
                    assert "np." not in str(found.value)


@checked
def plain(
    flag: bool, whole: int, share: float, word: str, place: Path | str, pair: tuple[int, int] | None = None,
    tasks: Sequence[int] = (), fields: Iterable[str] | None = None,
):  # fmt: skip
    return flag, whole, share, word, place, pair, tasks, fields


PLAIN = (True, 7, 0.5, "npz", "x", (0, 2), (1, 2), ("image", "state"))


@pytest.mark.parametrize(
    "given",
    [
        PLAIN,
        (
            *(np.True_, np.uint8(7), np.float32(0.5), np.str_("npz"), Path("x")),
            *([0, 2], [1, 2], ["image", "state"]),
        ),
        (
            *(torch.tensor(True), torch.tensor(7), torch.tensor(0.5), np.array("npz"), np.str_("x")),
            *(np.array([0, 2]), range(1, 3), np.array(["image", "state"])),
        ),
        (
            *(jnp.array(True), jnp.array(7), Fraction(1, 2), "npz", "x"),
            *(torch.tensor([0, 2]), jnp.array([1, 2]), iter(("image", "state"))),
        ),
    ],
)
def test_what_means_the_same_is_the_same(given):
    found = plain(*given)
    assert found == PLAIN
    assert [type(value) for value in found] == [type(value) for value in PLAIN]
    assert {type(x) for value in found[5:8] for x in value} == {int, str}


def test_an_index_of_sequences_says_by_itself_what_it_is():
    """`sample` reads its index itself, since it may be a list too."""
    for index in (slice(0, np.int8(7)), slice(np.uint64(0), torch.tensor(7)), slice(np.array(0), 7), range(7)):
        assert sequences._chosen(index, 10).tolist() == list(range(7))
    for index in (True, 1.0, "1", None, slice("0", 1), *NEVER):
        with pytest.raises(ValueError, match=r"^index = .* names no sequence: give a whole number") as found:
            sample(RECIPES["pendulum"], index=index)
        assert len(str(found.value)) < 250


def test_a_function_says_itself_which_arguments_it_lacks():
    with pytest.raises(TypeError, match="missing a required argument: 'whole'"):
        plain(True)
    assert list(inspect.signature(generate).parameters)[:2] == ["recipe", "out"]
