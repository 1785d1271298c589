"""Keys depend on the seed, and on nothing that is set in the process."""

import jax
import numpy as np
import pytest

from slvm_data.core.keys import exact, of_data, root, sequence_keys, stream, streams
from slvm_data.core.threefry import folded, uniform


@pytest.mark.parametrize("seed", [0, 7, 2**31, 2**32 + 5, 2**63 - 1])
def test_a_seed_has_one_key(seed):
    """Also where all seeds are to be shifted."""
    with exact():
        expected = jax.random.key_data(jax.random.key(seed, impl="threefry2x32"))
        before = jax.config.values["jax_random_seed_offset"]
        jax.config.update("jax_random_seed_offset", 3)
        try:
            np.testing.assert_array_equal(root(seed), expected)
            np.testing.assert_array_equal(jax.random.key_data(of_data(root(seed))), expected)
            assert (jax.random.key_data(jax.random.key(1, impl="threefry2x32")) != root(1)).any()
        finally:
            jax.config.update("jax_random_seed_offset", before)


@pytest.mark.parametrize("number", [0, 1, 2**31, 2**32 - 1])
def test_keys_from_keys_are_those_of_jax(number):
    with exact():
        own = of_data(root(2**40 + 3))
        expected = jax.random.fold_in(own, number)
        np.testing.assert_array_equal(folded(root(2**40 + 3), number), jax.random.key_data(expected))
        few = np.arange(5, dtype=np.uint32) * 7
        many = jax.vmap(lambda i: jax.random.fold_in(jax.random.fold_in(expected, i), 3))(few)
        found = sequence_keys(folded(root(2**40 + 3), number), few, np.full(5, 3, np.uint32))
        np.testing.assert_array_equal(found, jax.random.key_data(many))
        for name, keys in streams(found, ["start", "größe"]).items():
            theirs = jax.vmap(lambda key, name=name: stream(key, name))(many)
            np.testing.assert_array_equal(keys, jax.random.key_data(theirs))


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 2)])
def test_uniform_numbers_are_those_of_jax(shape):
    keys = folded(root(11), np.arange(200, dtype=np.uint32))
    with exact():
        theirs = jax.vmap(lambda key: jax.random.uniform(key, shape, dtype=float))(of_data(keys))
    np.testing.assert_array_equal(uniform(keys, shape), theirs)
    np.testing.assert_array_equal(uniform(keys.reshape(4, 50, 2), shape), np.reshape(theirs, (4, 50, *shape)))
