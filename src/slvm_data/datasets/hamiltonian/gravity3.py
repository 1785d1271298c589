"""A ball thrown downwards, under gravity in three of sixteen directions: 0, 6, 11."""

from dataclasses import replace

from slvm_data.datasets.hamiltonian import gravity16
from slvm_data.script import main

RECIPE = replace(
    gravity16.RECIPE,
    name="gravity3",
    about=__doc__ or "",
    source="https://openreview.net/forum?id=7C9aRX2nBf2",
    tasks=tuple(gravity16.RECIPE.tasks[k] for k in (0, 6, 11)),
)

if __name__ == "__main__":
    main(RECIPE)
