"""F35: standard streams that cannot take text. The work is done, and the exit code tells of it."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import slvm_data
from slvm_data import RECIPES, generate
from slvm_data.core.progress import progress
from slvm_data.store.testing import tree

TINY = {"train": 2, "val": 2, "test": 2, "steps": 4}
OPTIONS = [word for name, size in TINY.items() for word in (f"--{name}", str(size))]
SCRIPT = [sys.executable, Path(slvm_data.__file__).parent / "datasets/hamiltonian/pendulum.py"]
COMMAND = [sys.executable, "-m", "slvm_data"]
GENERATE = [*COMMAND, "generate", "pendulum"]
ENCODINGS = {
    "437": {"PYTHONIOENCODING": "cp437"},
    "1252": {"PYTHONIOENCODING": "cp1252"},
    "ASCII": {"PYTHONIOENCODING": "ascii:strict"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}
NONE = ["<&- >&- 2>&-", ">&-", "2>&-"]
FULL = ["> /dev/full", "2> /dev/full", "> /dev/full 2> /dev/full"]
NAME = "Datensätze → 数"  # no code page has all of it

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is full")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a small dataset, whose own folder and text have letters beyond ASCII."""
    place = tmp_path_factory.mktemp("streams")
    generate(replace(RECIPES["pendulum"], about="q̇ = ∂H/∂p → 数", **TINY), place / NAME)
    return place


def done(words, cwd, streams="", **env):
    """Carry out a command line by a shell, which connects its streams."""
    line = ["sh", "-c", f'"$@" {streams}', "sh", *map(str, words)]
    done = subprocess.run(line, cwd=cwd, env=os.environ | env, capture_output=True, check=False, timeout=300)
    assert b"Traceback" not in done.stderr, done
    assert b"Exception" not in done.stderr, done
    return done


@pytest.mark.few(5)
@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        *[(encoding, ["info", "pendulum3"]) for encoding in ENCODINGS],
        *zip(ENCODINGS, [["info", NAME], ["verify", NAME], ["status", NAME], ["info", NAME]], strict=True),
    ],
)
def test_letters_that_a_stream_does_not_have(encoding, words, place):
    """They become question marks, or letters of the code page; of a path that has no letters, its bytes are shown."""
    found = done([*COMMAND, *words], place, **ENCODINGS[encoding])
    assert (found.returncode, found.stderr) == (0, b""), found
    printed = found.stdout.replace(b"priors matter?", b"")  # the title of a paper
    assert (b"?" in printed or b"\\udc" in printed) == (words[1] == NAME or encoding != "1252")


@pytest.mark.parametrize("encoding", ["ASCII", "C"])
def test_an_error_has_such_letters_too(encoding, place):
    found = done([*COMMAND, "generate", "数→"], place, **ENCODINGS[encoding])
    assert (found.returncode, found.stdout, found.stderr.count(b"\n")) == (2, b"", 1)
    assert found.stderr.startswith(b"error: there is no dataset and no folder '")


@pytest.mark.few(3)
@pytest.mark.parametrize(("streams", "command"), list(zip([*NONE, *FULL], [GENERATE, SCRIPT] * 3, strict=True)))
def test_a_dataset_is_made_without_words(streams, command, tmp_path):
    """The same as with words; what is lost is told where it can be."""
    found = done([*command, *OPTIONS, "m=0.5", "--out", "x"], tmp_path, streams)
    assert found.returncode == 0, found
    assert (tmp_path / "x/dataset.json").is_file()
    lost = b"warning: standard output: No space left on device; some text is lost, the work is done\n"
    assert found.stderr == (lost if streams == "> /dev/full" else b"")


def test_processes_have_the_streams_that_are_missing(tmp_path):
    """No file of theirs takes the place of a closed stream, where words would be written into it."""
    words = [*GENERATE, *OPTIONS, "--workers", "2", "--out", "x"]
    assert done(words, tmp_path, NONE[0]).returncode == 0
    assert tree(tmp_path / "x") == tree(generate(replace(RECIPES["pendulum"], **TINY), tmp_path / "y"))


CODES = [(2, ["generate", "pendulum", "m=-1"]), (0, ["verify", NAME]), (1, ["info", "."])]
SILENT = [NONE[0], NONE[2], FULL[2]]


@pytest.mark.parametrize(
    ("streams", "code", "words"),
    [
        pytest.param(streams, *CODES[i], marks=[pytest.mark.slow] * (i != j))
        for i in range(3)
        for j, streams in enumerate(SILENT)
    ],
)
def test_exit_codes_without_words(streams, code, words, place):
    """Every code and every way to have no streams; all pairs of them with `-m slow`."""
    assert done([*COMMAND, *words], place, streams).returncode == code


@pytest.mark.parametrize("words", [["info", NAME], ["list"], ["--version"]])
def test_a_command_that_only_shows_fails_if_nothing_is_shown(words, place):
    """Unless its output was closed on purpose."""
    found = done([*COMMAND, *words], place, "> /dev/full")
    assert (found.returncode, found.stderr) == (2, b"error: standard output: No space left on device\n")
    assert done([*COMMAND, *words], place, ">&-").returncode == 0


def test_a_reader_that_goes_away(place):
    """Nothing is said of it: it has seen enough."""
    found = done(["sh", "-c", f"{sys.executable} -m slvm_data info pendulum; echo $? >&2"], place, "| true")
    assert found.stderr in (b"0\n", b"1\n")


def test_progress_without_standard_error(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with progress(2, "pendulum") as bar:
        bar.update(1)
