"""Sine waves whose amplitude and frequency differ, as noisy signals; other sequences are three times as long.

In the source, the noise is uniform from 0 to 0.2 and so shifts the signal. Here it is normal with mean 0 and standard
deviation 0.2; without `signal_noise` there is none. The signal is y alone.
"""

from slvm_data.observe.modifiers import Emission, SignalNoise
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split, times
from slvm_data.script import main
from slvm_data.systems import Sine, uniform

RECIPE = Recipe(
    name="sine_monode",
    about=__doc__ or "",
    source="arXiv:2302.13262",
    tasks=(Sine(A=uniform(1.0, 4.0), f=uniform(0.5, 1.0)),),
    observation="signals",
    observe=(Emission(kind="state", first=1), SignalNoise(sigma=0.2)),
    dt=0.1,
    steps=50,
    train=300,
    val=50,
    test=50,
    splits={"long": Split(count=50, steps=times(3), paired="test")},
)

if __name__ == "__main__":
    main(RECIPE)
