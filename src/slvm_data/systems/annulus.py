"""The annulus from which initial states are drawn: inner radius, outer radius, a direction."""

from __future__ import annotations

from slvm_data.core.keys import stream
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.systems.parameters import Uniform


def annulus(key: Key, radii: Uniform, uniform_annulus: bool) -> Array:
    """Draw a point [2] between the radii: uniform in area (`uniform_annulus`), or in its distance from the centre."""
    u = jax.random.uniform(stream(key, "radius"), dtype=float)
    angle = 2 * jnp.pi * jax.random.uniform(stream(key, "angle"), dtype=float)
    if uniform_annulus:
        r = jnp.sqrt(radii.low**2 + u * (radii.high**2 - radii.low**2))
    else:
        r = radii.low + u * (radii.high - radii.low)
    return r * jnp.stack([jnp.cos(angle), jnp.sin(angle)])
