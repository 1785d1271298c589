"""Numbers as a person types them: read to the letter, and nothing else."""

import math

import pytest

from slvm_data import RECIPES, uniform
from slvm_data.core.numerals import real, rounded_up, whole
from slvm_data.recipe.overrides import override

EXACT = {"7": 7.0, "-0.5": -0.5, "+2": 2.0, ".5": 0.5, "5.": 5.0, "1e-3": 1e-3, "2.5E+1": 25.0, "inf": math.inf}
ODD = {  # and what was probably meant
    "1_000": "1000",
    "0x10": "16",
    "\u0661\u0662": "12",  # Arabic digits
    "\uff11": "1",  # a wide digit
    " 5": "5",
    "5\n": "5",
    "1 000": "1000",
    "1'000": "1000",
    "\u22121": "-1",  # a minus sign
    "1e": "1",
    "5kg": "5",
    "": "",
    "1..2": "",
    "five": "",
    "\u00bd": "",
    "\u00b2": "",
    "1/2": "",
    "--1": "",
}


@pytest.mark.parametrize("text", EXACT)
def test_numbers_to_the_letter(text):
    assert real(text) == EXACT[text]
    assert [whole(word) for word in ("0", "007", "+3", "-12")] == [0, 7, 3, -12]


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("read", [real, whole])
def test_what_is_no_number(text, read):
    with pytest.raises(ValueError, match="is not a") as found:
        read(text)
    assert str(found.value).endswith(f"; did you mean {ODD[text]}?" if ODD[text] else "number")


@pytest.mark.parametrize(("text", "meant"), [("7.0", "7"), ("1e6", "1000000"), ("7.5", ""), ("nan", ""), ("1e999", "")])
def test_whole_numbers_have_no_fraction(text, meant):
    with pytest.raises(ValueError, match="is not a whole number") as found:
        whole(text)
    assert str(found.value).endswith(f"; did you mean {meant}?" if meant else "number")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0...5", "0..5"),
        ("0.5...7", "0.5..7"),
        ("0....5", "0..5"),
        ("0\u20265", "0..5"),
        ("1_000..2_000", "1000..2000"),
        ("\u0660..\u0661", "0..1"),
        ("0.5-1.0", "0.5..1.0"),
        ("0.5 .. 1", "0.5..1"),
        ("1:2", "1..2"),
        ("0.5..1kg", "0.5..1"),
        ("1,,2", "1,2"),
        ("1,2,", "1,2"),
        (",1", "1"),
        ("1, 2", "1,2"),
        ("[1;2]", "[1,2]"),
        ("[1, 2]", "[1,2]"),
        ("(1,2)", "[1,2]"),
        ("[1,2", "[1,2]"),
        ("1,2]", "[1,2]"),
        ("[1,2,]", "[1,2]"),
        ("..5", ""),
        ("5..", ""),
        ("1..2..3", ""),
        ("[[1,2]]", ""),
        ("1e..2", "1..2"),
        ("0x1..0x2", "1..2"),
        ("True", "true"),
        ("heavy", ""),
    ],
)
def test_ranges_and_vectors_to_the_letter(text, meant):
    """What is meant can be read."""
    with pytest.raises(
        ValueError, match=r"^Pendulum: m = .* is neither a number nor a range such as 0.5..1.0"
    ) as found:
        override(RECIPES["pendulum"], [f"m={text}"])
    assert str(found.value).endswith(f"; did you mean m={meant}?" if meant else "0.5..1.0")
    if meant and "[" not in meant and meant != "true":
        override(RECIPES["pendulum"], [f"m={meant}".replace("=0..", "=0.1..")])


def test_ranges_that_are_taken():
    changed = override(RECIPES["pendulum"], ["m=.5..1,2.,3e-1..4E-1"])
    assert [task.m for task in changed.tasks] == [uniform(0.5, 1), 2.0, uniform(0.3, 0.4)]


@pytest.mark.parametrize("number", [1.39894, 2.3990001, 1.0, 9.9999, 12345.6, 1e-7, 0.00123456, 2.399])
def test_a_number_that_is_rounded_up_is_no_smaller(number):
    assert number * (1 - 1e-9) <= float(rounded_up(number)) <= number * 1.0011
