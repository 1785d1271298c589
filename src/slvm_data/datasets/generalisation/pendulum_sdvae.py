"""Pendulums of random length that start at rest, as noisy signals; lengths just outside are for the test."""

from slvm_data.observe.modifiers import Emission, SignalNoise
from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split, shell
from slvm_data.script import main
from slvm_data.systems import PendulumFromRest, uniform

RECIPE = Recipe(
    name="pendulum_sdvae",
    about=__doc__ or "",
    source="arXiv:2108.11684",
    tasks=(PendulumFromRest(m=1.0, g=9.81, l=uniform(1.0, 1.5)),),
    view=View(extent=2.2),
    observation="signals",
    observe=(Emission(kind="state"), SignalNoise(sigma=0.05)),
    dt=0.01,
    steps=2_000,
    train=10_000,
    val=1_000,
    test=1_000,
    splits={"ood": Split(count=1_000, change={"l": shell(0.0, 0.2)})},  # 0.9 to 1.0 m, and 1.5 to 1.6 m
)

if __name__ == "__main__":
    main(RECIPE)
