"""What is read of the package dysts: its table of flows, and the text of their right-hand sides.

W. Gilpin, "Chaos as an interpretable benchmark for forecasting and data-driven modelling", NeurIPS 2021,
arXiv:2110.05266. The package itself is not imported, since that needs much else: the text is run with JAX in the place
of NumPy, and with a base class of our own.
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from importlib.resources import files
from typing import Any

from slvm_data.core.late import jnp
from slvm_data.core.sums import total
from slvm_data.core.types import Array


class Equations:
    """The right-hand side of a flow, with its numbers."""

    def __init__(self, numbers: Mapping[str, Any]) -> None:
        vars(self).update(numbers)
        self._numbers = [numbers[name] for name in sorted(numbers)]  # in the order in which `_rhs` takes them

    def rhs(self, x: Array, t: None) -> Any:
        """Time derivative of the state [D], as D numbers."""
        return self._rhs(*x, t, *self._numbers)  # pyright: ignore[reportAttributeAccessIssue] - the subclass has it

    @classmethod
    def state(cls, count: int) -> tuple[str, ...]:
        """Names of the numbers of the state: of the arguments, or x1, x2, … where it is one argument."""
        names = [*inspect.signature(cls._rhs).parameters] if hasattr(cls, "_rhs") else []  # pyright: ignore
        return tuple(names[:count]) if len(names) > count else tuple(f"x{i + 1}" for i in range(count))


class Delayed(Equations):
    """A right-hand side that needs the past, too."""


class Numerics:
    """JAX in the place of NumPy, with sums from the first term to the last: a library may order them by the batch."""

    def __getattr__(self, name: str) -> Any:
        return getattr(jnp, name)

    @staticmethod
    def zeros_like(x: Array) -> list[float]:
        """A list, which unlike an array of JAX can be changed in place."""
        return [0.0] * len(x)

    @staticmethod
    def sum(terms: Array) -> Array:
        """Sum of a vector."""
        return total(terms)

    @staticmethod
    def matmul(matrix: Array, vector: Array) -> Array:
        """Product of a matrix [… n], or a vector, with a vector [n]."""
        return total(jnp.moveaxis(matrix * vector, -1, 0))

    dot = matmul


def table() -> dict[str, dict[str, Any]]:
    """The facts of each flow, by its name: parameters, start, period and others."""
    return json.loads(_read("data/chaotic_attractors.json"))


def version() -> str:
    """The version of the package, whose right-hand sides may be others in another one."""
    try:
        return metadata.version("dysts")
    except metadata.PackageNotFoundError:  # its files stand somewhere, but it was not installed
        return "of unknown version"


@cache
def equations() -> dict[str, type[Equations]]:
    """The class of each flow, by its name. They are run without what their file imports, such as numba."""
    names = {"np": Numerics(), "staticjit": staticmethod, "DynSys": Equations, "DynSysDelay": Delayed}
    code = ast.Module([*_classes().values()], [])
    exec(compile(code, "flows.py of dysts", "exec"), names)
    return {name: names[name] for name in _classes()}


def text(name: str) -> str:
    """The right-hand side of a flow as the package writes it, with those of the flows that it takes it from."""
    own = _classes()[name]
    bases = [base.id for base in own.bases if isinstance(base, ast.Name) and base.id in _classes()]
    kept = [part for part in own.body if getattr(part, "name", "") not in ("_jac", "_jac_static", "_postprocessing")]
    return "\n\n".join([*map(text, bases), ast.unparse(ast.ClassDef(own.name, own.bases, [], kept, []))])


@cache
def _classes() -> dict[str, ast.ClassDef]:
    """The classes of flows as they are written."""
    return {node.name: node for node in ast.parse(_read("flows.py")).body if isinstance(node, ast.ClassDef)}


def _read(file: str) -> str:
    try:
        return files("dysts").joinpath(file).read_text("utf-8")
    except ModuleNotFoundError:
        missing = "flows of dysts need this package, which is not installed: pip install --no-deps dysts"
        raise ValueError(missing) from None
