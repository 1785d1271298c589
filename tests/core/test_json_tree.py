"""Dataclasses as plain JSON values, and back: the same again, or an error that names the place."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from slvm_data.core.json_tree import from_json, to_json

ESCAPE = "\x1b[31mred\x1b[0m\n\r\x00\u202e"


@dataclass(frozen=True)
class Leaf:
    """One value, which has to be even."""

    number: int = 0

    def __post_init__(self) -> None:
        if self.number % 2:
            raise ValueError(f"number = {self.number} is odd")


@dataclass(frozen=True)
class Celsius:
    """A class with JSON of its own."""

    degrees: float

    def __json__(self) -> str:
        return f"{self.degrees} °C"

    @classmethod
    def __of_json__(cls, value: Any, where: str) -> Celsius:
        if "degrees" not in value:
            raise ValueError(f"{where} has no degrees")
        return cls(value["degrees"])


@dataclass(frozen=True, kw_only=True)
class Tree:
    """Every type of field."""

    flag: bool
    whole: int
    number: float
    word: str
    leaf: Leaf
    leaves: tuple[Leaf, ...]
    pair: tuple[int, str]
    named: dict[str, Leaf]
    nested: dict[str, tuple[float, ...]]
    one_or_many: float | tuple[float, ...]
    anything: Any
    maybe: Leaf | None = None
    text: str = ""
    numbers: tuple[int, ...] = ()
    table: dict[str, int] = field(default_factory=dict)
    count: int = 7


TREE = Tree(
    flag=True,
    whole=-3,
    number=0.1,
    word="ä",
    leaf=Leaf(2),
    leaves=(Leaf(4), Leaf(6)),
    pair=(1, "one"),
    named={"a": Leaf(8), "b c": Leaf(0)},
    nested={"x": (1.0, 2.5), "y": ()},
    one_or_many=(1.0, 2.0),
    anything={"deep": [None, {"deeper": [1, "2", False]}]},
)
JSON = {
    "flag": True,
    "whole": -3,
    "number": 0.1,
    "word": "ä",
    "leaf": {"number": 2},
    "leaves": [{"number": 4}, {"number": 6}],
    "pair": [1, "one"],
    "named": {"a": {"number": 8}, "b c": {"number": 0}},
    "nested": {"x": [1.0, 2.5], "y": []},
    "one_or_many": [1.0, 2.0],
    "anything": {"deep": [None, {"deeper": [1, "2", False]}]},
    "count": 7,
}


def fault(value, kind=Tree):
    """The sentence by which a value is refused."""
    with pytest.raises(ValueError) as error:
        from_json(kind, value, "file.json")
    sentence = str(error.value)
    assert sentence.isprintable(), sentence
    assert sentence.replace("…", "").isascii(), sentence
    return sentence


def changed(*keys, value):
    """The tree with another value in one place."""
    tree = json.loads(json.dumps(JSON))
    owner = tree
    for key in keys[:-1]:
        owner = owner[key]
    owner[keys[-1]] = value
    return tree


def test_there_and_back():
    assert to_json(TREE) == JSON
    assert from_json(Tree, json.loads(json.dumps(JSON)), "file.json") == TREE


def test_fields_that_are_nothing_by_default_are_left_out():
    more = {"maybe": {"number": 2}, "text": "x", "numbers": [1], "table": {"a": 1}, "count": 0}
    tree = from_json(Tree, JSON | more, "file.json")
    assert (tree.maybe, tree.text, tree.numbers, tree.table, tree.count) == (Leaf(2), "x", (1,), {"a": 1}, 0)
    assert to_json(tree) == JSON | more
    empty = {"maybe": None, "text": "", "numbers": [], "table": {}}
    assert to_json(from_json(Tree, JSON | empty, "file.json")) == JSON


def test_one_or_many():
    assert from_json(Tree, JSON | {"one_or_many": 3}, "").one_or_many == 3.0
    assert from_json(Tree, JSON | {"one_or_many": []}, "").one_or_many == ()
    assert to_json(from_json(Tree, JSON | {"one_or_many": 3.5}, "")) == JSON | {"one_or_many": 3.5}


def test_a_whole_number_is_a_number_and_no_other_way_round():
    found = from_json(Tree, JSON | {"number": 2, "nested": {"x": [1]}}, "file.json")
    assert (found.number, found.nested) == (2.0, {"x": (1.0,)})
    assert type(found.number) is type(found.nested["x"][0]) is float
    assert fault(JSON | {"whole": 2.0}) == "file.json: whole has to be a whole number, and is 2.0"


def test_numbers_of_numpy_are_plain():
    found = to_json({"a": np.float32(0.5), "b": np.int64(3), "c": (np.bool_(True), [np.float64(1.5)]), 7: None})
    assert json.dumps(found) == '{"a": 0.5, "b": 3, "c": [true, [1.5]], "7": null}'


def test_a_class_may_have_json_of_its_own():
    assert to_json({"t": Celsius(3.5)}) == {"t": "3.5 °C"}
    assert from_json(dict[str, Celsius], {"t": {"degrees": 3.5}}, "x") == {"t": Celsius(3.5)}
    assert fault({"t": {}}, dict[str, Celsius]) == "file.json: 't' has no degrees"


OTHERS = (None, True, 7, 2.5, "word", [], {}, ["word"], {"word": 1})
WANTED = {  # place of each value, words for its type, and which of the others are of it
    ("flag",): ("true or false", (True,)),
    ("whole",): ("a whole number", (7,)),
    ("number",): ("a number", (7, 2.5)),
    ("word",): ("a string", ("word",)),
    ("leaf",): ("an object", ({}, {"word": 1})),
    ("leaf", "number"): ("a whole number", (7,)),
    ("leaves",): ("a list", ([], ["word"])),
    ("leaves", 1): ("an object", ({}, {"word": 1})),
    ("leaves", 1, "number"): ("a whole number", (7,)),
    ("pair",): ("a list", ([], ["word"])),
    ("pair", 0): ("a whole number", (7,)),
    ("pair", 1): ("a string", ("word",)),
    ("named",): ("an object", ({}, {"word": 1})),
    ("named", "b c"): ("an object", ({}, {"word": 1})),
    ("named", "b c", "number"): ("a whole number", (7,)),
    ("nested",): ("an object", ({}, {"word": 1})),
    ("nested", "x"): ("a list", ([], ["word"])),
    ("nested", "x", 1): ("a number", (7, 2.5)),
    ("one_or_many",): ("a number", (7, 2.5, [], ["word"])),
    ("one_or_many", 0): ("a number", (7, 2.5)),
    ("maybe",): ("an object", (None, {}, {"word": 1})),
    ("text",): ("a string", ("word",)),
    ("numbers",): ("a list", ([], ["word"])),
    ("table",): ("an object", ({}, {"word": 1})),
}


@pytest.mark.parametrize("keys", WANTED, ids=str)
def test_another_type_is_refused_at_its_place(keys):
    words, fitting = WANTED[keys]
    names = (ascii(key) if i and keys[0] in ("named", "nested") and i == 1 else str(key) for i, key in enumerate(keys))
    place = ": ".join(["file.json", *names])
    for other in OTHERS:
        if not any(type(other) is type(one) and other == one for one in fitting):
            assert fault(changed(*keys, value=other)) == f"{place} has to be {words}, and is {other!r}"


def test_what_is_inside_a_list_or_an_object_is_named():
    assert fault(changed("leaves", value=["word"])) == "file.json: leaves: 0 has to be an object, and is 'word'"
    assert fault(changed("named", value={"word": 1})) == "file.json: named: 'word' has to be an object, and is 1"
    assert fault(changed("one_or_many", value=[1, "2"])) == "file.json: one_or_many: 1 has to be a number, and is '2'"
    assert fault(changed("maybe", value={"number": None})) == (
        "file.json: maybe: number has to be a whole number, and is None"
    )


def test_a_list_of_another_length_is_refused():
    assert fault(changed("pair", value=[1])) == "file.json: pair has to be 2 values, and has 1"
    assert fault(changed("pair", value=[1, "one", 2])) == "file.json: pair has to be 2 values, and has 3"


def test_keys_too_many_and_too_few():
    assert fault(JSON | {"odd": 1}) == "file.json has the unknown key 'odd'"
    assert fault(changed("leaf", "odd", value=1)) == "file.json: leaf has the unknown key 'odd'"
    for name in JSON:
        tree = {key: value for key, value in JSON.items() if key != name}
        if name == "count":
            assert from_json(Tree, tree, "file.json").count == 7
        else:
            assert fault(tree) == f"file.json lacks {name}"


@pytest.mark.parametrize("value", [None, True, 7, 2.5, "word", []])
def test_what_is_no_object_at_all(value):
    assert fault(value) == f"file.json has to be an object, and is {value!r}"


def test_what_a_class_refuses_is_named():
    assert fault(changed("leaf", "number", value=3)) == "file.json: leaf: number = 3 is odd"
    assert fault(changed("named", "b c", value={"number": 5})) == "file.json: named: 'b c': number = 5 is odd"


@pytest.mark.parametrize(
    "tree",
    [
        JSON | {ESCAPE: 1},
        JSON | {"flag": ESCAPE},
        JSON | {"flag": [ESCAPE]},
        JSON | {"flag": {ESCAPE: ESCAPE}},
        JSON | {"named": {ESCAPE: 1}},
        JSON | {"named": {ESCAPE: {"number": 1}}},
        JSON | {"named": {ESCAPE: {ESCAPE: 1}}},
        JSON | {"table": {ESCAPE: ESCAPE}},
    ],
)
def test_nothing_that_a_terminal_obeys_is_in_a_message(tree):
    """Nor much of what is long."""
    assert "\\x1b[31mred" in fault(tree)
    longer = json.loads(json.dumps(tree).replace("red", "red" * 10_000))
    assert len(fault(longer)) < 300
