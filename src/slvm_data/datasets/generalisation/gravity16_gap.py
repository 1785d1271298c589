"""A ball under gravity in twelve of sixteen directions; four directions between them are never trained."""

from dataclasses import replace

from slvm_data.datasets.hamiltonian.gravity16 import RECIPE as GRAVITY16
from slvm_data.recipe.split import Split
from slvm_data.script import main

HELD_OUT = (2, 6, 10, 14)  # each between two directions that are trained

RECIPE = replace(
    GRAVITY16,
    name="gravity16_gap",
    about=__doc__ or "",
    held_out=HELD_OUT,
    splits={"gap": Split(count=1_000, tasks=HELD_OUT)},
)

if __name__ == "__main__":
    main(RECIPE)
