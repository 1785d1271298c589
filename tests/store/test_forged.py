"""F31: a manifest with a right checksum and wrong content. A sentence, and nothing that a terminal or a page obeys."""

import copy
import hashlib
import json
import shutil

import pytest

from slvm_data import cli
from slvm_data.core.errors import DamageError
from slvm_data.core.text import LONGEST, sentence, visible
from slvm_data.load import Sequences, Windows
from slvm_data.run.combination import combine
from slvm_data.run.conversion import convert
from slvm_data.store import card, manifest

WORDS = ["\x1b[31mred\x07", "<script>alert(1)</script>", "a\nb | c", "x" * 3000, "../up\u202e\ud800"]
NUMBERS = [-1, 0, 2**63, -1e308, 1e308, float("nan")]
RAW = ("\x1b", "\x07", "\u202e")


@pytest.fixture(scope="module", params=["windows-npz", "mixed-zarr"])
def forged(request, made, tmp_path_factory):
    """A folder, its manifest as a tree, and all the ways of writing one value of it anew that can be read."""
    name, form = request.param.split("-")
    folder = shutil.copytree(made(name, form), tmp_path_factory.mktemp("forged") / "x")
    if form == "npz":
        combine(folder)
        convert(folder, folder / manifest.CROISSANT)
    tree = json.loads((folder / manifest.NAME).read_bytes())
    del tree["sha256"]
    return folder, list(readable(folder, tree))


def readable(folder, tree):
    """Write each value anew; yield those trees that are no damage to the eye of a reader."""
    for place in places(tree):
        for value in others(at(tree, place)):
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
    assert len(trees) > 200
    for k, (place, value, tree) in enumerate(trees):
        put(folder, tree)
        written = card.text(manifest.read(folder))
        assert not any(raw in written for raw in RAW), (place, value)
        assert "<script>" not in written or place == ("equation",)  # which stands between ```
        if isinstance(value, str) and k % 5 == 0:
            for words in (("info", folder), ("status", folder)):
                harmless(said(*words), place, value)


@pytest.mark.parametrize("part", [pytest.param(7, marks=pytest.mark.slow), 97])
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


def test_text_that_is_shown():
    assert visible("q̇ = ∂H/∂p → 数\n\ta\u00a0b") == "q̇ = ∂H/∂p → 数\n\ta\u00a0b"
    assert visible("\x1b[31m\r\x9b\u202e\ud800\u2028") == "\\x1b[31m\\r\\x9b\\u202e\\ud800\\u2028"
    assert sentence("a\n b ") == "a b"
    assert len(sentence("x" * 10**6)) < LONGEST + 10
