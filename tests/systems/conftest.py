"""An independent physics engine, for the balls of several modules."""

import numpy as np
import pymunk
import pytest


@pytest.fixture(scope="session")
def in_engine():
    """A function that gives the positions [T 2] of a ball with an acceleration [T 2] in each frame."""

    def positions(ball, start, accelerations, frame=0.1, step=1e-4):
        space, body = pymunk.Space(), pymunk.Body(1, float("inf"))
        circle, (low, high) = pymunk.Circle(body, ball.radius), ball.walls
        corners = [(low, low), (high, low), (high, high), (low, high)]
        walls = [pymunk.Segment(space.static_body, corners[i - 1], corners[i], 0) for i in range(4)]
        for shape in (circle, *walls):
            shape.elasticity, shape.friction = ball.restitution**0.5, 0
        body.position, body.velocity = tuple(start[:2]), tuple(start[2:])
        space.add(body, circle, *walls)
        found = [tuple(body.position)]
        for g in np.asarray(accelerations)[:-1].tolist():
            space.gravity = tuple(g)
            for _ in range(round(frame / step)):
                space.step(step)
            found.append(tuple(body.position))
        return np.array(found)

    return positions
