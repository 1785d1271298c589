"""A ball thrown downwards, under gravity in six of sixteen directions: 0, 3, 6, 9, 11, 14."""

from dataclasses import replace

from slvm_data.datasets.hamiltonian import gravity16
from slvm_data.script import main

RECIPE = replace(
    gravity16.RECIPE,
    name="gravity6",
    about=__doc__ or "",
    source="https://openreview.net/forum?id=Dl3MsjaIdp",
    tasks=tuple(gravity16.RECIPE.tasks[k] for k in (0, 3, 6, 9, 11, 14)),
)

if __name__ == "__main__":
    main(RECIPE)
