"""`dataset.json` and `plan.json`: whatever stands there instead, it is read as it is meant or refused by name."""

import dataclasses
import hashlib
import json
import re
import shutil
import types
import typing

import pytest

from slvm_data.core.errors import DamageError
from slvm_data.core.names import HIDDEN
from slvm_data.recipe.outline import SystemRecord
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.serialisation import from_stored
from slvm_data.run.beginning import begin
from slvm_data.run.combination import combine
from slvm_data.run.conversion import convert
from slvm_data.run.plan import Plan
from slvm_data.store import formats, manifest

OTHERS = (None, True, 7, 2.5, "word", [], ["word"], {}, {"word": 7})  # values of each type of JSON


@pytest.fixture(scope="module")
def windows(made, tmp_path_factory):
    """A dataset with frames, windows, trajectories, combined files and a description: every key there is."""
    folder = shutil.copytree(made("windows", "npz"), tmp_path_factory.mktemp("windows") / "x")
    combine(folder)
    convert(folder, folder / manifest.CROISSANT)
    return folder


@pytest.fixture(scope="module")
def two_tasks(made):
    """A dataset whose tasks have each a time step and a view of their own, in shards."""
    return made("mixed", "zarr")


@pytest.fixture(scope="module")
def begun(made, tmp_path_factory):
    """A dataset that was begun."""
    folder = tmp_path_factory.mktemp("begun") / "x"
    begin(Plan(from_stored(manifest.read(made("mixed", "zarr")).recipe), formats.named("zarr")), folder, False)
    return folder


class Forged:
    """A folder whose manifest, or plan, is written anew as one likes, with a checksum that fits."""

    def __init__(self, source, folder, name, kind):
        where = f"{HIDDEN}/{name}" if name == manifest.PLAN else name
        self.source, self.folder, self.path, self.name, self.kind = source, folder, folder / where, name, kind
        self.tree = json.loads((source / where).read_bytes())
        del self.tree["sha256"]
        self.path.parent.mkdir(exist_ok=True)

    def read(self, tree=None):
        """Read it, after this tree was written, if given."""
        if tree is not None:
            self.path.write_text(json.dumps(tree | {"sha256": digest(tree)}))
        return manifest.read_plan(self.folder) if self.name == manifest.PLAN else manifest.read(self.folder)

    def fault(self, tree):
        """The sentence by which this tree is refused; None if it is read."""
        try:
            content = self.read(tree)
        except DamageError as error:
            sentence = str(error)
            assert sentence.isprintable(), sentence
            assert sentence.startswith(f"{self.path} "), sentence
            return sentence.removeprefix(f"{self.path} is damaged: ")
        try:
            assert isinstance(from_stored(content.recipe), Recipe)
        except ValueError as error:  # what stands there is a recipe, though one that cannot be
            assert str(error).isprintable()
        return None


def digest(tree):
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()


@pytest.fixture(params=["windows", "two_tasks", "begun"])
def forged(request, tmp_path):
    name, kind = (
        (manifest.PLAN, manifest.PlanRecord) if request.param == "begun" else (manifest.NAME, manifest.Manifest)
    )
    return Forged(request.getfixturevalue(request.param), tmp_path, name, kind)


def nodes(kind, value, place):
    """Owner, key, value, type and place of every value in a tree; of several of one type the last one alone."""
    kind = chosen(kind, value)
    if dataclasses.is_dataclass(kind) and kind is not SystemRecord:
        hints = typing.get_type_hints(kind)
        inner = [(key, hints[key], key) for key in value]
    elif isinstance(value, dict | list) and typing.get_args(kind):
        key = list(value)[-1:] if isinstance(value, dict) else [len(value) - 1] * bool(value)
        inner = [(key, typing.get_args(kind)[isinstance(value, dict)], ascii(key)) for key in key]
    else:
        inner = []
    for key, own, shown in inner:
        where = f"{place}: {shown}"
        yield value, key, value[key], own, where
        yield from nodes(own, value[key], where)


def chosen(kind, value):
    """Of several types the one that a value is of."""
    kinds = typing.get_args(kind) if typing.get_origin(kind) in (types.UnionType, typing.Union) else (kind,)
    return next((kind for kind in kinds if fits(kind, value)), kinds[0])


def fits(kind, value):
    """Whether a value of JSON is of a type, told from the type alone."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is typing.Any:
        return True
    if origin in (types.UnionType, typing.Union):
        return any(fits(one, value) for one in inner)
    if origin is tuple:
        kinds = (inner[0],) * len(value) if isinstance(value, list) and inner[-1] is Ellipsis else inner
        return isinstance(value, list) and len(kinds) == len(value) and all(map(fits, kinds, value))
    if origin is dict:
        return isinstance(value, dict) and all(fits(inner[1], one) for one in value.values())
    if kind is SystemRecord:
        return isinstance(value, dict) and isinstance(value.get("system"), str)
    if dataclasses.is_dataclass(kind):
        fields, hints = {field.name: field for field in dataclasses.fields(kind)}, typing.get_type_hints(kind)
        needed = {
            name for name, field in fields.items() if field.default is field.default_factory is dataclasses.MISSING
        }
        return (
            isinstance(value, dict)
            and needed <= value.keys() <= fields.keys()
            and all(fits(hints[name], one) for name, one in value.items())
        )
    return type(value) in ((int, float) if kind is float else (kind,))


def test_it_is_read_as_it_was_written(forged):
    content = forged.read(forged.tree)
    forged.path.unlink()
    (manifest.write_plan if forged.kind is manifest.PlanRecord else manifest.write)(forged.folder, content)
    again = json.loads(forged.path.read_bytes())
    assert again == forged.tree | {"sha256": digest(forged.tree)}


def test_the_order_of_keys_changes_nothing(forged):
    def ordered(value, reverse):
        if isinstance(value, list):
            return [ordered(one, reverse) for one in value]
        keys = sorted(value, reverse=reverse) if isinstance(value, dict) else None
        return {key: ordered(value[key], reverse) for key in keys} if keys is not None else value

    expected = forged.read(forged.tree)
    assert ordered(forged.tree, False) == forged.tree
    for tree in (ordered(forged.tree, False), ordered(forged.tree, True), dict(reversed(forged.tree.items()))):
        assert list(tree) != list(forged.tree)
        assert forged.read(tree) == expected


def test_a_value_of_another_type_is_refused_at_its_place(forged):
    """Every value of the tree in turn, replaced by one of each other type."""
    tree, count = json.loads(json.dumps(forged.tree)), 0
    every = {key: value for key, value in tree.items() if key not in ("format", "format_version")}
    for owner, key, value, kind, place in list(nodes(forged.kind, every, forged.name)):
        place_of = tree if owner is every else owner
        for other in OTHERS:
            if type(other) is type(value):
                continue
            place_of[key] = other
            fault = forged.fault(tree)
            if not fits(kind, other):
                assert fault, f"{place} = {other!r} was read"
                assert fault.startswith(place), f"{place} = {other!r}: {fault}"
                count += 1
        place_of[key] = value
    assert forged.fault(tree) is None
    assert count > 100


def test_a_key_too_many_or_too_few_is_refused_at_its_place(forged):
    tree = json.loads(json.dumps(forged.tree))
    every = {key: value for key, value in tree.items() if key not in ("format", "format_version")}
    objects = [(tree, forged.kind, forged.name)]
    for _, _, value, kind, place in nodes(forged.kind, every, forged.name):
        if dataclasses.is_dataclass(kind := chosen(kind, value)) and kind is not SystemRecord:
            objects.append((value, kind, place))
    for owner, kind, place in objects:
        owner["odd\x1b[31m"] = 1
        assert forged.fault(tree) == f"{place} has the unknown key 'odd\\x1b[31m'"
        del owner["odd\x1b[31m"]
        for field in dataclasses.fields(kind):
            if field.name in owner and field.default is field.default_factory is dataclasses.MISSING:
                value = owner.pop(field.name)
                assert forged.fault(tree) == f"{place} lacks {field.name}"
                owner[field.name] = value
    assert forged.fault(tree) is None
    kinds = {kind.__name__ for _, kind, _ in objects}
    assert kinds >= {forged.kind.__name__, "StoredRecipe"}
    if "windows" in str(forged.source):
        beside = {"ArrayEntry", "Certificate", "Checksum", "Coverage", "FileEntry", "Form", "RegimeStatistics"}
        assert kinds == {"Manifest", "StoredRecipe", "View", "Windowing", *beside}


@pytest.mark.parametrize(
    "value",
    [10**400, -(10**400), float("nan"), float("inf"), -7, "\x1b[31m", "x" * 10**5],
    ids=["huge", "-huge", "nan", "inf", "-7", "escape", "long"],
)
def test_a_value_of_the_right_type_that_makes_no_sense(forged, value):
    """It is read or refused by a sentence; never another error."""
    tree = json.loads(json.dumps(forged.tree))
    every = {key: own for key, own in tree.items() if key not in ("format", "format_version")}
    for owner, key, own, kind, _ in list(nodes(forged.kind, every, forged.name)):
        if fits(kind, value):
            place_of = tree if owner is every else owner
            place_of[key] = value
            forged.fault(tree)
            place_of[key] = own


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("format", "another", "does not describe a dataset of slvm-data"),
        ("format", ["slvm-data"], "does not describe a dataset of slvm-data"),
        ("format", None, "does not describe a dataset of slvm-data"),
        *(
            ("format_version", value, "newer than 1: update slvm-data")
            for value in (2, 1.0, "1", None, [1], True, 10**30)
        ),
    ],
)
def test_another_format_is_refused(forged, key, value, says):
    assert says in forged.fault(forged.tree | {key: value})


@pytest.mark.parametrize("text", ["", "[]", "null", "7", '"dataset"', "{", "[" * 10**5, '{"a":' * 10**5, "\xff", "NaN"])
def test_what_is_no_object_is_refused(forged, text):
    forged.path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DamageError) as error:
        forged.read()
    assert str(error.value).startswith(str(forged.path))
    assert str(error.value).isprintable()


def test_any_change_without_its_checksum_is_seen(forged):
    tree = forged.tree | {"sha256": digest(forged.tree)}
    for name in tree.keys() - {"format", "format_version"}:
        forged.path.write_text(json.dumps(tree | {name: "other"}))
        with pytest.raises(DamageError, match="its own checksum does not fit"):
            forged.read()


def test_entries_that_do_not_fit_together_are_refused(windows, tmp_path):
    forged = Forged(windows, tmp_path, manifest.NAME, manifest.Manifest)
    train = forged.tree["files"]["train.npz"]

    def fault(**changes):
        return forged.fault(forged.tree | changes)

    assert fault(files={}) == "dataset.json: files is empty"
    assert fault(certificate=[]) == "dataset.json: certificate lacks task 0"
    assert "is of task 1, which the recipe does not have" in fault(series={"series-train.npz": train | {"task": 1}})
    assert fault(arrays={}) == "dataset.json: arrays lack image"
    no_label = {name: form for name, form in train["arrays"].items() if name != "label"}
    assert fault(files={"a.npz": train | {"arrays": no_label}}) == "dataset.json: files: 'a.npz': arrays lack label"
    fewer = train["arrays"] | {"time": {"shape": [4, 10], "dtype": "float64"}}
    says = "dataset.json: files: 'a.npz': time is [4, 10] for 5 rows"
    assert fault(files={"a.npz": train | {"arrays": fewer}}) == says
    odd = train["arrays"] | {"odd": {"shape": [5], "dtype": "float64"}}
    assert "'odd' is not among the arrays that a dataset may hold" in fault(files={"a.npz": train | {"arrays": odd}})
    for name in (
        "/etc/x.npz",
        "../x.npz",
        "a/../x.npz",
        "a//x.npz",
        "con.npz",
        "a\nb.npz",
        "\x1b[31m.npz",
        "",
        "a\\b.npz",
    ):
        for kind in ("files", "series", "combined"):
            assert "cannot be a f" in fault(**{kind: {name: train} | forged.tree[kind]})


@pytest.mark.parametrize("name", ["hdf5", "parquet", "zip", "", "../zarr"])
def test_a_plan_in_a_format_that_is_not_generated_is_refused(begun, tmp_path, name):
    forged = Forged(begun, tmp_path, manifest.PLAN, manifest.PlanRecord)
    assert re.search(
        f"is a copy for other libraries|format = {name!r} is unknown", forged.fault(forged.tree | {"form": name})
    )


def test_a_manifest_that_is_too_large_is_not_read(forged, monkeypatch):
    monkeypatch.setattr(manifest, "LARGEST", 100)
    assert "bytes, and 100 are the most it can have" in forged.fault(forged.tree)
