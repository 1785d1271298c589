"""A new dataset on its way into its folder: one writer at a time, and the old dataset or the new one after any end."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from slvm_data.core.errors import DamageError
from slvm_data.core.names import HIDDEN
from slvm_data.recipe.serialisation import from_stored
from slvm_data.run.beginning import begin
from slvm_data.run.plan import Plan
from slvm_data.run.unit import make_units
from slvm_data.store import formats, journal, manifest
from slvm_data.store.journal import alone, check_unused, discard, running, staged, status

OLD = {"dataset.json": "old", "train.npz": "old", "val.npz": "old", "dataset_1/train.npz": "old"}
NEW = {"dataset.json": "new", "train.npz": "new", "README.md": "new", "dataset_2/train.npz": "new"}
MINE = {"notes.txt": "mine", "dataset_1/notes.txt": "mine"}


def tree(folder):
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}


def put(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def listed():
    return [Path(name) for name in OLD]


@pytest.fixture
def folder(tmp_path):
    """A folder with an old dataset, and with files of the user."""
    put(tmp_path / "x", OLD | MINE)
    return tmp_path / "x"


KILLED = """
import os, sys
from pathlib import Path
from slvm_data.store.journal import staged
with staged(Path(sys.argv[1]), list) as place:
    (place / "half").touch()
    os._exit(9)
"""


def test_the_lock_is_released_by_whoever_is_killed(tmp_path):
    """F10: another process waits for it, says so, and clears what the killed one left."""
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False).returncode == 9
    assert (tmp_path / HIDDEN / "next/half").exists()
    with staged(tmp_path, list) as place:
        assert not list(place.iterdir())
        waiting = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stderr=subprocess.PIPE, text=True)
        assert waiting.stderr
        assert waiting.stderr.readline() == f"{tmp_path}: another process writes there; waiting\n"
    assert waiting.wait(timeout=20) == 9
    waiting.stderr.close()


@pytest.mark.parametrize("block", [alone, lambda folder: staged(folder, list)])
def test_one_writer_at_a_time(tmp_path, block):
    """F10: the lock goes with its folder when one is done, whatever others are about to do with it then."""
    inside, most = [], []

    def work(number):
        for _ in range(50):
            with block(tmp_path):
                inside.append(number)
                (tmp_path / HIDDEN / "file").touch(exist_ok=False)
                most.append(len(inside))
                (tmp_path / HIDDEN / "file").unlink()
                inside.remove(number)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert (len(most), max(most)) == (300, 1)
    assert not list(tmp_path.iterdir())


def test_new_files_replace_those_that_are_listed_and_no_others(folder):
    with staged(folder, listed) as place:
        put(place, NEW)
        assert tree(folder).items() >= (OLD | MINE).items()
    assert tree(folder) == NEW | MINE


def test_a_folder_that_is_not_there_is_made(tmp_path):
    with staged(tmp_path / "a/b/c", list) as place:
        put(place, NEW)
    assert tree(tmp_path / "a/b/c") == NEW


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("there", [True, False])
def test_what_fails_keeps_the_old(folder, tmp_path, error, there):
    def end():
        with staged(folder if there else tmp_path / "a/b", list) as place:
            put(place, NEW)
            raise error

    with pytest.raises(error):
        end()
    assert tree(tmp_path) == {f"x/{name}": text for name, text in (OLD | MINE).items()}
    assert not (folder / HIDDEN).exists()
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("when", [1, 2])
def test_a_file_in_the_way_keeps_the_old(folder, when):
    """Whether it is there at the beginning, or comes while the new files are made."""
    calls = []

    def old():
        calls.append(1)
        if len(calls) == when:
            raise ValueError("in the way")
        return listed()

    with pytest.raises(ValueError, match="in the way"), staged(folder, old) as place:
        put(place, NEW)
    assert tree(folder) == OLD | MINE
    assert not (folder / HIDDEN).exists()


def test_a_file_of_the_user_among_what_is_not_complete_stays(folder):
    put(folder / HIDDEN, {"notes.txt": "mine"})
    with staged(folder, listed) as place:
        put(place, NEW)
    assert tree(folder) == NEW | MINE | {f"{HIDDEN}/notes.txt": "mine"}


EVERY_STEP = """
import itertools, os, shutil, sys
from pathlib import Path
from slvm_data.core.names import HIDDEN
from slvm_data.store import journal
from test_journal import MINE, NEW, OLD, listed, put, tree

STEPS = ("replace", "rename", "link", "unlink", "mkdir", "rmdir", "fsync")


def stop(kind):
    if kind == "kill":
        os._exit(9)
    raise {"interrupt": KeyboardInterrupt, "error": OSError}[kind]


def broken(name, step, count, last, kind, after):
    def function(*args, **options):
        count.append(name)
        if len(count) != last:
            return step(*args, **options)
        try:
            if after:
                step(*args, **options)
        finally:
            stop(kind)
    setattr(os, name, function)


def end(folder, old):
    with journal.staged(folder, lambda: [name for name in old if (folder / name).is_file()]) as place:
        put(place, NEW)


def attempt(folder, old, last, kind, after):
    child = os.fork()
    if child == 0:
        count = []
        for name in STEPS:
            broken(name, getattr(os, name), count, last, kind, after)
        try:
            end(folder, old)
        except BaseException:
            os._exit(8)
        os._exit(0 if len(count) < last else 7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


os.fsync = lambda handle: None  # which takes most of the time
place, ends = Path(sys.argv[1]), set()
cases = [(True, "kill", False), (True, "kill", True), (True, "interrupt", True), (True, "error", False)]
for there, kind, after in [*cases, (False, "kill", False)]:
    before = OLD | MINE if there else MINE
    for last in itertools.count(1):
        folder = place / f"{there}-{kind}-{after}-{last}"
        put(folder, before)
        code = attempt(folder, listed() if there else [], last, kind, after)
        if code == 0:
            break
        where = f"{kind} {'after' if after else 'before'} step {last}"
        left = {name: text for name, text in tree(folder).items() if not name.startswith(HIDDEN)}
        assert left.items() >= MINE.items(), f"{where}: {left}"
        if "dataset.json" in left:
            assert left in (before, NEW | MINE), f"{where}: the dataset is neither the old one nor the new: {left}"
        with journal.alone(folder):
            pass
        left = {name: text for name, text in tree(folder).items() if not name.startswith(HIDDEN)}
        assert left in (before, NEW | MINE), f"{where}: {left}"
        ends.add((kind, left == before))
        end(folder, listed() if there else [])
        assert tree(folder) == NEW | MINE, f"{where}: {tree(folder)}"
        assert not (folder / HIDDEN).exists(), where
        shutil.rmtree(folder)
    assert last > 20, last
    print(there, kind, after, last)
assert len(ends) == 6, ends
"""


def test_whatever_the_step_that_is_not_taken(tmp_path):
    """F4: killed, interrupted or failed before or after any file operation, there is the old dataset or the new one."""
    command = [sys.executable, "-c", EVERY_STEP, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    "content",
    [
        '["../precious"]',
        '["x/../../precious"]',
        '["/etc/precious"]',
        f'["{HIDDEN}/plan.json"]',
        '[""]',
        "[1]",
        "[[]]",
        '{"train.npz": 1}',
        "7",
        '"train.npz"',
        "",
        "[" * 100_000,
    ],
)
def test_a_forged_decision_is_refused(folder, tmp_path, content):
    """F17: nothing outside the folder is removed."""
    put(tmp_path, {"precious": "mine"})
    put(folder / HIDDEN, {"old.json": content, **{f"next/{name}": text for name, text in NEW.items()}})
    says = r"old\.json is damaged: remove .*\.slvm-data, and make the dataset again"
    with pytest.raises(DamageError, match=says), alone(folder):
        pass
    assert (tmp_path / "precious").read_text() == "mine"
    assert {name: text for name, text in tree(folder).items() if not name.startswith(HIDDEN)}.items() >= MINE.items()


@pytest.fixture(scope="module")
def plan(made):
    return Plan(from_stored(manifest.read(made("pendulums", "npz")).recipe), formats.named("npz"))


@pytest.fixture
def begun(plan, tmp_path):
    """A folder in which a dataset of nine files was begun, and two of them are finished."""
    assert begin(plan, tmp_path / "a/b", False)
    list(make_units(plan, tmp_path / "a/b", plan.units[:2]))
    return tmp_path / "a/b"


def test_status(plan, begun, made):
    assert status(begun) == journal.Status("pendulum3", False, 2, 9)
    list(make_units(plan, begun, plan.units[3:5]))
    assert status(begun) == journal.Status("pendulum3", False, 4, 9)
    assert status(made("pendulums", "npz")) == journal.Status("pendulum3", True, 9, 9)
    assert status(made("pendulums", "zarr")) == journal.Status("pendulum3", True, 9, 9)
    with pytest.raises(DamageError, match="holds no dataset"):
        status(begun.parent)


def test_status_of_an_overwrite_is_that_of_the_new(plan, made, tmp_path):
    put(tmp_path, {"notes.txt": "mine"})
    with staged(tmp_path, list) as place:
        (place / manifest.NAME).write_bytes((made("windows", "npz") / manifest.NAME).read_bytes())
    assert status(tmp_path).complete
    assert begin(plan, tmp_path, True)
    assert status(tmp_path) == journal.Status("pendulum3", False, 0, 9)
    discard(tmp_path)
    assert status(tmp_path).name == manifest.read(made("windows", "npz")).name


def test_a_dataset_that_was_begun_is_none(begun):
    with pytest.raises(DamageError, match="is not complete: run the command that began it again"):
        manifest.read(begun)


def test_discard_leaves_nothing(begun, monkeypatch):
    """The plan goes last: as long as it is there, there may be more to remove."""
    left, unlink = [], Path.unlink

    def watched(self, missing_ok=False):
        unlink(self, missing_ok)
        left.append(sorted(tree(begun)))

    monkeypatch.setattr(Path, "unlink", watched)
    put(begun / HIDDEN, {"scratch/.a.tmp": "half", ".old.json.1.tmp": "half"})
    discard(begun)
    assert left[-1] == []
    assert left[-2] == [f"{HIDDEN}/plan.json"]
    assert [path.name for path in (begun / HIDDEN).iterdir()] == []
    with alone(begun):
        pass
    assert not begun.exists() or not list(begun.iterdir())


def test_who_fails_before_any_unit_is_finished_leaves_nothing(plan, tmp_path):
    folder = tmp_path / "a/b"
    begin(plan, folder, False)
    with pytest.raises(ValueError, match="no"), running(folder, [folder, folder.parent]):
        raise ValueError("no")
    assert not list(tmp_path.iterdir())


def test_who_fails_later_keeps_what_is_finished(begun):
    before = tree_of_bytes(begun)
    with pytest.raises(KeyboardInterrupt), running(begun, [begun]):
        raise KeyboardInterrupt
    assert tree_of_bytes(begun) == before


def tree_of_bytes(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_who_fails_beside_others_leaves_them_their_places(plan, tmp_path):
    folder = tmp_path / "x"
    begin(plan, folder, False)
    before = tree_of_bytes(folder)
    with running(folder, [folder]):
        with pytest.raises(ValueError, match="no"), running(folder, []):
            raise ValueError("no")
        assert tree_of_bytes(folder) == before
        list(make_units(plan, folder, plan.units[:1]))
    assert status(folder).done == 1


def test_another_dataset_waits_until_nobody_makes_units(begun):
    """F11: whose places are not taken from under their feet."""
    before = tree_of_bytes(begun)
    with running(begun, []):
        with pytest.raises(ValueError, match="another process is making a dataset there: wait for it, or end it"):
            check_unused(begun)
        with pytest.raises(ValueError, match="another process is making a dataset"), staged(begun, list):
            pass
        assert tree_of_bytes(begun) == before
    check_unused(begun)


def test_the_note_on_a_unit_is_whole_or_does_not_count(plan, begun):
    from slvm_data.run.unit import noted

    unit = plan.units[0]
    (note,) = [path for path in journal.units_of(begun).iterdir() if "-0.json" in path.name and "train" in path.name]
    good = note.read_bytes()
    assert noted(plan, begun, unit)
    assert json.loads(good.partition(b" ")[2])["stored"]["bytes"] > 0
    for bad in (b"", good[:-1], good[:30], good.replace(b"bytes", b"bites"), b"{}"):
        note.write_bytes(bad)
        assert noted(plan, begun, unit) is None
    note.write_bytes(good)
    assert noted(plan, begun, unit)
    (journal.next_of(begun) / unit.file.path).unlink()
    assert noted(plan, begun, unit) is None
