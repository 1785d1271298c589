"""Keys depend on the seed, and on nothing that is set in the process."""

import jax
import numpy as np
import pytest

from slvm_data.core.keys import exact, root


@pytest.mark.parametrize("seed", [0, 7, 2**31, 2**32 + 5, 2**63 - 1])
def test_a_seed_has_one_key(seed):
    """Also where all seeds are to be shifted."""
    with exact():
        expected = jax.random.key_data(jax.random.key(seed, impl="threefry2x32"))
        before = jax.config.values["jax_random_seed_offset"]
        jax.config.update("jax_random_seed_offset", 3)
        try:
            np.testing.assert_array_equal(jax.random.key_data(root(seed)), expected)
            assert (jax.random.key_data(jax.random.key(1, impl="threefry2x32")) != jax.random.key_data(root(1))).any()
        finally:
            jax.config.update("jax_random_seed_offset", before)
