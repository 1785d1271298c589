"""The datasets, one file each; every file is also a script."""

from slvm_data.recipe import Recipe
from slvm_data.recipes.hamiltonian import (
    double_pendulum,
    double_pendulum3,
    mass_spring,
    mass_spring3,
    pendulum,
    pendulum3,
    two_body,
    two_body3,
)

_MODULES = (
    *(pendulum, pendulum3, mass_spring, mass_spring3),
    *(double_pendulum, double_pendulum3, two_body, two_body3),
)

RECIPES: dict[str, Recipe] = {module.RECIPE.name: module.RECIPE for module in _MODULES}
"""Every dataset of this package, by name."""
