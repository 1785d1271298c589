"""Two bodies that start further out than those of training: near the training starts, or far from them."""

from dataclasses import replace

from slvm_data.datasets.hamiltonian.two_body import RECIPE as TWO_BODY
from slvm_data.recipe.split import Split, ring
from slvm_data.script import main

RECIPE = replace(
    TWO_BODY,
    name="two_body_ood",
    about=__doc__ or "",
    splits={
        "near_start": Split(count=1_000, change={"radii": ring(0.0, 0.1)}),
        "far_start": Split(count=1_000, change={"radii": ring(0.1, 0.3)}),
    },
)

if __name__ == "__main__":
    main(RECIPE)
