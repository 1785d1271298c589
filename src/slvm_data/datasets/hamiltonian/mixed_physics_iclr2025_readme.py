"""Balls, pendulums, double pendulums and pairs of bodies under three parameter settings each: twelve in all."""

from slvm_data.datasets.hamiltonian import double_pendulum3, gravity3, pendulum3, two_body3
from slvm_data.recipe.recipe import mixed
from slvm_data.script import main

RECIPE = mixed(
    [module.RECIPE for module in (gravity3, pendulum3, double_pendulum3, two_body3)],
    name="mixed_physics_iclr2025_readme",
    about=__doc__ or "",
    source="https://openreview.net/forum?id=Dl3MsjaIdp",
    train=3_000,
    val=1_000,
    test=1_000,
    alias="mixed",
)

if __name__ == "__main__":
    main(RECIPE)
