"""Sines and cosines are those of the C library, and their derivatives each other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slvm_data.core.keys import exact
from slvm_data.core.sines import LARGEST, sine_cosine

EXACT = 2.3e-16  # half a unit in the last place of numbers from 0.5 to 1, twice


@pytest.mark.parametrize("size", [1e-300, 1e-3, 1.0, 10.0, 1e3, LARGEST])
def test_values_are_those_of_the_c_library(size):
    x = size * np.random.default_rng(0).uniform(-1, 1, 200_000)
    with exact():
        sine, cosine = jax.jit(sine_cosine)(x)
    np.testing.assert_allclose(sine, np.sin(x), rtol=4e-16 if size <= 1 else 0, atol=EXACT if size > 1 else 0)
    np.testing.assert_allclose(cosine, np.cos(x), rtol=0, atol=EXACT)


def test_multiples_of_a_quarter_turn():
    """Where the part of the circle changes, from both sides."""
    x = np.arange(-1000, 1001)[:, None] * (np.pi / 4) * (1 + np.array([-1e-15, 0, 1e-15]))
    with exact():
        sine, cosine = sine_cosine(x)
    np.testing.assert_allclose(sine, np.sin(x), rtol=0, atol=EXACT)
    np.testing.assert_allclose(cosine, np.cos(x), rtol=0, atol=EXACT)


def test_what_it_does_not_know_is_no_number():
    with exact():
        found = np.array(sine_cosine(jnp.array([1.001 * LARGEST, -1e300, np.inf, -np.inf, np.nan])))
    assert np.isnan(found).all()


def test_derivatives():
    with exact():
        x = jnp.linspace(-9, 9, 101)
        sine, cosine = sine_cosine(x)
        for i, first, second in ((0, cosine, -sine), (1, -sine, -cosine)):
            slope = jax.grad(lambda x, i=i: sine_cosine(x)[i])
            np.testing.assert_array_equal(jax.vmap(slope)(x), first)
            np.testing.assert_array_equal(jax.vmap(jax.grad(slope))(x), second)
