"""The datasets, one file each; every file is also a script. To add a dataset to the package, add its name here."""

from importlib import import_module

from slvm_data.recipe.recipe import Recipe

NAMES = {
    "hamiltonian": (
        *("bouncingball", "gravity", "gravity3", "gravity6", "gravity16"),
        *("pendulum", "pendulum3", "mass_spring", "mass_spring3"),
        *("double_pendulum", "double_pendulum3", "two_body", "two_body3"),
        *("mixed_physics_iclr2023", "mixed_physics_iclr2025", "mixed_physics_iclr2025_readme"),
    ),
    "switching": ("nascar", "lorenz", "switching_double_pendulum", "three_mode", "bouncing_ball_1d"),
}
"""The datasets by family, in the order in which they are listed."""

RECIPES: dict[str, Recipe] = {
    name: import_module(f"slvm_data.datasets.{family}.{name}").RECIPE
    for family, names in NAMES.items()
    for name in names
}
"""Every dataset of this package, by name."""
