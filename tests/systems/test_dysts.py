"""Flows of the package dysts: of one that is written here in its form, and, slowly, of the package itself."""

import dataclasses
import json
import pickle
import sys

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from slvm_data import RECIPES, sample, simulate, uniform
from slvm_data.core.keys import exact
from slvm_data.recipe.serialisation import equation, from_stored, to_stored
from slvm_data.systems import dysts_flow, dysts_package

FLOWS = """
import numpy as np
from numba import njit
from .base import DynSys, DynSysDelay, staticjit

class Spiral(DynSys):
    @staticjit
    def _rhs(x, y, z, t, a, b, c):
        return -y - z, x + a * y, b + z * (x - c)
    @staticjit
    def _jac(x, y, z, t, a, b, c):
        return nothing

class Weaker(Spiral):
    pass

class Forced(DynSys):
    def force(self, phase):
        return self.f * np.cos(phase)
    def rhs(self, X, t):
        x, v, phase = X
        return v, x - x**3 - self.d * v + self.force(phase), 1.4

class Chain(DynSys):
    def rhs(self, X, t):
        rates = np.zeros_like(X)
        rates[0] = X[1] - X[0]
        rates[1:] = np.matmul(self.w, np.tanh(X + self.theta)) - X[1:]
        return rates

class Late(DynSysDelay):
    @staticjit
    def _rhs(x, past, t, a):
        return a * past - x

class Clock(DynSys):
    @staticjit
    def _rhs(x, y, t, a):
        return y, a * np.sin(t)

class Branch(DynSys):
    @staticjit
    def _rhs(x, y, t, a):
        return (y, a) if x > 0 else (a, y)
"""
SPIRAL = {"c": 5.7, "a": 0.2, "b": 0.3}  # the arguments of `_rhs` follow the alphabet, the table need not
W = [[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]]
TABLE = {
    "Spiral": (SPIRAL, [1.0, 2.0, 0.5], 6.0),
    "Weaker": (SPIRAL | {"c": 4.0}, [1.0, 2.0, 0.5], 6.0),
    "Forced": ({"f": 0.3, "d": 0.2}, [0.1, 0.2, 0.0], 4.5),
    "Chain": ({"theta": [0.1, -0.4, 0.2], "w": W}, [0.3, -0.2, 0.1], 2.0),
    "Late": ({"a": 0.2}, [1.0, 2.0], 1.0),
    "Clock": ({"a": 0.2}, [1.0, 2.0], 1.0),
    "Branch": ({"a": 0.2}, [1.0, 2.0], 1.0),
}


def facts(parameters, first, period):
    kept = {"parameters": parameters, "initial_conditions": first, "period": period, "delay": False}
    words = {"description": "A flow.", "citation": "Nobody (2020)"}
    return kept | words | {"embedding_dimension": len(first), "std": [2.0, 1.0, 0.5][: len(first)]}


@pytest.fixture(scope="module", autouse=True)
def package(tmp_path_factory):
    """A package with the name and files of dysts, which nothing could import in full."""
    folder = tmp_path_factory.mktemp("packages") / "dysts"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "flows.py").write_text(FLOWS)
    table = {name: facts(*row) for name, row in TABLE.items()}
    (folder / "data/chaotic_attractors.json").write_text(json.dumps(table))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder.parent)
        forget(patch)
        yield
    forget(patch)


def forget(patch):
    """Read the package anew when it is asked for."""
    patch.delitem(sys.modules, "dysts", raising=False)
    for kept in (dysts_flow.flow, dysts_package.equations, dysts_package._classes):
        kept.cache_clear()


def spiral(x, c, a, b):
    return [-x[1] - x[2], x[0] + a * x[1], b + x[2] * (x[0] - c)]


LAWS = {
    "Spiral": lambda x: spiral(x, 5.7, 0.2, 0.3),
    "Weaker": lambda x: spiral(x, 4.0, 0.2, 0.3),
    "Forced": lambda x: [x[1], x[0] - x[0] ** 3 - 0.2 * x[1] + 0.3 * np.cos(x[2]), 1.4],
    "Chain": lambda x: [x[1] - x[0], *(np.array(W) @ np.tanh(np.add(x, [0.1, -0.4, 0.2])) - x[1:])],
}


@pytest.mark.parametrize("name", LAWS)
def test_the_velocity_is_the_right_hand_side(name):
    system = RECIPES[f"dysts:{name}"].tasks[0]
    x = np.random.default_rng(0).normal(size=3)
    with exact():
        np.testing.assert_allclose(system.velocity(x), LAWS[name](x), rtol=1e-14)


def test_states_are_those_of_scipy():
    """Over one period; the frames are a hundredth of it."""
    recipe = RECIPES["dysts:Spiral"]
    system, t = recipe.tasks[0], np.arange(101) * recipe.dt_of(0)
    assert t[-1] == pytest.approx(system.period)
    assert system.state == ("x", "y", "z")
    solved = solve_ivp(lambda _, x: LAWS["Spiral"](x), (0, t[-1]), system.first, "DOP853", t, rtol=1e-12, atol=1e-12)
    assert np.abs(simulate(system, {}, system.first, t) - solved.y.T).max() < 1e-9


def test_a_flow_is_a_dataset():
    """A parameter may be drawn, and starts lie along the attractor: no two are near each other."""
    base = RECIPES["dysts:Spiral"]
    system = dataclasses.replace(base.tasks[0], c=uniform(4, 6))
    arrays = sample(dataclasses.replace(base, tasks=(system,), train=8, steps=3), "train")
    states, c = arrays["state"], arrays["param_c"]
    assert np.array_equal(arrays["signal"], states)
    assert c.min() < 5 < c.max()
    rates = (states[:, 2] - states[:, 0]) / (2 * base.dt_of(0))
    expected = np.array([spiral(x, a=0.2, b=0.3, c=own) for x, own in zip(states[:, 1], c, strict=True)])
    assert np.abs(rates - expected).max() < 0.01 * np.abs(expected).max()
    apart = np.linalg.norm(states[:, None, 0] - states[None, :, 0], axis=2) + 9 * np.eye(8)
    assert apart.min() > 0.05


@pytest.mark.parametrize("name", ["Spiral", "Chain"])
def test_a_flow_is_stored_with_all_its_numbers(name):
    """In a folder whose name has no colon; what is read of it is of the same class, in other processes too."""
    recipe = RECIPES[f"dysts:{name}"]
    stored = to_stored(recipe)
    assert stored.name == f"dysts_{name}"
    assert stored.tasks[0].system == f"dysts:{name}"
    assert stored.tasks[0].values["first"] == TABLE[name][1]
    assert from_stored(stored) == recipe
    again = pickle.loads(pickle.dumps(recipe.tasks[0]))
    assert again == recipe.tasks[0]
    assert type(again) is type(recipe.tasks[0])


def test_its_equation_is_the_text_of_the_package():
    text = equation(RECIPES["dysts:Weaker"])
    assert "Nobody (2020)" in text
    assert f"As dysts {dysts_package.version()} has it" in text
    assert "class Weaker(Spiral)" in text
    assert "b + z * (x - c)" in text
    assert "_jac" not in text


REFUSED = {
    "Spirl": "dysts has no flow 'Spirl'; did you mean dysts:Spiral?",
    "": "dysts has no flow ''; there are others, such as dysts:Rossler",
    "../Spiral": "dysts has no flow '../Spiral'; did you mean dysts:Spiral?",
    "Late": "dysts:Late moves by its past, not by its state alone: only ẋ = f(x) can be used",
    "Clock": "dysts:Clock cannot be used: its right-hand side, as the package writes it, decides by the value of a "
    "number, or depends on the time",
}
REFUSED["Branch"] = REFUSED["Clock"].replace("Clock", "Branch")


@pytest.mark.parametrize("name", REFUSED)
def test_a_flow_that_cannot_be_used_is_refused(name):
    with pytest.raises(ValueError) as error:
        RECIPES[f"dysts:{name}"]
    assert str(error.value) == REFUSED[name]


def test_numbers_of_a_wrong_shape_are_refused():
    system = RECIPES["dysts:Chain"].tasks[0]
    with pytest.raises(ValueError, match=r"^dysts:Chain: w = .* has to be 2 x 3 finite numbers$"):
        dataclasses.replace(system, w=((1.0, 2.0), (3.0, 4.0)))
    with pytest.raises(ValueError, match=r"^dysts:Chain: theta = .* does not fit: 3 values expected"):
        dataclasses.replace(system, theta=1.0)


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch):
    forget(monkeypatch)
    monkeypatch.setitem(sys.modules, "dysts", None)
    with pytest.raises(ValueError, match=r"which is not installed: pip install --no-deps dysts$"):
        RECIPES["dysts:Spiral"]
    assert "dysts:Spiral" in RECIPES
    assert "other:Spiral" not in RECIPES
    with pytest.raises(KeyError, match="there is no dataset 'other:Spiral'"):
        RECIPES["other:Spiral"]
