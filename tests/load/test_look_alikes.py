"""Arguments of loaders that look like what they have to be."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from slvm_data import RECIPES, generate
from slvm_data.load import Episodes, Sequences, Stream


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    recipe = replace(RECIPES["pendulum3"], train=6, val=2, test=2, steps=3)
    return generate(recipe, tmp_path_factory.mktemp("look_alikes") / "x")


@pytest.mark.parametrize("half", [np.float32(0.5), np.array(0.5), torch.tensor(0.5), Fraction(1, 2)], ids=repr)
def test_half_is_half(half, folder):
    assert len(Sequences(folder, fraction=half)) == len(Sequences(folder, fraction=0.5)) == 9


@pytest.mark.parametrize("odd", [0, 1.5, float("nan"), -0.5, np.float32(2)], ids=repr)
def test_what_is_no_share(odd, folder):
    with pytest.raises(ValueError, match=r"^fraction = .* has to lie above 0 and be at most 1$"):
        Sequences(folder, fraction=odd)


@pytest.mark.parametrize("one", [np.uint8(1), np.int64(1), torch.tensor(1)], ids=repr)
def test_whole_numbers_of_other_libraries(one, folder):
    assert [len(Sequences(folder, tasks=[one])), len(Sequences(folder, window=one))] == [6, 54]
    assert Episodes(folder, context=one).context == 1
    stream = Stream(RECIPES["pendulum"], batch=np.uint8(200), fields=("index",))
    assert next(iter(stream))["index"][-1] == 199
