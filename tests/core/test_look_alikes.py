"""Values that look like what a field has to be: each becomes that value of Python, or is refused in one sentence."""

import dataclasses
import json
import traceback
from decimal import Decimal
from enum import Enum
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from slvm_data import RECIPES, Pendulum, Recipe, Split, Uniform, View, times, uniform
from slvm_data.core.json_tree import to_json
from slvm_data.observe.modifiers import Missing
from slvm_data.recipe.serialisation import KNOWN, to_stored

PLAIN = (bool, int, float, str, type(None))
SYSTEMS = {type(system): system for recipe in RECIPES.values() for system in recipe.tasks}


class Word(str, Enum):  # noqa: UP042 - as many still write it
    """A word that is also something else."""

    SOFT = "soft"


def owners():
    """One of each dataclass that a person makes, by name."""
    nascar = dataclasses.replace(RECIPES["nascar"], record=("offset",))
    found = [RECIPES["pendulum3"], RECIPES["mixed_physics_iclr2025"], nascar, nascar.windows, View(style="soft")]
    split = Split(count=9, change={"m": 0.3}, tasks=(0,), steps=7, dt=0.2, observe=(Missing(),), view=View(), support=2)
    splits = {"far": split, "long": Split(count=3, steps=times(2))}
    found.append(dataclasses.replace(RECIPES["pendulum3"], splits=splits))
    return [*found, split, View(palette=3, jitter=0.5), uniform(0.5, 1, (0.6, 0.7)), *SYSTEMS.values()]


def test_every_system_is_here():
    assert set(KNOWN.values()) == set(SYSTEMS)


FIELDS = [
    pytest.param(owner, field.name, id=f"{type(owner).__name__}-{i}-{field.name}")
    for i, owner in enumerate(owners())
    for field in dataclasses.fields(owner)
]


def alike(value):
    """Values that mean the same."""
    if isinstance(value, bool):
        return [np.bool_(value), np.array(value), torch.tensor(value)]
    if isinstance(value, int):
        kinds = (np.int64, np.uint64, np.int8, np.uint8)
        return [kind(value) for kind in kinds if value <= np.iinfo(kind).max] + [np.array(value), torch.tensor(value)]
    if isinstance(value, float):
        single = [np.float32(value), jnp.float32(value), np.float16(value)] if float(np.float16(value)) == value else []
        whole = [int(value), np.uint8(value)] if value.is_integer() and 0 < value < 256 else []
        return [
            np.float64(value),
            np.longdouble(value),
            np.array(value),
            *single,
            *whole,
            *([Fraction(value)] if value else []),
        ]
    if isinstance(value, str):
        return [np.str_(value), np.array(value), *([Word.SOFT] if value == "soft" else [])]
    if isinstance(value, tuple) and value:
        each = [tuple(others) for others in zip(*map(alike, value), strict=False)]
        numbers = [np.array(value)] if np.array(value).dtype.kind in "fU" else []
        return [list(value), *each, *numbers]
    return []


def parts(value):
    """The values in nested dataclasses and tuples."""
    if dataclasses.is_dataclass(value):
        return [x for field in dataclasses.fields(value) for x in parts(getattr(value, field.name))]
    value = tuple(value.values()) if type(value) is dict else value
    return [x for part in value for x in parts(part)] if type(value) is tuple else [value]


def stored(owner):
    return json.dumps(to_json(to_stored(owner) if isinstance(owner, Recipe) else owner))


@pytest.mark.parametrize(("owner", "name"), FIELDS)
def test_a_value_that_means_the_same_is_the_same(owner, name):
    for value in alike(getattr(owner, name)):
        made = dataclasses.replace(owner, **{name: value})
        assert made == owner, value
        assert hash(made) == hash(owner)
        assert stored(made) == stored(owner)
        assert repr(made) == repr(owner)
        assert {type(x) for x in parts(made)} <= set(PLAIN)


OTHER = [
    *(None, True, 1, 10**400, 1.5, float("nan"), float("inf"), 1e308, "1", "", "soft", b"soft", "a\x1b[31m"),
    *((), (1,), ("energy",), [None], [[1], [2, 3]], {}, {"low": 1, "high": 2}, {1}, range(2), (True, False), (1, "2")),
    *(Decimal(1), 1j, np.complex64(1), np.datetime64("2020"), np.array([1, 2]), np.array([]), np.array(["a"])),
    *(np.array([None], object), torch.zeros(2, 2), jnp.zeros(3), np.float32(0.1), np.uint8(4), np.nan, np.bool_(True)),
    *(uniform(0.5, 1), View(), Pendulum(), Pendulum, object(), lambda: 1),
]


@pytest.mark.parametrize(("owner", "name"), FIELDS)
def test_another_value_is_taken_as_plain_values_or_refused(owner, name):
    """Never kept as it is, and never refused by another library's words."""
    for value in OTHER:
        try:
            made = dataclasses.replace(owner, **{name: value})
        except ValueError as error:
            assert "\n" not in str(error), value
            assert "np." not in str(error), value
            assert "slvm_data" in traceback.extract_tb(error.__traceback__)[-1].filename, (value, error)
            continue
        assert {type(x) for x in parts(made)} <= set(PLAIN), value
        assert json.loads(stored(made)) is not None
        hash(made)


@pytest.mark.parametrize(
    "fields",
    [
        {"steps": 7.0},
        {"seed": "7"},
        {"train": np.float32(4)},
        {"record": "energy"},
        {"record": (1,)},
        {"windows": ()},
        {"windows": False},
        {"original": 1},
        {"about": None},
        {"name": 5},
        {"dt": "0.1"},
        {"dt": True},
        {"view": {}},
        {"tasks": Pendulum()},
    ],
    ids=str,
)
def test_what_a_recipe_refuses(fields):
    (name,) = fields
    with pytest.raises(ValueError, match=rf"{name} = .* has to be|view = .* a View"):
        dataclasses.replace(RECIPES["pendulum"], **fields)


def test_numbers_of_less_precision_are_other_numbers():
    """They are equal to no number that a person would write, and two recipes with equal bytes are equal."""
    pendulum = RECIPES["pendulum"]
    single, double = (dataclasses.replace(pendulum, dt=dt) for dt in (np.float32(0.1), 0.1))
    assert single != double
    assert single == dataclasses.replace(pendulum, dt=float(np.float32(0.1)))
    assert Pendulum(m=np.float32(0.1)) != Pendulum(m=0.1)
    assert Uniform(np.float32(0.1), 1) != uniform(0.1, 1)
