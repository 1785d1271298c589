"""Flows of the package dysts, by the names that they have there: ẋ = f(x), most of them chaotic.

W. Gilpin, "Chaos as an interpretable benchmark for forecasting and data-driven modelling", NeurIPS 2021,
arXiv:2110.05266.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from slvm_data.core.fields import floats, limited, plain
from slvm_data.core.integrator import solve
from slvm_data.core.keys import exact, stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems import dysts_package
from slvm_data.systems.parameters import check_shared, parameter
from slvm_data.systems.system import System

SOURCE = "dysts"
STEPS = 800  # of integration in a period
HALF_WIDTH = 6.0  # of the scene, in deviations
_FROZEN: Any = {"frozen": True, "kw_only": True}


@dataclass(frozen=True, kw_only=True)
class DystsFlow(System):
    """State: the numbers of the flow, without units; so is the time. A phase, of a flow that is driven, has no bounds.

    A start is the one of the package, moved by a normal number of `spread` deviations in each direction; then it moves
    on for a time drawn uniformly up to `settling`, so that most of the starts lie along the attractor. The disc is at
    the first two numbers of the state, relative to the start of the package, in deviations.
    """

    chaotic: ClassVar = True
    style: ClassVar = "clean"
    equations: ClassVar[type[dysts_package.Equations]]
    """The class of the package."""
    text: ClassVar[str]
    """What it is, whose, and its right-hand side as the package writes it."""

    first: tuple[float, ...] = (0.0,)  # start of the package
    deviation: tuple[float, ...] = (1.0,)  # standard deviation along the attractor
    period: float = limited(1.0, positive=True)  # the one that is strongest in a spectrum
    spread: float = limited(0.05, minimum=0)  # of starts, in deviations
    settling: float = limited(10.0, minimum=0)  # in periods

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in dataclasses.fields(self):
            if isinstance(field.default, tuple) and field.name not in self.parameters():
                where = f"{type(self).__name__}: {field.name}"
                check_shared(where, getattr(self, field.name), np.shape(field.default))

    def start(self, key: Key) -> Array:
        """Draw a start near the one of the package, and move on for a random time."""
        assert self.substep is not None
        away = jax.random.normal(stream(key, "spread"), (len(self.state),), dtype=float)
        near = jnp.asarray(self.first) + self.spread * jnp.asarray(self.deviation) * away
        time = jax.random.uniform(stream(key, "settling"), (), dtype=float) * self.settling * self.period
        return solve(self.velocity, near, jnp.stack([jnp.zeros(()), time]), self.substep)[-1]

    def velocity(self, x: Array) -> Array:
        """Time derivative [D] of the state [D]."""
        names = type(self)._numbers()
        flow = self.equations({name: jnp.asarray(getattr(self, name), float) for name in names})
        return jnp.stack([jnp.asarray(rate, float) for rate in flow.rhs(x, None)])

    @classmethod
    def _numbers(cls) -> list[str]:
        """Names of the parameters of the flow, also of those that are matrices and the same for all sequences."""
        own = {field.name for field in dataclasses.fields(DystsFlow)}
        return [field.name for field in dataclasses.fields(cls) if field.name not in own]

    @classmethod
    def equation(cls) -> str:
        """What the flow is, whose, and its right-hand side as the package writes it."""
        return f"{super().equation()}\n{cls.text}"

    def bodies(self, x: Array) -> tuple[Array, Array]:
        """A disc, at the first two numbers of the state."""
        place = (x - jnp.asarray(self.first)) / jnp.asarray(self.deviation)
        return place[None, :2], jnp.full(1, HALF_WIDTH / 10)

    def extent(self) -> float:
        """Half the width of the scene, in deviations."""
        return HALF_WIDTH

    def accept(self, x: Array, centres: Array, extent: Array | float) -> Array:  # noqa: ARG002 - of no matter
        """Whether it stays finite: from a start or with parameters of one's own, a flow may escape."""
        return jnp.isfinite(x).all()

    def rejection(self) -> str:
        """Reason why a sequence is rejected."""
        return "went to infinity, or needs a shorter substep"

    def longest_step(self) -> float:
        """A fraction of the period, at which most flows are accurate: the certificate tells of each."""
        return self.period / STEPS


@cache
def flow(name: str) -> type[DystsFlow]:
    """The class of the flow with this name in dysts, with its parameters as fields; it is called dysts:NAME.

    Raises ValueError if the package is not installed, has no such flow, or has one that is not ẋ = f(x) or that JAX
    cannot trace.
    """
    facts, equations = _facts(name), dysts_package.equations()[name]
    if facts["delay"] or issubclass(equations, dysts_package.Delayed):
        raise ValueError(f"{SOURCE}:{name} moves by its past, not by its state alone: only ẋ = f(x) can be used")
    about = f"{name}: {facts['description']}\n{facts['citation']}"
    own = {
        "__doc__": about,
        "state": equations.state(facts["embedding_dimension"]),
        "equations": equations,
        "text": f"{about}\nAs dysts {dysts_package.version()} has it:\n\n{dysts_package.text(name)}",
    }
    kind = dataclasses.make_dataclass(f"{SOURCE}:{name}", _fields(facts), bases=(DystsFlow,), namespace=own, **_FROZEN)
    kind.__module__ = __name__
    _check(name, kind())
    return kind


def _facts(name: str) -> dict[str, Any]:
    """What the package tells of a flow; raises ValueError, with names that are near, if it has no such flow."""
    table = dysts_package.table()
    if name not in table:
        near = [f"{SOURCE}:{one}" for one in difflib.get_close_matches(name, table, n=3, cutoff=0.5)]
        hint = f"did you mean {', '.join(near)}?" if near else f"there are others, such as {SOURCE}:Rossler"
        raise ValueError(f"{SOURCE} has no flow {name[:40]!r}; {hint}")
    return table[name]


def __getattr__(name: str) -> Any:
    """The class of a flow by its own name, dysts:NAME: another process finds it so."""
    if name.startswith(f"{SOURCE}:"):
        return flow(name.removeprefix(f"{SOURCE}:"))
    raise AttributeError(f"{__name__} has no {name}")


def _fields(facts: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """The fields of a flow, each with type and default: numbers and vectors are parameters, matrices are not."""
    for name, value in sorted(facts["parameters"].items()):
        value = floats(plain(value))
        match np.ndim(value):
            case 0:
                yield name, Any, parameter(value)
            case 1:
                yield name, Any, parameter(value, length=len(value))
            case _:
                yield name, tuple, value
    yield "first", tuple, floats(plain(facts["initial_conditions"]))
    yield "deviation", tuple, floats(plain(facts["std"]))
    yield "period", float, float(facts["period"])


def _check(name: str, population: DystsFlow) -> None:
    """Raise ValueError for a flow whose right-hand side JAX cannot trace."""
    try:
        with exact():
            jax.eval_shape(population.velocity, jnp.asarray(population.first, float))
    except Exception as error:  # the text is of another package: anything may go wrong in it
        raise ValueError(
            f"{SOURCE}:{name} cannot be used: its right-hand side, as the package writes it, decides by the value of a "
            "number, or depends on the time"
        ) from error
