"""Errors that Python and JAX raise in a file of the user's, in one sentence: where, what happened, and the way out."""

from __future__ import annotations

import difflib
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGE = "slvm_data."  # how the names of modules of this package begin
_UNKNOWN = "JAX computes all sequences at once, and does not know this number yet"
_METHODS = "start(self, key), energy(self, q, p), velocity(self, x), bodies(self, x), simulate(self, x0, t, key)"
WAYS_OUT = (  # what stands in an error, what is said in its place (empty: the error itself), and the way out
    (
        "TracerBoolConversionError",
        f"an `if`, `while`, `and`, `or`, `not`, `min` or `max` asks for a number; {_UNKNOWN}",
        "write jnp.where(condition, a, b), jnp.minimum or jnp.maximum",
    ),
    (
        "TracerArrayConversionError",
        f"a function of NumPy (np) asks for a number; {_UNKNOWN}",
        "use the function of the same name in jax.numpy (jnp)",
    ),
    (
        "TracerIntegerConversionError|NonConcreteBooleanIndexError",
        f"an index or a range() asks for a number; {_UNKNOWN}",
        "use fixed numbers, or jnp.where(condition, a, b)",
    ),
    (
        "ConcretizationTypeError",
        f"float(), int(), a size or a function of math asks for a number; {_UNKNOWN}",
        "use jax.numpy (jnp), and fixed sizes",
    ),
    ("arrays are immutable", "an array is changed in place, which JAX does not allow", "write x = x.at[i].set(value)"),
    ("FrozenInstanceError", "", "a system never changes, so keep the value in a variable without self"),
    ("unexpected PRNG key", "", "the first argument of a function of jax.random is the key, then the shape"),
    ("'Uniform'", "", 'a range is not one number, so take self.low("name") or self.high("name") of the parameter'),
    ("non-frozen dataclass|non-default argument", "", "write @dataclass(frozen=True, kw_only=True) above the class"),
    ("is a field but has no type annotation", "", "write its type, as in m: float = parameter(0.5)"),
    ("mutable default", "", "give a tuple, such as (1.0, 2.0)"),
    ("abstract method", "", "write each of these as a method of the class"),
    ("unexpected keyword argument", "", "write it in the class, as in m: float = parameter(0.5)"),
    (r"\w+\(\) (takes|missing) .*positional argument", "", f"the methods are {_METHODS}"),
    ("NameError", "", "define or import it first, as in import jax.numpy as jnp"),
    ("ModuleNotFoundError", "", "install it, or mend its name"),
)


def said(error: BaseException) -> str:
    """An error as words that follow the place where it happened: its first line, or ours, and the way out."""
    kinds = " ".join(kind.__name__ for kind in type(error).__mro__)
    line = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
    for sign, meaning, way_out in WAYS_OUT:
        if re.search(sign, f"{kinds}: {error}"):
            return f"{meaning or line}: {way_out}"
    return line + _did_you_mean(error)


def _did_you_mean(error: BaseException) -> str:
    if not isinstance(error, AttributeError) or not error.name:
        return ""
    near = difflib.get_close_matches(error.name, dir(error.obj), n=1)
    return f": did you mean {near[0]}?" if near else ": define it first"


def line_of(error: BaseException, file: str | None) -> int | None:
    """Number of the line of a file that an error comes from, the innermost one; None if it comes from elsewhere."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return lines[-1] if lines else None


def is_own(kind: type) -> bool:
    """Whether a class is not of this package."""
    return not kind.__module__.startswith(PACKAGE)


def defines(kind: type, method: str) -> bool:
    """Whether a method of a class is written outside this package."""
    return is_own(next((base for base in kind.__mro__ if method in vars(base)), object)) and hasattr(kind, method)


def place_of(kind: type, method: str) -> str:
    """Where a method of a class is written, in words: file, line, class and method."""
    code = getattr(getattr(kind, method, None), "__code__", None)
    return _place(kind, method, code.co_filename, code.co_firstlineno) if code else f"{kind.__name__}.{method}"


def _place(kind: type, method: str, file: str, line: int | None) -> str:
    where = "" if file.startswith("<") else f"{Path(file).name}, "  # a notebook has cells
    return f"{where}line {line}, {kind.__name__}.{method}"


def class_place(kind: type) -> str:
    """Where a class is written, in words: file and class; in a notebook the class alone."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return f"{Path(file).name}, {kind.__name__}" if file else kind.__name__


@contextmanager
def named(kind: type, method: str) -> Iterator[None]:
    """Turn any error in a class of the user's into a ValueError of one sentence, with file, line, class and method.

    The method is the one of the user's own that was called: `method`, or one that it calls. Errors of a class of this
    package stay as they are.
    """
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:  # anything may go wrong in what the user wrote
        if not is_own(kind):
            raise
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in _files(kind)]
        if not own:
            raise ValueError(f"{place_of(kind, method)}: {said(error)}") from error
        place = _place(kind, own[0].name, own[-1].filename, own[-1].lineno)
        raise ValueError(f"{place}: {said(error)}") from error


def _files(kind: type) -> set[str]:
    """Files in which the user's own classes among the bases of a class are written."""
    methods = [value for base in kind.__mro__ if is_own(base) for value in vars(base).values()]
    return {method.__code__.co_filename for method in methods if hasattr(method, "__code__")} - {"<string>"}
