"""Double pendulums, and the sequences of test again with twice and four times as many frames."""

from dataclasses import replace

from slvm_data.datasets.hamiltonian.double_pendulum import RECIPE as DOUBLE_PENDULUM
from slvm_data.recipe.split import Split, times
from slvm_data.script import main

RECIPE = replace(
    DOUBLE_PENDULUM,
    name="double_pendulum_long",
    about=__doc__ or "",
    splits={f"long{k}": Split(count=1_000, steps=times(k), paired="test") for k in (2, 4)},
)

if __name__ == "__main__":
    main(RECIPE)
