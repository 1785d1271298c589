"""The pendulums of `pendulum_colors`, from the same starts, which friction slows."""

from dataclasses import replace

from slvm_data.datasets.suite.pendulum_colors import RECIPE as PENDULUM_COLORS
from slvm_data.script import main

RECIPE = replace(
    PENDULUM_COLORS,
    name="pendulum_colors_friction",
    about=__doc__ or "",
    tasks=tuple(replace(system, friction=0.05) for system in PENDULUM_COLORS.tasks),
)

if __name__ == "__main__":
    main(RECIPE)
