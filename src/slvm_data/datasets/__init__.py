"""The datasets, one file each; every file is also a script."""

from slvm_data.datasets.hamiltonian import (
    bouncingball,
    double_pendulum,
    double_pendulum3,
    gravity,
    gravity3,
    gravity6,
    gravity16,
    mass_spring,
    mass_spring3,
    mixed_physics_iclr2023,
    mixed_physics_iclr2025,
    mixed_physics_iclr2025_readme,
    pendulum,
    pendulum3,
    two_body,
    two_body3,
)
from slvm_data.datasets.switching import bouncing_ball_1d, lorenz, nascar, switching_double_pendulum, three_mode
from slvm_data.recipe.recipe import Recipe

_MODULES = (
    *(bouncingball, gravity, gravity3, gravity6, gravity16),
    *(pendulum, pendulum3, mass_spring, mass_spring3),
    *(double_pendulum, double_pendulum3, two_body, two_body3),
    *(mixed_physics_iclr2023, mixed_physics_iclr2025, mixed_physics_iclr2025_readme),
    *(nascar, lorenz, switching_double_pendulum, three_mode, bouncing_ball_1d),
)

RECIPES: dict[str, Recipe] = {module.RECIPE.name: module.RECIPE for module in _MODULES}
"""Every dataset of this package, by name."""
