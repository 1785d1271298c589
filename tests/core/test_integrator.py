"""The integrator has the order that it claims, and depends on nothing but its own trajectory."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import DOP853

from slvm_data.core import integrator
from slvm_data.core.keys import exact


def test_order_of_accuracy():
    """Error on ẋ = x cos t, x(t) = exp(sin t), in a form without time: the slope of log error over log step."""
    steps = np.array([1 / 2, 1 / 3, 1 / 4, 1 / 5])

    def velocity(y):
        return jnp.stack([y[0] * jnp.cos(y[1]), jnp.ones_like(y[1])])

    with exact():
        ends = [integrator.solve(velocity, jnp.array([1.0, 0.0]), jnp.array([0.0, 3.0]), h)[-1, 0] for h in steps]
    errors = np.abs(np.array(ends) - np.exp(np.sin(3.0)))
    slope = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    print(f"measured order {slope:.2f}")
    assert integrator.ORDER - 0.5 < slope < integrator.ORDER + 1.5


def test_the_weights_are_those_of_scipy():
    """To the bit, and none of them is left out."""
    for own, theirs in ((dict(enumerate(integrator.STAGES)), DOP853.A), ({0: integrator.LAST}, [DOP853.B])):
        found = np.zeros_like(theirs)
        for i, row in own.items():
            assert list(row) == sorted(row)  # in this order they are summed
            found[i, list(row)] = list(row.values())
        np.testing.assert_array_equal(found, theirs)


def test_frames_may_lie_anywhere_in_time():
    with exact():
        t = jnp.array([0.0, 0.05, 0.3, 0.30001, 2.0])
        x = integrator.solve(lambda x: -x, jnp.ones(1), t, 0.1)
    np.testing.assert_allclose(np.asarray(x)[:, 0], np.exp(-np.asarray(t)), rtol=1e-12)


def test_neighbours_change_no_bit():
    """One hard member among easy ones."""
    rates = np.linspace(0.1, 30.0, 300)

    def one(rate):
        return integrator.solve(lambda x: jnp.stack([x[1], -(rate**2) * jnp.sin(x[0])]), jnp.ones(2), t, 0.03)

    with exact():
        t = jnp.arange(5) * 0.1
        many = jax.jit(jax.vmap(one))
        together, few = np.asarray(many(rates)), np.asarray(many(rates[[0, 77, 299]]))
    np.testing.assert_array_equal(together[[0, 77, 299]], few)
