"""Balls under four gravities and pendulums under four frictions; masses on springs are never trained."""

from dataclasses import replace

from slvm_data.datasets.hamiltonian.mixed_physics_iclr2023 import RECIPE as MIXED
from slvm_data.recipe.split import Split
from slvm_data.script import main

HELD_OUT = (8, 9, 10, 11)  # the masses on springs

RECIPE = replace(
    MIXED,
    name="mixed_physics_held_out",
    about=__doc__ or "",
    held_out=HELD_OUT,
    splits={"new_system": Split(count=1_000, tasks=HELD_OUT)},
)

if __name__ == "__main__":
    main(RECIPE)
