"""The device that JAX computes on."""

from __future__ import annotations

from functools import cache

from slvm_data.core.late import jax


@cache
def backend() -> str:
    """Kind of the device, such as "cpu" or "gpu"; raises ValueError if JAX is set to one that is not there."""
    try:
        return jax.default_backend()
    except (RuntimeError, AssertionError) as error:  # JAX asserts, where it was installed without this device
        if not (platforms := jax.config.jax_platforms):  # pyright: ignore[reportAttributeAccessIssue]
            raise
        raise ValueError(
            f"JAX_PLATFORMS = {platforms!r} names no device that JAX can use here: leave it out, or set it to cpu"
        ) from error
