"""What a sequence is drawn with depends on its own address: not on the block of sequences that is made at a time."""

import numpy as np
import pytest

from slvm_data import RECIPES
from slvm_data.simulation import batch
from slvm_data.simulation.batch import BLOCKS, prepare, program

SMALL, LARGE = BLOCKS
PLACES = {
    "first": np.arange(7),
    "across the first block": np.arange(SMALL - 3, SMALL + 4),
    "later": np.arange(LARGE + 5, LARGE + 12),
    "across later blocks": np.arange(2 * LARGE - 3, 2 * LARGE + 4),
    "any order, some twice": np.array([5, 3, SMALL, 3, 0, LARGE - 1, 5]),
    "the last ones": np.arange(2**32 - 7, 2**32),
}


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("name", ["pendulum", "double_pendulum"])
def test_blocks_change_nothing(name, where):
    recipe, index = RECIPES[name], PLACES[where].astype(np.uint32)
    inputs, own = prepare(recipe, 0, "train"), program(recipe, 0)
    never = np.zeros_like(index)
    together = batch._draws(inputs, index, never, own)
    for i, number in enumerate(index):
        alone = batch._draws(inputs, index[i : i + 1], never[:1], own)
        directly = batch._draws(inputs, index[i : i + 1], never[:1] + 1, own)
        for kind in ("shares", "keys"):
            for key, array in getattr(together, kind).items():
                np.testing.assert_array_equal(array[i], getattr(alone, kind)[key][0], err_msg=f"{number} {key}")
                assert (array[i] != getattr(directly, kind)[key][0]).any()  # another attempt
