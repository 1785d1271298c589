"""A trial of a system of the user's own: what its methods return for one member, in shapes alone, before it is used.

Nothing is compiled or simulated. Methods of this package are not tried: its tests do that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from slvm_data.core.keys import exact, of_data, root
from slvm_data.core.late import jax, jnp
from slvm_data.core.text import some
from slvm_data.recipe.mistakes import class_place, defines, is_own, named, place_of
from slvm_data.systems.hamiltonian import Hamiltonian
from slvm_data.systems.switching import Switching
from slvm_data.systems.system import System

KEPT = 64  # populations whose trial is remembered

Shape = tuple[int, ...]


def check(system: System, shared: Mapping[str, Any]) -> None:
    """Raise ValueError if a method of the user's own fails, or returns anything but what the class promises.

    `shared` holds the arrays that all sequences of the task share. The error names file, line, class and method, what
    came, and what is expected.
    """
    if is_own(type(system)):
        _check_names(system)
        _tried(system.template(), tuple((name, np.shape(value)) for name, value in shared.items()))


def number(system: System, method: str) -> float:
    """The number that a method without arguments returns, such as `extent`; raises ValueError as `check` does."""
    with named(type(system), method):
        value = getattr(system, method)()
    if not defines(type(system), method):
        return value
    if not isinstance(value, jax.Array | np.ndarray | np.generic | float | int) or np.shape(value):
        raise ValueError(f"{place_of(type(system), method)} returned {_came(value)}; expected is a number")
    return float(value)


def _check_names(system: System) -> None:
    """Raise ValueError unless the names of the state, of its units and of its halves fit together."""
    kind, names = class_place(type(system)), getattr(system, "state", None)
    for what, words in (
        *(("state", names), ("units", system.units), ("halves", system.halves)),
        *(("inputs", system.inputs), ("input_units", system.input_units)),
    ):
        if not isinstance(words, tuple | list) or not all(isinstance(word, str) for word in words):
            raise ValueError(f'{kind}: {what} = {words!r} has to be a tuple of words, as in {what} = ("x", "y")')
    assert names is not None
    if not names:
        raise ValueError(f'{kind}: state has no names: give one for each number of the state, such as ("q", "p")')
    if len(set(names)) < len(names):
        raise ValueError(f"{kind}: state = {names} has the same name twice")
    if len(system.units) not in (0, len(names)):
        raise ValueError(f"{kind}: units = {system.units} are {len(system.units)}; state has {len(names)} names")
    if len(system.input_units) not in (0, len(system.inputs)):
        raise ValueError(f"{kind}: input_units = {system.input_units} has to be as long as inputs = {system.inputs}")
    if isinstance(system, Hamiltonian) and len(names) % 2:
        raise ValueError(
            f"{kind}: state = {names} has {len(names)} names; of a Hamiltonian system it has all positions, then as "
            "many momenta"
        )


@lru_cache(KEPT)
def _tried(template: System, shared: tuple[tuple[str, Shape], ...]) -> None:
    """Try the methods of the members of a population with this template; an error is not remembered."""
    trial, a = _Trial(template, dict(shared)), _form
    D, B, T = len(template.state), template.bodies_drawn, len(template.state) + template.bodies_drawn + 2
    trial.array("start", (D,), (trial.key,), f"{D} numbers, {_words(template.state)}, as jnp.array([…])")
    if hasattr(template, "energy") and D % 2 == 0:
        trial.array("energy", (), (a(D // 2), a(D // 2)), "a single number, such as p[0] ** 2 / 2")
    trial.array("velocity", (D,), (a(D),), f"the time derivatives of {_words(template.state)}, as jnp.stack([…])")
    trial.array("own_step", (), (a(D),), "a single number of seconds, such as 0.1 / speed")
    trial.array("simulate", (T, D), (a(D), a(T), trial.key), "a state for each time in t, the first one x0")
    if U := len(template.inputs):
        trial.array("push", (D,), (a(U),), f"what a control [{U}] adds to the time derivatives, as jnp.stack([…])")
        trial.array(
            "controlled", (T, D), (a(D), a(T), trial.key, a(T, U)), "a state for each time in t, the first one x0"
        )
    trial.discs("bodies", B, (a(D),))
    trial.array("accept", (), (a(T, D), a(T, B, 2), a()), "a single truth value, as from (…).all()")
    if isinstance(template, Switching):
        L = len(template.latents or template.state)
        trial.runs("mode", (a(T, D), trial.key))
        trial.array("latent", (T, L), (a(T, D),), f"the latents of each state: {L} numbers")
        regimes = jax.ShapeDtypeStruct((T,), np.int64)
        trial.array("emission", (T, template.channels), (a(T, L), regimes), "the signal at each time, of all channels")


class _Trial:
    """One member, of whose numbers only the shapes are known."""

    def __init__(self, template: System, shared: Mapping[str, Shape]) -> None:
        self.template, self.kind = template, type(template)
        counts = {name: bounds.count(template.bodies_drawn) for name, bounds in template.parameters().items()}
        shapes = {name: () if n is None else (n,) for name, n in counts.items()} | dict(shared) | {"substep": ()}
        self.numbers = {name: _form(*shape) for name, shape in shapes.items()}
        with exact():
            self.key = jax.eval_shape(lambda: of_data(root(0)))

    def array(self, method: str, shape: Shape, arguments: tuple[Any, ...], expected: str) -> None:
        """Raise ValueError unless a method of the user's own returns an array of this shape, by chance of its key."""
        if not defines(self.kind, method):
            return
        found, program = self._traced(method, arguments)
        if not isinstance(found, jax.Array | np.ndarray | np.generic | float | int) or np.shape(found) != shape:
            self._refuse(method, _came(found), f"{_brackets(shape)}{expected}")
        if self.key in arguments and _text(program) != _text(self._traced(method, arguments)[1]):
            place = place_of(self.kind, method)
            raise ValueError(f"{place} gives other numbers each time: draw them with jax.random, from its key alone")

    def runs(self, method: str, arguments: tuple[Any, ...]) -> None:
        """Raise ValueError if a method of the user's own fails."""
        if defines(self.kind, method):
            self._traced(method, arguments)

    def discs(self, method: str, B: int, arguments: tuple[Any, ...]) -> None:
        """Raise ValueError unless a method of the user's own returns the places and the radii [B] of its bodies."""
        if not defines(self.kind, method):
            return
        found, _ = self._traced(method, arguments)
        allowed = [(B, 2), (B,)], [(B, 2, 2), (B,)]  # discs, capsules
        if not isinstance(found, tuple) or [np.shape(part) for part in found] not in allowed:
            came = ", ".join(map(_came, found)) if isinstance(found, tuple) else _came(found)
            several = f"; bodies_drawn = {B} is the number of discs"
            self._refuse(method, came, f"two arrays: centres [{B} 2] and radii [{B}]{several}")

    def _refuse(self, method: str, came: str, expected: str) -> None:
        raise ValueError(f"{place_of(self.kind, method)} returned {came}; expected is {expected}")

    def _call(self, method: str, keep: Callable[[Any], None]) -> Callable[..., Any]:
        def call(numbers: Mapping[str, Any], *arguments: Any) -> Any:
            found = getattr(self.template.member(numbers), method)(*arguments)
            keep(found)
            return jax.tree.map(jnp.asarray, found)

        return call

    def _traced(self, method: str, arguments: tuple[Any, ...]) -> tuple[Any, Any]:
        """What a method returns for arguments of these forms, without numbers; and its program."""
        returned: list[Any] = []
        with named(self.kind, method), exact():
            program = jax.make_jaxpr(self._call(method, returned.append))(self.numbers, *arguments)
        return returned[0], program


def _text(program: Any) -> str:
    """A program as text, with its numbers, but without addresses in memory."""
    return re.sub("0x[0-9a-f]+", "", f"{program} {program.consts}")


def _form(*shape: int) -> Any:
    """The form of an array of doubles."""
    return jax.ShapeDtypeStruct(shape, np.float64)


def _words(names: tuple[str, ...]) -> str:
    return ", ".join(some(names))


def _brackets(shape: Shape) -> str:
    return f"[{' '.join(map(str, shape))}], " if shape else ""


def _came(value: Any) -> str:
    """What a method returned, in words."""
    if value is None:
        return "nothing (is `return` missing?)"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    if not isinstance(value, jax.Array | np.ndarray | np.generic | float | int):
        return f"a {type(value).__name__}"
    shape = np.shape(value)
    return f"an array [{' '.join(map(str, shape))}]" if shape else "a single number"
