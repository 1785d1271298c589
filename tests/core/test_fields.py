"""Fields that know which values they may have."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

from slvm_data import Pendulum, uniform
from slvm_data.core.fields import check, limited


@dataclass(frozen=True, kw_only=True)
class Box:
    sides: int = limited(2, minimum=1, maximum=9)
    width: float = limited(1.0, positive=True)
    share: float = limited(0.5, positive=True, maximum=1)
    shift: float = limited(0.0, minimum=0)
    step: float | None = limited(None, positive=True)
    look: str | None = limited(None, choices=("thin", "thick"))
    range: object = limited(uniform(1, 2), positive=True)
    open: bool = False
    first: tuple[float, ...] = (0.0, 1.0)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            check(self, field.name, "Box: ")


@dataclass(frozen=True, kw_only=True)
class Wide(Box):
    width: float = 8.0


@pytest.mark.parametrize("kind", [Box, Wide])
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("sides", 0, "sides = 0 has to lie between 1 and 9"),
        ("sides", 10**400, "has to lie between 1 and 9"),
        ("sides", 2.0, "sides = 2.0 has to be a whole number"),
        ("sides", True, "sides = True has to be a whole number"),
        ("width", 0, "width = 0 has to be above 0"),
        ("width", 10**400, "has to be finite"),
        ("width", float("inf"), "width = inf has to be finite"),
        ("width", "wide", "width = 'wide' has to be a number"),
        ("width", None, "width = None has to be a number"),
        ("share", 1.5, "share = 1.5 has to lie above 0 and not above 1"),
        ("shift", -1.0, "shift = -1.0 has to be at least 0"),
        ("step", 0.0, "step = 0.0 has to be above 0"),
        ("step", "long", "step = 'long' has to be a number"),
        ("look", "round", "look = 'round' is unknown; there are thin, thick"),
        ("look", 1, "look = 1 has to be a word"),
        ("range", uniform(0, 1), r"range = 0\.\.1 has to be a range above 0"),
        ("range", 1.0, "range = 1.0 has to be a range such as uniform"),
        ("open", 1, "open = 1 has to be True or False"),
        ("first", (0.0, "a"), "has to be finite numbers"),
        ("first", ((0.0, float("nan")),), "has to be finite numbers"),
        ("first", 1.0, "first = 1.0 has to be finite numbers"),
    ],
)
def test_values_that_are_refused(kind, name, value, says):
    """Also by a class that gives a field another default."""
    with pytest.raises(ValueError, match=f"^Box: .*{says}"):
        kind(**{name: value})


def test_values_that_are_taken():
    Box(sides=np.int64(9), width=np.float32(0.1), share=1, step=0.1, look="thin", range=uniform(0.1, 0.1), first=())
    Wide(step=None, look=None)


def test_a_system_checks_its_own():
    with pytest.raises(ValueError, match="Pendulum: substep = 'short' has to be a number"):
        Pendulum(substep="short")
