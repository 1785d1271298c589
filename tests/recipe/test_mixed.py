"""Recipes of several systems keep the observation and the motion of their parts, or refuse."""

from dataclasses import replace

import pytest

from slvm_data import RECIPES
from slvm_data.observe.modifiers import Missing
from slvm_data.recipe.recipe import mixed
from slvm_data.systems.timing import Jittered

PARTS = [RECIPES["pendulum"], RECIPES["mass_spring"]]
RULES = {"observe": (Missing(p=0.2),), "time": Jittered(share=0.2)}


def test_rules_that_all_parts_share_are_kept():
    recipe = mixed([replace(part, **RULES) for part in PARTS], name="two", steps=10)
    assert {name: getattr(recipe, name) for name in RULES} == RULES


@pytest.mark.parametrize("name", RULES)
def test_rules_that_differ_are_refused_unless_one_is_chosen(name):
    parts = [replace(PARTS[0], **{name: RULES[name]}), PARTS[1]]
    with pytest.raises(ValueError, match=rf"^{name} = .* of a part and .* of another: mixed\(…, {name}=…\) says"):
        mixed(parts, name="two", steps=10)
    assert getattr(mixed(parts, name="two", steps=10, **{name: RULES[name]}), name) == RULES[name]
