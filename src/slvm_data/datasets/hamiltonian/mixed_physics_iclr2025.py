"""Balls, pendulums, masses on springs and pairs of bodies under three parameter settings each: twelve in all."""

from slvm_data.datasets.hamiltonian import gravity3, mass_spring3, pendulum3, two_body3
from slvm_data.recipe.recipe import mixed
from slvm_data.script import main

RECIPE = mixed(
    [module.RECIPE for module in (gravity3, pendulum3, mass_spring3, two_body3)],
    name="mixed_physics_iclr2025",
    about=__doc__ or "",
    source="https://openreview.net/forum?id=Dl3MsjaIdp",
    train=3_000,
    val=1_000,
    test=1_000,
    alias="mixed",
)

if __name__ == "__main__":
    main(RECIPE)
