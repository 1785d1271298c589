"""The masses on a spring of `mass_spring_colors`, from the same starts, which friction slows."""

from dataclasses import replace

from slvm_data.datasets.suite.mass_spring_colors import RECIPE as MASS_SPRING_COLORS
from slvm_data.script import main

RECIPE = replace(
    MASS_SPRING_COLORS,
    name="mass_spring_colors_friction",
    about=__doc__ or "",
    tasks=tuple(replace(system, friction=0.05) for system in MASS_SPRING_COLORS.tasks),
)

if __name__ == "__main__":
    main(RECIPE)
