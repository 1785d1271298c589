"""The double pendulums of `double_pendulum_colors`, from the same starts, which friction slows."""

from dataclasses import replace

from slvm_data.datasets.suite.double_pendulum_colors import RECIPE as DOUBLE_PENDULUM_COLORS
from slvm_data.script import main

RECIPE = replace(
    DOUBLE_PENDULUM_COLORS,
    name="double_pendulum_colors_friction",
    about=__doc__ or "",
    tasks=tuple(replace(system, friction=0.05) for system in DOUBLE_PENDULUM_COLORS.tasks),
)

if __name__ == "__main__":
    main(RECIPE)
