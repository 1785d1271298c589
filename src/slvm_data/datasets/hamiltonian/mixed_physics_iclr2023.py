"""Balls under four gravities, pendulums and masses on springs under four frictions each: twelve tasks."""

from slvm_data.datasets.hamiltonian.gravity16 import direction
from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.script import main
from slvm_data.systems import BallBox, MassSpring, Pendulum, uniform

FRICTIONS = (0.0, 0.05, 0.10, 0.15)  # kg/s, kg m²/s

RECIPE = Recipe(
    name="mixed_physics_iclr2023",
    about=__doc__ or "",
    source="https://openreview.net/forum?id=7C9aRX2nBf2",
    tasks=(
        *(BallBox(g=direction(k)) for k in (0, 4, 8, 12)),
        *(Pendulum(m=0.5, g=3.0, l=uniform(0.5, 1.0), friction=f) for f in FRICTIONS),
        *(MassSpring(m=0.5, k=2.0, friction=f) for f in FRICTIONS),
    ),
    dt=(0.25,) * 4 + (0.1,) * 8,
    view=(View(),) * 4 + (View(jitter=0.4),) * 8,
    train=3_000,
    val=1_000,
    test=1_000,
    alias="mixed",
)

if __name__ == "__main__":
    main(RECIPE)
