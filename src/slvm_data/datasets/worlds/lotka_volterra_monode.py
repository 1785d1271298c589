"""Prey and predators whose rates differ between sequences, as noisy signals; other sequences are three times as long.

In the source, the noise is uniform from 0 to 0.3 and so shifts the signal. Here it is normal with mean 0 and standard
deviation 0.3; without `signal_noise` there is none.
"""

from slvm_data.observe.modifiers import Emission, SignalNoise
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split, times
from slvm_data.script import main
from slvm_data.systems import LotkaVolterra, uniform

RECIPE = Recipe(
    name="lotka_volterra_monode",
    about=__doc__ or "",
    source="arXiv:2302.13262",
    tasks=(
        LotkaVolterra(
            alpha=uniform(1.0, 3.5),
            beta=uniform(0.5, 0.6),
            gamma=uniform(1.0, 3.5),
            delta=uniform(0.2, 0.3),
            prey=uniform(1.0, 5.0),
            predators=uniform(1.0, 5.0),
            half_width=25.0,
            radius=2.5,
        ),
    ),
    observation="signals",
    observe=(Emission(kind="state"), SignalNoise(sigma=0.3)),
    dt=0.1,
    steps=100,
    train=600,
    val=100,
    test=100,
    splits={"long": Split(count=100, steps=times(3), paired="test")},
)

if __name__ == "__main__":
    main(RECIPE)
