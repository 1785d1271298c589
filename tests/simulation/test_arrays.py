"""The table of arrays: its letters, the windows that it tells of, and the units of what systems draw.

That the arrays of every dataset are as the table has them is checked where they are sampled, by `in_the_table`.
"""

import dataclasses
from itertools import chain

import numpy as np
import pytest

from slvm_data import RECIPES, arrays
from slvm_data.arrays import AXES, TABLE, Role, info
from slvm_data.run.description import units
from slvm_data.systems.control import Held
from slvm_data.systems.drift import Jump

UNITS = {  # of parameters, by system; those that are left out have none
    "Acrobot": {"m": "kg", "l": "m", "inertia": "kg m²", "g": "m/s²"},
    "CartPole": {"m": "kg", "l": "m", "g": "m/s²"},
    "ElasticDoublePendulum": {"m": "kg", "l": "m", "width": "m", "k": "N/m", "g": "m/s²"},
    "RodPendulum": {"friction": "1/s", "g": "m/s²", "l": "m"},
    "ShakenPendulum": {"friction": "1/s", "g": "m/s²", "l": "m"},
    "Balls": {"friction": "1/s", "g": "m/s²", "radius": "m"},
    "PassingBalls": {"friction": "1/s", "g": "m/s²", "radius": "m", "v": "m/s"},
    "BallBox": {"g": "px/s²"},
    "PolygonBox": {"radius": "px"},
    "Pong": {"radius": "px"},
    "InterventionalPong": {"speed": "px"},
    "GrayScott": {"f": "1/s", "k": "1/s", "D_u": "m²/s", "D_v": "m²/s"},
    "LambdaOmega": {"d": "m²/s", "beta": "1/s"},
    "SpringNetwork": {"k": "N/m"},
    "ChargeNetwork": {"g": "N m²"},
    "LennardJones": {"temperature": "J"},
    "DoublePendulum": {"friction": "kg/s", "m": "kg", "l": "m", "g": "m/s²"},
    "DrivenPendulum": {"omega0": "rad/s", "alpha": "1/s", "omega_f": "rad/s", "f0": "rad/s²"},
    "Glycolytic": {
        **dict.fromkeys(("k1", "k2", "k3", "k4", "k6"), "1/(mM min)"),
        **dict.fromkeys(("k", "k5", "kappa"), "1/min"),
        "K1": "mM",
        "N": "mM",
        "A": "mM",
        "J0": "mM/min",
    },
    "MassSpring": {"friction": "kg/s", "m": "kg", "k": "N/m"},
    "Pendulum": {"friction": "kg/s", "m": "kg", "g": "m/s²", "l": "m"},
    "PendulumFromRest": {"friction": "kg/s", "m": "kg", "g": "m/s²", "l": "m"},
    "Sine": {"f": "1/s"},
    "SwitchingDoublePendulum": {"m": "kg", "l": "m", "g": "m/s²"},
    "ThreeBody": {"friction": "kg/s", "m": "kg", "g": "m³/(kg s²)"},
    "TwoBody": {"friction": "kg/s", "m": "kg", "g": "m³/(kg s²)"},
    "TwoBodyRing": {"friction": "kg/s", "m": "kg", "g": "m³/(kg s²)"},
}


def plain(row):
    """The letters of an array's axes, without brackets."""
    return tuple(letter.strip("()") for letter in row.axes.split())


def test_names_and_letters_of_axes_are_unique():
    assert len({*AXES.values(), *TABLE}) == len(AXES) + len(TABLE)  # as xarray and HDF5 need it
    for row in [*TABLE.values(), info("param_m")]:
        letters = plain(row)
        assert len(set(letters)) == len(letters), row.name
        assert set(letters) <= set(AXES), row.name
        assert letters[0] == "N", row.name
        assert row.letters(len(letters)) == letters
        assert row.axes.count("(") <= 1, row.name


def test_every_letter_is_used():
    assert set(chain(*map(plain, TABLE.values()), plain(info("param_m")))) == set(AXES)


def test_windows_have_the_types_and_axes_of_what_they_are_cut_from():
    cut = [row for row in TABLE.values() if row.query or row.context]
    assert {"image", "signal", "latent", "mode"} <= {row.name for row in cut}
    for row in cut:
        assert row.per_frame
        if row.query:
            assert (TABLE[row.query].axes, TABLE[row.query].dtype) == (row.axes, row.dtype)
        if row.context:
            context = TABLE[row.context]
            assert (context.axes, context.dtype, context.role) == (f"N K{row.axes[1:]}", row.dtype, Role.CONTEXT)


@pytest.mark.parametrize(("name", "axis"), [("image", 2), ("domain_image", 3)])
def test_pictures_are_the_last_axes(name, axis):
    """Of one channel, where the letter in brackets is left out, and of three."""
    assert info(name).frame_axis == axis
    assert info(name).letters(axis + 2)[axis:] == ("H", "W")
    assert info(name).letters(axis + 3)[axis:] == ("C", "H", "W")
    assert {row.name for row in TABLE.values() if row.frame_axis} == {"image", "clean", "domain_image", "background"}


def test_fillings_fit_their_types():
    for row in TABLE.values():
        kind, filling = np.dtype(row.dtype).kind, row.filling
        assert np.isnan(filling) or kind == "f" or filling == int(filling), row.name
        assert not np.isnan(filling) or kind == "f", row.name


def test_units_of_parameters():
    systems = {type(system) for recipe in RECIPES.values() for system in recipe.tasks}
    found = {
        kind.__name__: {name: bounds.unit for name, bounds in kind.parameters().items() if bounds.unit}
        for kind in systems
    }
    assert {name: units for name, units in found.items() if units} == UNITS


def test_units_of_everything_else_that_is_a_systems_own():
    """Where tasks differ, all of them; signals and their noise have none."""
    assert units(RECIPES["pendulum"]) == {
        "state": "rad, kg m²/s",
        "dx_dt": "rad/s, kg m²/s/s",
        "energy": "J",
        "offset": "m",
        **{f"param_{name}": unit for name, unit in UNITS["Pendulum"].items()},
    }
    assert units(RECIPES["gravity"]) == {
        "state": "px, px, px/s, px/s",
        "dx_dt": "px/s, px/s, px/s/s, px/s/s",
        "energy": "px²/s²",
        "offset": "px",
        "param_g": "px/s²",
    }
    mixed = units(RECIPES["mixed_physics_iclr2025"])
    assert (mixed["offset"], mixed["energy"]) == ("px or m", "px²/s² or J")
    assert mixed["param_g"] == "px/s² or m/s² or m³/(kg s²)"
    assert "energy" not in units(RECIPES["lorenz"])


def test_units_of_control_and_drift():
    recipe = dataclasses.replace(RECIPES["pendulum"], control=Held(), drift=(Jump(of="g", to=2.0),))
    found = units(recipe)
    assert {name: found[name] for name in ("control", "drift_g", "drift_to_g")} == {
        "control": "N m",
        "drift_g": "m/s²",
        "drift_to_g": "m/s²",
    }
    assert "drift_m" not in found


def test_an_array_that_no_dataset_has_is_refused():
    assert info("param_k").role is Role.PARAMETER
    assert not arrays.pictures("param_k")
    with pytest.raises(ValueError, match="'images' is not among the arrays that a dataset may hold: image, clean, "):
        info("images")
