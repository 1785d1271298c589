"""Motion about a centre that attracts by μ / r², on any orbit, by Kepler's equation in universal variables.

With dt = r ds, and with functions Gₖ(s) = sᵏ cₖ(β s²) of Stumpff for β = 2 μ / r₀ - v₀² and η = r₀·v₀,
t = r₀ G₁ + η G₂ + μ G₃ holds on ellipses (β > 0), parabolas and hyperbolas: J. M. A. Danby, "Fundamentals of Celestial
Mechanics", 2nd ed., Willmann-Bell 1988, chapter 6. It is solved by Laguerre's method: B. A. Conway, "An improved
algorithm due to Laguerre for the solution of Kepler's equation", Celestial Mechanics 39 (1986) 199-211.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial, pi
from typing import NamedTuple

from slvm_data.core.late import jax, jnp
from slvm_data.core.sines import sine_cosine
from slvm_data.core.sums import squared
from slvm_data.core.types import Array

ROUNDS = 7  # of Laguerre's method, for the last digits of any orbit
DEGREE = 5  # which it takes the equation to have
HALVINGS = 5  # of s, before the series is summed
TERMS = 8  # of the series
GUESS = 0.85  # Danby's, times the eccentricity: how far the eccentric anomaly may be before or after the mean one


class Orbit(NamedTuple):
    """What an orbit follows from."""

    place: Array  # [2], m
    velocity: Array  # [2], m/s
    pull: Array  # μ, m³/s²
    distance: Array  # r₀, m
    outwards: Array  # η, m²/s
    bound: Array  # β, m²/s²


def orbit(place: Array, velocity: Array, pull: Array) -> Orbit:
    """The orbit from this place [2] with this velocity [2]."""
    distance = jnp.sqrt(squared(place))
    outwards = place[0] * velocity[0] + place[1] * velocity[1]
    return Orbit(place, velocity, pull, distance, outwards, 2 * pull / distance - squared(velocity))


def positions(own: Orbit, seconds: Array) -> tuple[Array, Array]:
    """Places and velocities [2 T] so many seconds [T], 0 or more, after the start; nothing has to attract."""
    t = _within_a_period(own, seconds)
    s = jax.lax.fori_loop(0, ROUNDS, lambda _, s: _closer(own, s, t), _begin(own, t))
    s = jnp.where(own.pull > 0, s, 0.0)  # else the line is straight, whatever s is
    (_, g1, g2, g3), r = _stumpff(s, own.bound), _distance(own, s)
    f, g = 1 - own.pull / own.distance * g2, t - own.pull * g3
    df, dg = -own.pull / (r * own.distance) * g1, 1 - own.pull / r * g2
    (x, y), (vx, vy) = own.place, own.velocity
    return jnp.stack([f * x + g * vx, f * y + g * vy]), jnp.stack([df * x + dg * vx, df * y + dg * vy])


def _within_a_period(own: Orbit, t: Array) -> Array:
    """Times [T], on an ellipse without whole periods."""
    frequency = jnp.where(own.bound > 0, _pace(own) / (2 * pi * own.pull), 0.0)
    return jnp.where(own.bound > 0, t - jnp.floor(t * frequency) / frequency, t)


def _root(own: Orbit) -> Array:
    """√|β|, by which the anomaly changes with s."""
    return jnp.sqrt(jnp.abs(own.bound))


def _pace(own: Orbit) -> Array:
    """√|β|³, μ times the change of the mean anomaly in a second."""
    return jnp.abs(own.bound) * _root(own)


def _stumpff(s: Array, bound: Array) -> tuple[Array, Array, Array, Array]:
    """G₀ to G₃, from the series for s / 2ⁿ and n doublings."""
    step = s / 2**HALVINGS
    square = -bound * step**2
    g2, g3 = step**2 * _series(2, square), step**3 * _series(3, square)
    g1 = step - bound * g3
    for _ in range(HALVINGS):
        g3, g2, g1 = 2 * (g3 + g1 * g2), 2 * g1 * g1, 2 * (1 - bound * g2) * g1
    return 1 - bound * g2, g1, g2, g3


def _series(k: int, x: Array) -> Array:
    total = jnp.zeros_like(x)
    for n in reversed(range(TERMS)):
        total = total * x + 1 / factorial(2 * n + k)
    return total


def _late(own: Orbit, s: Array, t: Array) -> Array:
    """By how much the time at s is past t."""
    _, g1, g2, g3 = _stumpff(s, own.bound)
    return own.distance * g1 + own.outwards * g2 + own.pull * g3 - t


def _closer(own: Orbit, s: Array, t: Array) -> Array:
    """The next s by Laguerre's method; the derivatives of the time are the distance and what it grows by."""
    g0, g1, _, _ = _stumpff(s, own.bound)
    late, distance = _late(own, s, t), _distance(own, s)
    growth = own.outwards * g0 + (own.pull - own.bound * own.distance) * g1
    root = jnp.sqrt(jnp.abs((DEGREE - 1) ** 2 * distance**2 - DEGREE * (DEGREE - 1) * late * growth))
    return s - DEGREE * late / (distance + root)


def _distance(own: Orbit, s: Array) -> Array:
    g0, g1, g2, _ = _stumpff(s, own.bound)
    return own.distance * g0 + own.outwards * g1 + own.pull * g2


def _begin(own: Orbit, t: Array) -> Array:
    """A first s: of one as on an ellipse or a hyperbola, and one as on a parabola, the better one."""
    conic, parabola = jnp.where(own.bound > 0, _on_ellipse(own, t), _on_hyperbola(own, t)), _on_parabola(own, t)
    one, other = (jnp.nan_to_num(jnp.abs(_late(own, s, t)), nan=jnp.inf) for s in (conic, parabola))
    return jnp.where(one <= other, conic, parabola)


def _on_ellipse(own: Orbit, t: Array) -> Array:
    root = _root(own)
    c, s = 1 - own.distance * own.bound / own.pull, own.outwards * root / own.pull
    mean = _pace(own) / own.pull * t - s
    sine, cosine = sine_cosine(mean)
    return (mean + GUESS * jnp.sqrt(c**2 + s**2) * jnp.sign(s * cosine + c * sine)) / root


def _on_hyperbola(own: Orbit, t: Array) -> Array:
    root = _root(own)
    c, s = own.pull - own.distance * own.bound, own.outwards * root
    size = jnp.sqrt((c - s) * (c + s))
    begin = _single(jnp.log, (c + s) / (c - s)) / 2
    mean = (_pace(own) * t + s - own.pull * begin) / size
    return (jnp.sign(mean) * _single(jnp.log, 2 * jnp.abs(mean) + 1.8) - begin) / root


def _on_parabola(own: Orbit, t: Array) -> Array:
    """The root of a cubic equation, by Cardano."""
    shift = own.outwards / own.pull
    p = 2 * own.distance / own.pull - shift**2
    q = 3 * t / own.pull + 3 * own.distance * shift / own.pull - shift**3
    w = _single(jnp.exp, _single(jnp.log, jnp.abs(q) + jnp.sqrt(jnp.maximum(q**2 + p**3, 0.0))) / 3)
    return jnp.sign(q) * (w - p / w) - shift


def _single(function: Callable[[Array], Array], x: Array) -> Array:
    """A function in single precision, which is enough to begin with; in double, processors may differ in last bits."""
    return function(x.astype(jnp.float32)).astype(float)
