"""Flight of several balls from one impact to the next, each found exactly: x(t) = x + v t + g t² / 2 for every ball.

All balls have the same acceleration, so that two of them move on a straight line past each other: the instant at which
they meet is the root of a quadratic, |d + w t| = r₁ + r₂, like that of a ball and a wall. Two balls that meet exchange
the impulse (1 + e) μ u along the line between them, with μ = m₁ m₂ / (m₁ + m₂) and u the speed of their approach.

Impacts at the same instant are taken one after another: walls first, ball by ball, each ball first along x; then pairs
of balls in the order 1-2, 1-3, …, 2-3, …

Friction takes the share γ of every velocity in a second. In the time τ = (1 - exp(-γ t)) / γ balls move as without it,
since it slows all of them alike, and an impact takes no time; the velocity is that without friction times exp(-γ t).

An impact slower than `slow` is elastic, or bounces would follow each other ever faster without an end.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

from slvm_data.core.late import jax, jnp
from slvm_data.core.types import Array
from slvm_data.systems.flight import reach

PAIR = 4  # the number of a "wall" that is another ball; walls are those of `systems.flight`
BOUNCE = 0.01  # s; a bounce on the floor is about as long before it loses no more energy
CREEP = 1e-6  # side/s, the least speed of an impact that loses energy, without gravity
IMPACTS = 10_000  # in a frame, at most


class Balls(NamedTuple):
    """The numbers of a member: radii and masses [B], acceleration [2], side and walls of the box, and losses."""

    radius: Array
    mass: Array
    g: Array
    friction: Array  # 1/s
    side: float
    margin: float | None  # from the border of the scene to the walls; None: there are no walls
    restitution: float


Vectors = tuple[tuple[Array, Array], ...]
"""Of each ball, a number for x and one for y. Written out, as arrays [B 2] of them take several times as long."""


class Ball(NamedTuple):
    """One ball: its place and velocity, each a number for x and one for y, and its mass."""

    x: tuple[Array, Array]
    v: tuple[Array, Array]
    mass: Array


class Leg(NamedTuple):
    """One flight: its end, velocities before and after the impact there, and its duration."""

    x: Vectors
    before: Vectors
    after: Vectors
    seconds: Array
    hit: list[Array]  # which encounter it is, with a wall or of a pair, each true or false; none if the time ran out


class Touch(NamedTuple):
    """The next touch of a wall by one ball along one axis: when, of which wall, how fast."""

    seconds: Array
    above: Array  # whether it is the wall with the higher coordinate
    speed: Array


def pairs(count: int) -> list[tuple[int, int]]:
    """The pairs of balls, in the order in which their impacts are taken."""
    return list(combinations(range(count), 2))


def fly(x: Vectors, v: Vectors, balls: Balls, left: Array) -> Leg:
    """Fly from `x`, `v` to the next impact, or for the time that is `left`, without friction."""
    touches = [_touch(x[k][a], v[k][a], balls, k, a) for k, a in _walls(balls)]
    times = [touch.seconds for touch in touches] + [_meeting(x, v, balls, *pair) for pair in pairs(len(x))]
    hit, seconds = _earliest(times, left)
    x, before, after = _bounced(*_flown(x, v, balls.g, seconds), balls, touches, hit)
    return Leg(x, before, _struck(x, after, balls, hit[len(touches) :]), seconds, hit)


def _flown(x: Vectors, v: Vectors, g: Array, seconds: Array) -> tuple[Vectors, Vectors]:
    """Places and velocities after a flight."""
    way = [[own[a] * seconds + g[a] * seconds**2 / 2 for a in (0, 1)] for own in v]
    places = tuple((own[0] + more[0], own[1] + more[1]) for own, more in zip(x, way, strict=True))
    return places, tuple((own[0] + g[0] * seconds, own[1] + g[1] * seconds) for own in v)


def _walls(balls: Balls) -> list[tuple[int, int]]:
    """Ball and axis of each encounter with a wall, in the order in which impacts are taken."""
    return [(k, axis) for k in range(len(balls.radius)) for axis in (0, 1)] if balls.margin is not None else []


def _earliest(times: list[Array], left: Array) -> tuple[list[Array], Array]:
    """Which of these times comes first, each true or false, none if none is before `left`; and how long it takes.

    All times are reduced at once, or XLA would find them, roots of quadratics, anew for each number that follows.
    """

    def earlier(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
        return _either((b[0] < a[0]) | ((b[0] == a[0]) & (b[1] < a[1])), b, a)

    every = jnp.stack([left, *times])
    none = jnp.inf, jnp.asarray(len(every))
    seconds, which = jax.lax.reduce((every, jnp.arange(len(every))), none, earlier, (0,))
    return [which == k + 1 for k in range(len(times))], seconds


def _touch(x: Array, v: Array, balls: Balls, k: int, axis: int) -> Touch:
    (low, high), g = _bounds(balls, k), balls.g[axis]
    (to_low, fast_low), (to_high, fast_high) = reach(x - low, -v, -g), reach(high - x, v, g)
    above = to_high <= to_low
    return Touch(jnp.where(above, to_high, to_low), above, jnp.where(above, fast_high, fast_low))


def _bounds(balls: Balls, k: int) -> tuple[Array, Array]:
    """Lowest and highest coordinate of the centre of a ball."""
    assert balls.margin is not None
    low = balls.margin + balls.radius[k]
    return low, balls.side - low


def _meeting(x: Vectors, v: Vectors, balls: Balls, i: int, j: int) -> Array:
    """Time until two balls meet, infinite if they do not."""
    d, w, reach = _minus(x[j], x[i]), _minus(v[j], v[i]), balls.radius[i] + balls.radius[j]
    closing, speed, room = -_dot(d, w), _dot(w, w), jnp.maximum(_dot(d, d) - reach**2, 0.0)
    square = closing**2 - speed * room
    meets = (closing > 0) & (square >= 0)
    return jnp.where(meets, room / jnp.where(meets, closing + jnp.sqrt(jnp.maximum(square, 0.0)), 1.0), jnp.inf)


def _bounced(
    x: Vectors, v: Vectors, balls: Balls, touches: list[Touch], hit: list[Array]
) -> tuple[Vectors, Vectors, Vectors]:
    """Places, and velocities before and after, where one of the touches is `hit`."""
    places, before, after = ([list(own) for own in each] for each in (x, v, v))
    for (k, axis), touch, own in zip(_walls(balls), touches, hit, strict=False):
        low, high = _bounds(balls, k)
        places[k][axis] = jnp.clip(jnp.where(own, jnp.where(touch.above, high, low), x[k][axis]), low, high)
        outwards = jnp.where(touch.above, 1.0, -1.0)
        before[k][axis] = jnp.where(own, outwards * touch.speed, v[k][axis])
        after[k][axis] = jnp.where(own, -outwards * _departure(touch, outwards, balls, axis), v[k][axis])
    return _vectors(places), _vectors(before), _vectors(after)


def _departure(touch: Touch, outwards: Array, balls: Balls, axis: int) -> Array:
    """Speed with which a ball leaves a wall; what lies on the floor hops there, if impacts lose energy."""
    if balls.restitution == 1:
        return touch.speed
    hop = BOUNCE * jnp.maximum(outwards * balls.g[axis], 0.0) / 2
    return jnp.maximum(_share(touch.speed, balls) * touch.speed, (1 - balls.restitution) * hop)


def _struck(x: Vectors, v: Vectors, balls: Balls, hit: list[Array]) -> Vectors:
    """Velocities after the impact of the pair that is `hit`."""
    if not hit:
        return v
    (a, b), every = _couple(x, v, balls.mass, hit), list(v)
    d = _minus(b.x, a.x)
    length = jnp.sqrt(_dot(d, d))
    n = (d[0] / length, d[1] / length)
    approach = _dot(_minus(a.v, b.v), n)
    impulse = (1 + _share(approach, balls)) * (a.mass * b.mass / (a.mass + b.mass)) * approach
    after = _pushed(a, -impulse, n), _pushed(b, impulse, n)
    for own, couple in zip(hit, pairs(len(v)), strict=True):
        for k, new in zip(couple, after, strict=True):
            every[k] = _either(own, new, every[k])
    return tuple(every)


def _couple(x: Vectors, v: Vectors, mass: Array, hit: list[Array]) -> tuple[Ball, Ball]:
    """The two balls whose pair is `hit`; the first pair if none is."""
    each = [Ball(*own) for own in zip(x, v, mass, strict=True)]
    a, b = each[0], each[1]
    for own, (i, j) in zip(hit[1:], pairs(len(each))[1:], strict=True):
        a, b = _either(own, each[i], a), _either(own, each[j], b)
    return a, b


def _pushed(ball: Ball, impulse: Array, n: tuple[Array, Array]) -> tuple[Array, Array]:
    """Velocity after this impulse along `n`."""
    return ball.v[0] + impulse / ball.mass * n[0], ball.v[1] + impulse / ball.mass * n[1]


def _either(yes: Array, a: Any, b: Any) -> Any:
    """`a` where it is true, `b` elsewhere, number by number."""
    return jax.tree.map(partial(jnp.where, yes), a, b)


def _share(speed: Array, balls: Balls) -> Array | float:
    """Share of the speed that an impact leaves."""
    if balls.restitution == 1:
        return 1.0
    slow = BOUNCE * jnp.sqrt(_dot(balls.g, balls.g)) / 2 + CREEP * balls.side
    return jnp.where(speed > slow, balls.restitution, 1.0)


def trajectory(x0: Array, t: Array, balls: Balls) -> Array:
    """States [T 4B], positions then velocities, at the times `t` [T], from `x0` [4B] at t[0].

    A frame with more than `IMPACTS` impacts is not a number.
    """

    def frame(state: tuple[Any, ...], end: Array) -> tuple[tuple[Any, ...], Array]:
        def on(carry: tuple[Any, ...]) -> tuple[Any, ...]:
            x, v, left, count = carry
            leg = fly(x, v, balls, left)
            return leg.x, leg.after, left - leg.seconds, count + 1

        x, v, now = state
        seconds = end - now  # here, so that times are the rounded ones that are stored, whatever they are made from
        begin: tuple[Any, ...] = (x, v, _slowed(seconds, balls.friction), jnp.asarray(0))
        x, v, left, _ = jax.lax.while_loop(lambda carry: (carry[2] > 0) & (carry[3] <= IMPACTS), on, begin)
        share = jnp.where(left > 0, jnp.nan, jnp.exp(-balls.friction * seconds))
        v = tuple((share * a, share * b) for a, b in v)
        return (x, v, end), jnp.stack([number for own in (*x, *v) for number in own])

    return jnp.concatenate([x0[None], jax.lax.scan(frame, (*_first(x0, balls), t[0]), t[1:])[1]])


def impacts(x0: Array, t: Array, balls: Balls, most: int, g: Array | None = None) -> dict[str, Array]:
    """The first `most` impacts between t[0] and t[-1]: time [s], wall, the balls [2], and velocities.

    Velocities before and after are those of the first ball, `other_before` and `other_after` those of the one that it
    meets, 0 at a wall. After the last impact, all values are 0, and wall and balls are -1. If there are more, the time
    of the last one is not a number. `g` [T-1 2] is the acceleration from each time to the next, if it changes.
    """
    ends = (t if g is not None else jnp.stack([t[0], t[-1]])) if len(t) > 1 else jnp.stack([t[0], t[0]])
    each = balls.g[None] if g is None else g
    whole = _slowed(jnp.diff(ends), balls.friction)  # [parts]

    def one(carry: tuple[Any, ...], _: None) -> tuple[tuple[Any, ...], dict[str, Array]]:
        x, v, part, left = carry
        leg = fly(x, v, balls._replace(g=each[part]), left)
        left = left - leg.seconds
        spent = whole[part] - left
        share = jnp.where(balls.friction > 0, 1 - balls.friction * spent, 1.0)  # of the velocity without friction
        time = ends[part] + _lasted(spent, balls.friction)
        over = (left <= 0) & (part < len(each) - 1)
        kept = jnp.where(over, share, 1.0)
        v = tuple((kept * a, kept * b) for a, b in leg.after)
        part = part + over
        return (leg.x, v, part, jnp.where(over, whole[part], left)), _found(leg, time, share, balls)

    start = *_first(x0, balls), jnp.asarray(0), whole[0]
    (*_, left), found = jax.lax.scan(one, start, length=most + len(each) - 1)
    happened = found["wall"] >= 0
    order = jnp.argsort(~happened, stable=True)[:most]
    kept = {name: value[order] for name, value in found.items()}
    lost = (jnp.sum(happened) > most) | (left > 0)
    return kept | {"time": kept["time"].at[-1].set(jnp.where(lost, jnp.nan, kept["time"][-1]))}


def _found(leg: Leg, time: Array, share: Array, balls: Balls) -> dict[str, Array]:
    """What is recorded of the impact at the end of a flight; `share` is that of the velocity that friction leaves."""
    wall, who, walls = jnp.asarray(-1), jnp.asarray([-1, -1]), _walls(balls)
    for own, (k, axis) in zip(leg.hit, walls, strict=False):
        wall = jnp.where(own, 2 * axis + (leg.before[k][axis] > 0), wall)  # numbered as in `systems.flight`
        who = jnp.where(own, jnp.asarray([k, -1]), who)
    for own, pair in zip(leg.hit[len(walls) :], pairs(len(leg.x)), strict=True):
        wall, who = jnp.where(own, PAIR, wall), jnp.where(own, jnp.asarray(pair), who)
    found = {"time": jnp.where(wall >= 0, time, 0.0), "wall": wall, "body": who}
    for k, name in enumerate(("", "other_")):
        for word, velocity in (("before", leg.before), ("after", leg.after)):
            found[name + word] = share * _of(who[k], velocity)
    return found


def _of(who: Array, velocity: Vectors) -> Array:
    """The velocity [2] of one ball; 0 for -1, which is none."""
    found = jnp.zeros(2)
    for k, own in enumerate(velocity):
        found = jnp.where(who == k, jnp.stack(own), found)
    return found


def _first(x0: Array, balls: Balls) -> tuple[Vectors, Vectors]:
    """Places and velocities of a state [4B]; rounding may have left a ball in a wall."""
    x, v = (_vectors(half.reshape(-1, 2)) for half in jnp.split(x0, 2))
    if balls.margin is not None:
        x = tuple(tuple(jnp.clip(q, *_bounds(balls, k)) for q in own) for k, own in enumerate(x))
    return _vectors(x), v


def _vectors(each: Any) -> Vectors:
    return tuple((own[0], own[1]) for own in each)


def _slowed(seconds: Array, friction: Array) -> Array:
    """Time τ in which balls without friction go as far as these do in so many seconds."""
    rate = jnp.where(friction > 0, friction, 1.0)
    return jnp.where(friction > 0, -jnp.expm1(-rate * seconds) / rate, seconds)


def _lasted(slowed: Array, friction: Array) -> Array:
    """Seconds in which balls go as far as those without friction in the time τ."""
    rate = jnp.where(friction > 0, friction, 1.0)
    return jnp.where(friction > 0, -jnp.log1p(-rate * slowed) / rate, slowed)


def _minus(a: Any, b: Any) -> tuple[Array, Array]:
    return a[0] - b[0], a[1] - b[1]


def _dot(a: Any, b: Any) -> Array:
    return a[0] * b[0] + a[1] * b[1]
