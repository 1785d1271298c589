"""Pendulums in four worlds, two damped and two driven, and in four damped and driven worlds to adapt to.

Sequences of `long` and `adapt` are twice as long: their second half is beyond the time of training. At the start, the
angle is uniform from 0 to 0.25 rad, its rate from 0 to 1 rad/s, as in the code of the source. The phase of the force is
not in the signal.
"""

from slvm_data.observe.modifiers import Emission
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.split import Split, times
from slvm_data.script import main
from slvm_data.systems import DrivenPendulum

RECIPE = Recipe(
    name="driven_pendulum_geps",
    about=__doc__ or "",
    source="arXiv:2410.23889",
    tasks=(
        DrivenPendulum(omega0=0.5, alpha=0.2, omega_f=0.0, f0=0.0),
        DrivenPendulum(omega0=0.5, alpha=0.5, omega_f=0.0, f0=0.0),
        DrivenPendulum(omega0=0.7, alpha=0.0, omega_f=0.75, f0=0.2),
        DrivenPendulum(omega0=0.5, alpha=0.0, omega_f=1.0, f0=0.1),
        DrivenPendulum(omega0=1.0, alpha=0.5, omega_f=0.3, f0=0.2),
        DrivenPendulum(omega0=0.75, alpha=0.5, omega_f=0.7, f0=0.1),
        DrivenPendulum(omega0=1.0, alpha=0.1, omega_f=1.0, f0=0.15),
        DrivenPendulum(omega0=0.5, alpha=0.1, omega_f=0.5, f0=0.05),
    ),
    held_out=(4, 5, 6, 7),
    observation="signals",
    observe=(Emission(kind="state", first=2),),
    dt=0.5,
    steps=50,
    train=8,
    val=0,
    test=32,
    splits={
        "long": Split(count=32, steps=times(2), paired="test"),
        "adapt": Split(count=1 + 32, tasks=(4, 5, 6, 7), steps=times(2), support=1),
    },
)

if __name__ == "__main__":
    main(RECIPE)
