"""The common part of every system: parameters that a population draws, a start, a motion, and bodies to draw."""

from __future__ import annotations

import abc
import dataclasses
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from slvm_data.core.fields import check, floats, limited, plain
from slvm_data.core.integrator import solve
from slvm_data.core.keys import streams
from slvm_data.core.late import jnp
from slvm_data.core.threefry import uniform
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Bounds, Parameter, ends_of, gaps_of


@dataclass(frozen=True, kw_only=True)
class System(abc.ABC):
    """A population of systems. Its members differ in their parameters; every method is written for one member.

    Subclass it with a frozen, keyword-only dataclass. The motion is `velocity`, integrated with order 8,
    unless the class has its own `simulate`.
    """

    state: ClassVar[tuple[str, ...]]
    """Names of the D numbers of the state, positions first."""
    units: ClassVar[tuple[str, ...]] = ()
    """Units of these numbers, for labels; empty if they have none, or none is given."""
    halves: ClassVar[tuple[str, ...]] = ()
    """Names of the first and the second half of the state, such as positions and momenta; empty if it has none."""
    energy_unit: ClassVar[str] = "J"
    """Unit of `energy`, for systems that have one."""
    inputs: ClassVar[tuple[str, ...]] = ()
    """Names of the U inputs through which a control acts on the system; empty if it takes none."""
    input_units: ClassVar[tuple[str, ...]] = ()
    """Units of the inputs."""
    bodies_drawn: ClassVar[int] = 1
    """Number B of bodies in a frame, and length of a parameter with one value per body."""
    style: ClassVar[str] = "soft"
    """Style of its frames, unless the view gives another: "soft", as in the Hamiltonian benchmarks, "clean", "bump".

    Fields, and tiles, have "field", and no other.
    """
    own_hues: ClassVar[bool] = False
    """Whether body k has hue k of the palette in every sequence, instead of a drawn one."""
    y_down: ClassVar[bool] = False
    """Whether y points down, so that row 0 of a frame, the least y, is its top."""
    debug_style: ClassVar[bool] = False
    """Whether the style "debug" can show it: a ball with `radius`, `side` and `margin` among four walls."""
    events: ClassVar[tuple[str, ...]] = ()
    """What is recorded of an impact, if it has any: names of the arrays `event_*` in `arrays.py`."""
    numbered_walls: ClassVar[bool] = False
    """Whether walls in `event_wall` are numbered, not the four of a box that `arrays.py` names."""
    steady: ClassVar[tuple[str, ...]] = ()
    """Names of parameters that cannot drift, apart from those that no system lets drift."""
    chaotic: ClassVar[bool] = False
    """Whether rounding errors grow, so that another type of processor gives a different long trajectory."""

    substep: float | None = limited(None, positive=True)  # s, longest step of the integrator; None: from `longest_step`

    def __new__(cls, *_: Any, **__: Any) -> Self:
        """Refuse a class whose fields are not those of a dataclass: its own parameters would be ignored."""
        if any(isinstance(value, dataclasses.Field) for value in vars(cls).values()):
            raise TypeError(f"{cls.__name__} is no dataclass: write @dataclass(frozen=True, kw_only=True) above it")
        return super().__new__(cls)

    @abc.abstractmethod
    def start(self, key: Key) -> Array:
        """Draw the initial state [D]."""

    def velocity(self, x: Array) -> Array:
        """Time derivative [D] of the state [D]; only a class with its own `simulate` may leave it out."""
        raise NotImplementedError(f"{type(self).__name__} moves in steps and has no velocity")

    @abc.abstractmethod
    def bodies(self, x: Array) -> tuple[Array, Array]:
        """Places (x to the right, y up) and radii [B] of the bodies that show the state [D], in metres.

        Places are centres of discs, [B 2]; or both ends of capsules, [B 2 2], such as rods and walls, which are all
        points within the radius of the line between their ends. Body 0 is on top. In the style "field" they are shares
        of full brightness [B cells cells], from row y_min.
        """

    @abc.abstractmethod
    def extent(self) -> float:
        """Half the width [m] of the square scene that holds every member of the population."""

    def longest_step(self) -> float:
        """Longest step [s] of the integrator that is accurate for every member of the population."""
        return 0.01

    def own_step(self, x0: Array) -> Array | float:  # noqa: ARG002 - most take the one of their population
        """Longest step [s] of the integrator that is accurate for this member from the state [D], if nothing drives it.

        A class whose members differ much in how fast they move gains by an estimate of its own.
        """
        assert self.substep is not None
        return self.substep

    def paced(self, x0: Array, longest: Array | float) -> Self:
        """Return the member with its own step, but one between its population's and `longest` [s]."""
        if type(self).own_step is System.own_step:
            return self
        own, common = self.own_step(x0), jnp.asarray(self.substep)
        return self.member({"substep": jnp.where(own > common, jnp.minimum(own, longest), common)})

    def simulate(self, x0: Array, t: Array, key: Key) -> Array:  # noqa: ARG002 - noise is for other systems
        """Simulate one member; return its states [T D] at the times `t` [T], from `x0` [D] at t[0]."""
        assert self.substep is not None  # a member has it from its population
        return solve(self.velocity, x0, t, self.substep)

    def push(self, u: Array) -> Array:
        """What a control [U] adds to the time derivative [D] of the state; only a class with `inputs` has it."""
        raise NotImplementedError(f"{type(self).__name__} takes no control")

    def controlled(self, x0: Array, t: Array, key: Key, control: Array) -> Array:  # noqa: ARG002
        """States [T D] as `simulate` gives them, under a control [T U] that is held from each time to the next.

        A class with its own `simulate`, and with `inputs`, needs its own.
        """
        assert self.substep is not None
        return solve(lambda x, u: self.velocity(x) + self.push(u), x0, t, self.substep, (control[:-1],))

    def pushed(self, largest: float, impulse: float) -> Self:  # noqa: ARG002 - most systems take no control
        """The population as fast as a control makes it, for `longest_step` and `most_impacts`.

        `largest` is the largest size of an input, `impulse` that of its integral over time.
        """
        return self

    def in_steps(self) -> bool:
        """Whether it moves in steps, one for each frame, so that it has no state between frames.

        A class with its own `simulate` that takes any times, and without a `velocity`, has to say that it does not.
        """
        return not self.integrated() and type(self).velocity is System.velocity

    def recordable(self) -> tuple[str, ...]:
        """Names of the arrays that can be stored in addition to frames, states and parameters."""
        found = ("dx_dt",) if type(self).velocity is not System.velocity else ()
        found += ("energy",) if hasattr(self, "energy") else ()
        return (*found, "angles") if self.angular() else found

    @classmethod
    def angular(cls) -> list[int]:
        """Places of the angles in the state: of what its `units` give in rad."""
        return [place for place, unit in enumerate(cls.units) if unit == "rad"]

    def most_impacts(self, duration: float) -> int:  # noqa: ARG002 - most systems have none
        """Largest number of impacts of a member in `duration` seconds: the length of the arrays `event_*`."""
        return 0

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002 - for other rules
        """Whether to accept a sequence with states [T D] and discs at `centres` [T B 2]; if not, it is drawn again."""
        return (abs(centres) <= extent).all()

    def rejection(self) -> str:
        """Reason why `accept` rejects a sequence, as words that follow the name of the sequence."""
        return f"left the scene (a centre beyond ±{self.extent():g})"

    def keeps_energy(self) -> bool:
        """Whether the energy is constant, apart from losses to friction, which the certificate adds back."""
        return False

    def lost(self, x0: Array, t: Array) -> Array:  # noqa: ARG002 - most lose none
        """Energy [T] that friction has taken since t[0], of a system that is not integrated and keeps energy else."""
        return jnp.zeros(len(t))

    def check_start(self, x0: np.ndarray, frame: float) -> None:  # noqa: B027 - most systems can be anywhere
        """Raise ValueError for an initial state [D] that is impossible, or too fast for frames this far apart [s]."""

    def integrated(self) -> bool:
        """Whether the motion is integrated from `velocity`, not computed by the class's own `simulate`."""
        return type(self).simulate is System.simulate

    def by_formula(self) -> bool:
        """Whether a member, or a template, follows a formula in `simulate` although `velocity` could be integrated."""
        return False

    def __post_init__(self) -> None:
        if self.integrated() and type(self).velocity is System.velocity:
            raise TypeError(f"{type(self).__name__} needs a velocity, or a simulate of its own")
        if missing := [name for name in self._needed() if getattr(type(self), name) is getattr(System, name)]:
            raise TypeError(f"{type(self).__name__} has inputs, and needs a {missing[0]} of its own")
        self.settle()
        for name in self.hyperparameters():
            if name not in self.shared_parameter_names():
                check(self, name, f"{type(self).__name__}: ")
        for name in self.parameters():
            self.range_of(name)

    def _needed(self) -> tuple[str, ...]:
        """Methods that a class with inputs cannot take from `System`."""
        return (("push",) if self.integrated() else ("controlled",)) if self.inputs else ()

    def settle(self) -> None:
        """Give each field the plain value that it means: tuples, and numbers of Python, floats for parameters."""
        for field in dataclasses.fields(self):
            name, value = field.name, plain(getattr(self, field.name))
            if name in self.parameters() or name in self.shared_parameter_names():
                value = floats(value)  # so that equal systems are stored with equal bytes
            if isinstance(field.default, int) and isinstance(value, float) and value.is_integer():
                value = int(value)  # as it comes from the command line
            object.__setattr__(self, name, value)

    @classmethod
    def equation(cls) -> str:
        """What moves it, in words and formulas: the docstring of its file."""
        return sys.modules[cls.__module__].__doc__ or ""

    def __str__(self) -> str:
        parameters = ", ".join(f"{name}={getattr(self, name)}" for name in self.parameters())
        return f"{type(self).__name__}({parameters})"

    @classmethod
    def parameters(cls) -> dict[str, Bounds]:
        """Bounds of the parameters of the system, by name."""
        fields = dataclasses.fields(cls)
        return {field.name: field.metadata["bounds"] for field in fields if "bounds" in field.metadata}

    @classmethod
    def shared_parameter_names(cls) -> tuple[str, ...]:
        """Names of the arrays that all sequences of a task share."""
        return tuple(field.name for field in dataclasses.fields(cls) if "shared" in field.metadata)

    def shared_parameters(self, key: Key) -> dict[str, np.ndarray]:  # noqa: ARG002 - most systems have none
        """The arrays that all sequences of a task share, by name: as given, or drawn."""
        return {}

    @classmethod
    def hyperparameters(cls) -> tuple[str, ...]:
        """Names of the fields that are fixed for the whole population and not stored with a sequence."""
        return tuple(field.name for field in dataclasses.fields(cls) if field.name not in cls.parameters())

    def range_of(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest value of a parameter in the population: [] each, or [B] if each body has its own."""
        try:
            return ends_of(getattr(self, name), self.parameters()[name], self.bodies_drawn)
        except ValueError as error:
            raise ValueError(f"{type(self).__name__}: {name} = {error}") from None

    def ends_of(self, name: str) -> tuple[np.ndarray, ...]:
        """Lowest and highest value of a parameter, and both ends of its gap if it has one: [] each, or [B]."""
        low, high = self.range_of(name)
        return (low, high, *(gaps_of(getattr(self, name), high) or ()))

    def low(self, name: str) -> float:
        """The smallest value of a parameter in the population, over all bodies."""
        return float(np.min(self.range_of(name)[0]))

    def high(self, name: str) -> float:
        """The largest value of a parameter in the population, over all bodies."""
        return float(np.max(self.range_of(name)[1]))

    @staticmethod
    def example(_: object) -> str:
        """How a system is written, for who gives something else."""
        return "recipe.tasks[0]"

    def template(self) -> Self:
        """The population without its parameters: equal for populations that differ only in their numbers."""
        return self._with(dict.fromkeys([*self.parameters(), *self.shared_parameter_names(), "substep"]))

    def member(self, numbers: Mapping[str, Any]) -> Self:
        """One member, with these parameters, shared parameters and substep in place of the population's."""
        return self._with(numbers)

    def _with(self, values: Mapping[str, Parameter]) -> Self:
        # Not dataclasses.replace: its checks are for a population, and here the values may be traced by JAX.
        copy = object.__new__(type(self))
        for name, value in {**vars(self), **values}.items():
            object.__setattr__(copy, name, value)
        return copy


def shares(shapes: Mapping[str, tuple[int, ...]], keys: np.ndarray) -> dict[str, np.ndarray]:
    """Where in its range each parameter of these shapes lies, for members with these keys [N 2]: uniform numbers [N …].

    Each parameter has a random stream with its name.
    """
    found, own = {}, streams(keys, list(shapes))
    for shape in dict.fromkeys(shapes.values()):
        names = [name for name in shapes if shapes[name] == shape]
        found |= zip(names, uniform(np.stack([own[name] for name in names]), shape), strict=True)
    return found


def draw(ranges: Mapping[str, tuple[Array, ...]], shares: Mapping[str, Array]) -> dict[str, Array]:
    """The parameters of one member, from the places of each in its range."""
    return {name: _within(shares[name], *ends) for name, ends in ranges.items()}


def _within(share: Array, low: Array, high: Array, *gap: Array) -> Array:
    if not gap:
        return low + (high - low) * share
    first, last = gap
    width = high - low - (last - first)
    value = low + width * share
    below = jnp.where(width > 0, value < first, share < 0.5)  # without any width, it is one of both ends
    return jnp.where(below, value, value + (last - first))
