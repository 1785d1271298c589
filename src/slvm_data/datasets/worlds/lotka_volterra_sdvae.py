"""Prey and predators from one start, as noisy signals; rates just outside and further outside are for the test.

In the source, predators grow by δ β x y, at least one of the rates lies outside in `near` and `far`, and the noise is
chosen at each training. Here predators grow by δ x y, all four rates lie outside, and the noise is that of
`pendulum_sdvae`.
"""

from slvm_data.observe.modifiers import Emission, SignalNoise
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split, shell
from slvm_data.script import main
from slvm_data.systems import LotkaVolterra, uniform

RATES = ("alpha", "beta", "gamma", "delta")

RECIPE = Recipe(
    name="lotka_volterra_sdvae",
    about=__doc__ or "",
    source="arXiv:2108.11684",
    tasks=(
        LotkaVolterra(
            alpha=uniform(1.95, 2.05),
            beta=uniform(0.95, 1.05),
            gamma=uniform(3.95, 4.05),
            delta=uniform(0.95, 1.05),
            prey=uniform(5.0, 5.0),
            predators=uniform(3.0, 3.0),
            half_width=4.0,
            radius=0.4,
        ),
    ),
    observation="signals",
    observe=(Emission(kind="state"), SignalNoise(sigma=0.05)),
    dt=0.01,
    steps=1_000,
    train=10_000,
    val=1_000,
    test=1_000,
    splits={
        "near": Split(count=1_000, change=dict.fromkeys(RATES, shell(0.0, 0.1))),  # up to 0.01 outside
        "far": Split(count=1_000, change=dict.fromkeys(RATES, shell(0.1, 0.2))),  # 0.01 to 0.02 outside
    },
)

if __name__ == "__main__":
    main(RECIPE)
