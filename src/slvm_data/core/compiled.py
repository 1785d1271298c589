"""Compiled code that does not pile up: JAX keeps what it has compiled for every value and shape that it has met."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, update_wrapper
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np

from slvm_data.core.late import jax

KEPT = 16  # programs of a function, about 10 MB each, unless somebody needs more
R = TypeVar("R")

_needed: list[int] = []  # numbers of programs that somebody needs now
_every: list[tuple[OrderedDict[Any, Any], Lock]] = []  # the programs of each function


def share(folder: str) -> None:
    """Keep what is compiled in a folder, where other processes of this machine find it, unless the user has chosen one.

    It is code that will run: nobody else may be able to write there.
    """
    if not jax.config.values["jax_compilation_cache_dir"]:
        jax.config.update("jax_compilation_cache_dir", folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


class Compiled(Generic[R]):
    """A function of arrays and of static keyword arguments, and the programs that it was compiled to last."""

    def __init__(self, function: Callable[..., R], static: tuple[str, ...]) -> None:
        self._function, self._static = function, static
        self._programs, self._lock = OrderedDict[object, Any](), Lock()
        _every.append((self._programs, self._lock))

    def __call__(self, *arguments: Any, **options: Any) -> R:
        """What the function returns, by the program for these arguments."""
        program, options = self._program(arguments, options)
        return program(*arguments, **options)

    def shape(self, *arguments: Any, **options: Any) -> R:
        """What a call would return, of shapes and types alone: it is traced as for a call, but not compiled."""
        program, options = self._program(arguments, options)
        return program.eval_shape(*arguments, **options)

    def _program(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The program for these arguments, and the options that it takes."""
        fixed = {name: options.pop(name) for name in self._static}
        leaves, shape = jax.tree.flatten((arguments, options))
        key = *fixed.values(), shape, *map(np.shape, leaves)
        with self._lock:
            # Its own object for each program, since JAX frees what it has compiled together with the function.
            self._programs[key] = program = self._programs.pop(key, None) or jax.jit(partial(self._function, **fixed))
            _forget(self._programs)
        return program, options


def compiled(*static: str) -> Callable[[Callable[..., R]], Compiled[R]]:
    """As `jax.jit` with these keyword arguments static, but the programs used longest ago are forgotten."""

    def decorate(function: Callable[..., R]) -> Compiled[R]:
        made = Compiled(function, static)
        update_wrapper(made, function)
        return made

    return decorate


@contextmanager
def kept(count: int) -> Iterator[None]:
    """While the block runs, keep at least so many programs of a function: those that a round over its tasks needs."""
    _needed.append(count)
    try:
        yield
    finally:
        _needed.remove(count)
        for programs, lock in _every:
            if lock.acquire(blocking=False):  # else who has it forgets them; it may be this thread, where it collects
                try:
                    _forget(programs)
                finally:
                    lock.release()


def _forget(programs: OrderedDict[Any, Any]) -> None:
    while len(programs) > max([KEPT, *_needed]):
        programs.popitem(last=False)
