#!/usr/bin/env python3
"""A billiard of your own: a ball among round obstacles, with every impact at its exact instant.

    python3 billiard.py --train 1000

The ball flies straight until it touches a wall or an obstacle, which reflects it. Obstacles make neighbouring
trajectories part quickly, as in Sinai's billiard.
"""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from slvm_data import Recipe, System, View
from slvm_data.core.keys import stream
from slvm_data.script import main

OBSTACLES = ((-2.0, -2.0, 1.0), (2.5, -1.0, 0.7), (0.0, 2.2, 1.2))  # x, y and radius [m]
PLACES = np.array([[x, y] for x, y, _ in OBSTACLES])
RADII = np.array([r for *_, r in OBSTACLES])


@dataclass(frozen=True, kw_only=True)
class Billiard(System):
    """State: x, y [m], the centre of the ball, and vx, vy [m/s]."""

    state: ClassVar = ("x", "y", "vx", "vy")
    units: ClassVar = ("m", "m", "m/s", "m/s")
    bodies_drawn: ClassVar = 1 + len(OBSTACLES)
    style: ClassVar = "clean"
    chaotic: ClassVar = True

    speed: float = 2.0  # m/s
    radius: float = 0.4  # m, of the ball
    side: float = 10.0  # m, of the square table

    def start(self, key):
        """Start above the obstacles, in any direction."""
        angle = jax.random.uniform(stream(key, "angle"), maxval=2 * jnp.pi, dtype=float)
        x = jax.random.uniform(stream(key, "place"), minval=-4.0, maxval=4.0, dtype=float)
        return jnp.stack([x, 4.2, self.speed * jnp.cos(angle), self.speed * jnp.sin(angle)])

    def simulate(self, x0, t, key):  # noqa: ARG002 - nothing is random
        """States [T 4] at the times t [T]."""

        def frame(x, interval):
            on = jax.lax.while_loop(lambda now: now[1] > 0, self._leg, (x, interval))[0]
            return on, on

        return jnp.concatenate([x0[None], jax.lax.scan(frame, x0, jnp.diff(t))[1]])

    def in_steps(self):
        """Whether there are states at the frames alone; here there are some at any time."""
        return False

    def _leg(self, now):
        """Fly to the next impact, or to the end of the interval; return the state and the time that is left."""
        (place, v), left = jnp.split(now[0], 2), now[1]
        reach = self.side / 2 - self.radius
        to_walls = jnp.where(v != 0, (jnp.sign(v) * reach - place) / jnp.where(v != 0, v, 1.0), jnp.inf)  # [2]
        to_obstacles = self._until_obstacles(place, v)  # [O]
        times = jnp.concatenate([to_walls, to_obstacles])
        first = jnp.argmin(times)
        flown = jnp.clip(times[first], 0.0, left)
        place = place + flown * v
        normals = jnp.concatenate([jnp.eye(2), (place - PLACES) / (RADII + self.radius)[:, None]])
        normal = normals[first]
        turned = v - 2 * (v[0] * normal[0] + v[1] * normal[1]) * normal
        return jnp.concatenate([place, jnp.where(times[first] < left, turned, v)]), left - flown

    def _until_obstacles(self, place, v):
        """Time until the ball touches each obstacle [O], infinite if it does not: a root of a quadratic equation."""
        apart = place - PLACES
        along = apart[:, 0] * v[0] + apart[:, 1] * v[1]  # negative: it comes nearer
        square = v[0] ** 2 + v[1] ** 2
        gap = apart[:, 0] ** 2 + apart[:, 1] ** 2 - (RADII + self.radius) ** 2
        root = along**2 - square * gap
        return jnp.where((along < 0) & (root > 0), (-along - jnp.sqrt(jnp.maximum(root, 0.0))) / square, jnp.inf)

    def bodies(self, x):
        """The ball and the obstacles."""
        return jnp.concatenate([x[None, :2], PLACES]), jnp.concatenate([jnp.full(1, self.radius), RADII])

    def extent(self):
        """Half the side of the table."""
        return self.side / 2


RECIPE = Recipe(
    name="billiard",
    about=__doc__ or "",
    tasks=(Billiard(),),
    dt=0.25,
    view=View(color="grey"),
)

if __name__ == "__main__":
    main(RECIPE)
