"""JAX, imported when it is first used: it takes a second, and to list and describe datasets needs none of it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

before: list[Callable[[], object]] = []
"""What is to be done once, before JAX is imported."""


class Late:
    """A module that is imported when something in it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        while before:
            before.pop()()
        return getattr(importlib.import_module(self._name), name)


if TYPE_CHECKING:
    import jax as jax
    import jax.extend.core as core
    import jax.numpy as jnp
else:
    jax, jnp, core = Late("jax"), Late("jax.numpy"), Late("jax.extend.core")
