"""Compiled code that does not pile up: JAX keeps what it has compiled for every value and shape that it has met."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial, wraps
from threading import Lock
from typing import Any, TypeVar

import numpy as np

from slvm_data.core.late import jax

KEPT = 16  # programs of a function, about 10 MB each; a dataset of many systems needs one for each of them
R = TypeVar("R")


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

        @wraps(function)
        def call(*arguments: Any, **options: Any) -> R:
            fixed = {name: options.pop(name) for name in static}
            leaves, shape = jax.tree.flatten((arguments, options))
            key = *fixed.values(), shape, *map(np.shape, leaves)
            with lock:
                # Its own object for each program, since JAX frees what it has compiled together with the function.
                programs[key] = program = programs.pop(key, None) or jax.jit(partial(function, **fixed))
                while len(programs) > KEPT:
                    programs.popitem(last=False)
            return program(*arguments, **options)

        return call

    return decorate
