"""Compiled code that does not pile up: JAX keeps what it has compiled for every value and shape that it has met."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from threading import Lock
from typing import Any, TypeVar

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


def compiled(*static: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """As `jax.jit` with these keyword arguments static, but the programs used longest ago are forgotten."""

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        programs, lock = OrderedDict[object, Callable[..., R]](), Lock()
        _every.append((programs, lock))

        @wraps(function)
        def call(*arguments: Any, **options: Any) -> R:
            fixed = {name: options.pop(name) for name in static}
            leaves, shape = jax.tree.flatten((arguments, options))
            key = *fixed.values(), shape, *map(np.shape, leaves)
            with lock:
                # Its own object for each program, since JAX frees what it has compiled together with the function.
                programs[key] = program = programs.pop(key, None) or jax.jit(partial(function, **fixed))
                _forget(programs)
            return program(*arguments, **options)

        return call

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
