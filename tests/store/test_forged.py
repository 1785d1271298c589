"""F31: a manifest with a right checksum and wrong content. A sentence, and nothing that a terminal or a page obeys."""

import copy
import hashlib
import json
import shutil
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest

from slvm_data import cli, generate
from slvm_data.core.errors import DamageError
from slvm_data.core.names import HIDDEN
from slvm_data.core.text import LONGEST, sentence, visible
from slvm_data.load import Sequences, Windows
from slvm_data.recipe.serialisation import from_stored
from slvm_data.run import finish
from slvm_data.run.combination import combine
from slvm_data.run.conversion import convert
from slvm_data.store import card, journal, manifest, zarr_layout
from slvm_data.store.zarr_metadata import Sharded, encoded

WORDS = ["\x1b[31mred\x07", "<script>alert(1)</script>", "a\nb | c", "x" * 3000, "../up\u202e\ud800"]
NUMBERS = [-1, 0, 2**63, -1e308, 1e308, float("nan")]
TYPES = [None, True, 7, -1, 1.5, "x", [], {}, [1], {"a": 1}]
RAW = ("\x1b", "\x07", "\u202e")


FORGED = [(name, pytest.param(f"{name}-every", marks=pytest.mark.slow)) for name in ("windows-npz", "mixed-zarr")]


@pytest.fixture(scope="module", params=[one for both in FORGED for one in both])
def forged(request, made, tmp_path_factory):
    """A folder, and the ways of writing one value of its manifest anew that can be read: of each place some, or all."""
    name, form, *every = request.param.split("-")
    folder = shutil.copytree(made(name, form), tmp_path_factory.mktemp("forged") / "x")
    if form == "npz":
        combine(folder)
        convert(folder, folder / manifest.CROISSANT)
    tree = json.loads((folder / manifest.NAME).read_bytes())
    del tree["sha256"]
    return folder, list(readable(folder, tree, 1 if every else 6))


def readable(folder, tree, part):
    """Write each value anew by each n-th other value; yield those trees that are no damage to the eye of a reader."""
    for k, place in enumerate(places(tree)):
        for value in others(at(tree, place))[k % part :: part]:
            other = copy.deepcopy(tree)
            at(other, place[:-1])[place[-1]] = value
            try:
                put(folder, other)
                manifest.read(folder)
            except DamageError as error:
                assert str(error).isprintable(), place
                assert len(str(error)) < 2 * LONGEST, place
            else:
                yield place, value, other
    put(folder, tree)


def places(value, place=()):
    """The place of each value in a tree, of lists of the first and the last."""
    keys = value if isinstance(value, dict) else {0, len(value) - 1} - {-1} if isinstance(value, list) else ()
    for key in keys:
        yield (*place, key)
        yield from places(value[key], (*place, key))


def at(tree, place):
    for key in place:
        tree = tree[key]
    return tree


def others(value):
    """Other values of the same type; `test_manifest` has those of other types."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, list):
        return [[], value * 50, value[:-1]]
    if isinstance(value, dict):
        return [{}, dict([*value.items()][1:]), {**value, WORDS[0]: None}]
    return WORDS if isinstance(value, str) else NUMBERS


def put(folder, tree):
    digest = hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()
    (folder / manifest.NAME).write_text(json.dumps(tree | {"sha256": digest}))


def harmless(done, place, value):
    code, out, err = done
    assert code in (0, 1, 2), (place, value)
    for text in (out, err):
        assert all(letter.isprintable() or letter == "\n" for letter in text), (place, value)
        assert not any(raw in text for raw in RAW), (place, value)
    assert len(err) < 20 * LONGEST
    assert "Traceback" not in err


@pytest.fixture
def said(ended, capfd):
    """What a command says: its exit code, standard output and standard error."""

    def say(*words):
        capfd.readouterr()
        code = ended(cli.main, *words)
        return code, *capfd.readouterr()

    return say


def test_what_is_read_is_shown_without_harm(forged, said):
    """By `info` and `status`, the commands that only show."""
    folder, trees = forged
    assert len(trees) > 100
    for k, (place, value, tree) in enumerate(trees):
        put(folder, tree)
        written = card.text(manifest.read(folder))
        assert not any(raw in written for raw in RAW), (place, value)
        assert "<script>" not in written or place == ("equation",)  # which stands between ```
        if isinstance(value, str) and k % 5 == 0:
            for words in (("info", folder), ("status", folder)):
                harmless(said(*words), place, value)


@pytest.mark.parametrize("part", [pytest.param(7, marks=pytest.mark.slow), 41])
def test_commands_end_in_a_sentence(part, forged, said, tmp_path):
    """Or do their work: each n-th of the trees."""
    folder, trees = forged
    kind = Sequences if (folder / "dataset_0").is_dir() else Windows
    for place, value, tree in trees[::part]:
        for words in (
            ["verify", folder, "--sample", "1"],
            ["view", folder, "--save", tmp_path / "page.html"],
            ["convert", folder, tmp_path / "npz", "--to", "npz", "--overwrite"],
            ["convert", folder, tmp_path / "hub", "--to", "parquet", "--overwrite"],
            ["info", folder / manifest.NAME],
            ["gif", folder, tmp_path / "x.gif"],
            *([["combine", folder, "--overwrite"]] if kind is Windows else []),
        ):
            put(folder, tree)  # since `combine` writes another
            harmless(said(*words), place, value)
        put(folder, tree)
        try:
            assert repr(kind(folder)[0])
        except (DamageError, ValueError) as error:
            assert visible(str(error)) == str(error), (place, value)


def of_other_types(tree):
    """The tree with each value in turn of every other type, or left out, and the place of that value."""
    for value in TYPES:
        yield (), value
    for place in places(tree):
        for value in TYPES:
            other = copy.deepcopy(tree)
            at(other, place[:-1])[place[-1]] = value
            yield place, other
        other = copy.deepcopy(tree)
        del at(other, place[:-1])[place[-1]]
        yield place, other


def in_a_sentence(function, *arguments, **options):
    try:
        return function(*arguments, **options)
    except (ValueError, DamageError) as error:
        assert str(error).isprintable()


def test_metadata_of_other_types(made):
    """Of arrays of a group, and their markers: each is refused, by whoever has no checksum of it too."""
    group = made("mixed", "zarr") / "dataset_1/train.zarr"
    for _, tree in of_other_types(json.loads((group / "image/zarr.json").read_bytes())):
        in_a_sentence(Sharded.of, encoded(tree))
    for _, tree in of_other_types(json.loads((zarr_layout.markers(group) / "0.json").read_bytes())):
        in_a_sentence(zarr_layout.marked, group, "0.json", json.dumps(tree).encode())


@pytest.fixture(scope="module", params=["pendulums-npz", "windows-npz", "pendulums-zarr"])
def begun(request, made, tmp_path_factory):
    """A dataset of which all units are made, and the rest is not; and how to generate it."""
    name, form = request.param.split("-")
    recipe = from_stored(manifest.read(made(name, form)).recipe)
    make = partial(generate, recipe, tmp_path_factory.mktemp("begun") / "x", format=form)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finish, "finish", Mock(side_effect=RuntimeError("here it ends")))
        with pytest.raises(RuntimeError, match="here it ends"):
            make()
    return make.args[1], make


def test_plans_of_other_types(begun, tmp_path):
    """With a checksum that fits; they are none, or end in a sentence."""
    folder = Path(shutil.copytree(begun[0], tmp_path / "x"))
    plan = journal.plan_of(folder)
    tree = json.loads(plan.read_bytes())
    del tree["sha256"]
    for place, other in list(of_other_types(tree))[::3]:
        if isinstance(other, dict):
            other["sha256"] = hashlib.sha256(json.dumps(other, sort_keys=True).encode()).hexdigest()
        plan.write_text(json.dumps(other))
        found = in_a_sentence(journal.status, folder)
        assert not found or isinstance(found.units, int), place


@pytest.mark.parametrize("part", [pytest.param(1, marks=pytest.mark.slow), 151])
def test_notes_of_other_types(begun, part, tmp_path):
    """Each n-th: what is forged does not count, or ends in a sentence; and what ends well can be read."""
    folder, make = begun
    note = min(journal.units_of(folder).glob("*.json")).relative_to(folder)
    tree = json.loads((folder / note).read_bytes().partition(b" ")[2])
    for place, other in list(of_other_types(tree))[::part]:
        copied = Path(shutil.copytree(folder, tmp_path / "x"))
        text = json.dumps(other)
        (copied / note).write_text(f"{hashlib.sha256(text.encode()).hexdigest()} {text}")
        if in_a_sentence(generate, make.args[0], copied, **make.keywords):
            assert manifest.read(copied), place
        shutil.rmtree(copied)


@pytest.mark.parametrize("names", [*TYPES, ["a"], ["../x"], [["a"]], [""], ["/etc/x"]], ids=repr)
def test_decisions_of_other_types(begun, names, tmp_path):
    """The list of files to remove, of a run that was interrupted while it moved files."""
    folder = Path(shutil.copytree(begun[0], tmp_path / "x"))
    (tmp_path / "mine").touch()
    (folder / HIDDEN / journal.OLD).write_text(json.dumps(names))
    (journal.next_of(folder) / manifest.NAME).touch()
    in_a_sentence(journal.settled, folder)
    assert (tmp_path / "mine").exists()


def test_text_that_is_shown():
    assert visible("q̇ = ∂H/∂p → 数\n\ta\u00a0b") == "q̇ = ∂H/∂p → 数\n\ta\u00a0b"
    assert visible("\x1b[31m\r\x9b\u202e\ud800\u2028") == "\\x1b[31m\\r\\x9b\\u202e\\ud800\\u2028"
    assert sentence("a\n b ") == "a b"
    assert len(sentence("x" * 10**6)) < LONGEST + 10
