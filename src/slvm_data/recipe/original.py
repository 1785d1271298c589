"""Datasets as the original scripts write them, for comparison with those scripts.

Balls move by a discrete contact rule and are drawn as in the debugging view of a physics engine. Their frames show the
state before the one that is stored, and a sequence with an empty frame is rejected. For the other systems one frame
more is simulated, and either the first or the last frame is left out; a mass on a spring is shifted by the same number
along both axes, and by up to 1 m more to the right. Frames are float64, with three channels except for balls.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from slvm_data.core.arguments import checked
from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array, Key
from slvm_data.observe import camera
from slvm_data.observe.render.style import Style, draw
from slvm_data.observe.view import View
from slvm_data.recipe.recipe import Recipe
from slvm_data.systems.ball_box import BallBox
from slvm_data.systems.hamiltonian import Hamiltonian
from slvm_data.systems.mass_spring import MassSpring
from slvm_data.systems.system import System

CHANNELS = 3
ITEMSIZE = 8  # bytes of a pixel


@checked
def as_original(recipe: Recipe) -> Recipe:
    """Return the recipe whose dataset is what the original script would have written for the same draws.

    Raises ValueError for a system that is neither a ball in a box nor Hamiltonian: the original scripts do not have it.
    """
    pairs = [_task(system, recipe.view_of(task)) for task, system in enumerate(recipe.tasks)]
    tasks, seen = zip(*pairs, strict=True)
    return dataclasses.replace(recipe, tasks=tasks, view=seen, original=True)


def _task(system: System, view: View) -> tuple[System, View]:
    if isinstance(system, BallBox):
        return dataclasses.replace(system, motion="contact"), dataclasses.replace(view, style="debug")
    if isinstance(system, Hamiltonian):
        return system, view
    raise ValueError(f"there is no original of {type(system).__name__}: it is neither a ball nor has an energy")


def pairing(system: System, key: Key, states: Array) -> tuple[Array, Array]:
    """Return the states [T D] that the frames show, and those [T D] that are stored, from one state more [T + 1 D]."""
    if isinstance(system, BallBox):
        return states[:-1], states[1:]  # drawn before a step, stored after it
    first = jax.random.bernoulli(key)
    window = jnp.where(first, states[1:], states[:-1])
    return window, window


def shift(system: System, keys: dict[str, Key], reach: Array | float, jitter: Array | float) -> Array:
    """The camera's shift [2] in metres."""
    free = camera.shift(keys["camera"], reach)
    if not isinstance(system, MassSpring):
        return free
    right = jnp.where(jitter > 0, jax.random.uniform(keys["right"], dtype=float), 0.0)
    return jnp.stack([free[1] + right, free[1]])


def accept(style: Style, centres: Array) -> Array:
    """Whether a ball at these centres [T 2] in canvas widths is accepted: some of it is visible in every frame.

    The original scripts have further conditions, on a whole row of lit pixels and on 160 lit pixels: they never apply.
    """

    def lit(centre: Array) -> Array:
        return draw(style, centre[None], jnp.zeros(1), jnp.zeros((1, 3)), "binary").any()

    return jax.lax.map(lit, centres).all()


def pixels(system: System, frames: np.ndarray) -> np.ndarray:
    """Frames as float64, [N T H W] of balls and [N T 3 H W] of everything else, from uint8 of one or three channels."""
    image = frames.astype(np.float64)
    if isinstance(system, BallBox) or image.ndim == 5:
        return image
    empty = np.zeros_like(image)  # as the other channels of a red disc
    return np.stack([image, empty, empty], axis=2)
