"""Files that are complete or not there, and what is left of those that never became complete."""

import errno
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from slvm_data.core import files
from slvm_data.core.files import atomic

NUMBER = "0123456789abcdef" * 2
HOLD = """
import sys, time
from pathlib import Path
from slvm_data.core.files import atomic
with atomic(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("here", flush=True)
    sys.stdin.read(1)
"""


def write(path, content=b"whole"):
    with atomic(path) as file:
        file.write(content)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def holding(tmp_path):
    """A process in the middle of its file, until its standard input ends."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "a.bin")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"here\n"
        yield process
        process.kill()


def test_what_a_killed_process_left_is_removed_by_the_next(holding, tmp_path):
    """By whatever is written next in the folder, under any name."""
    assert len(names(tmp_path)) == 1
    holding.kill()
    holding.wait()
    assert len(names(tmp_path)) == 1
    write(tmp_path / "b.bin")
    assert names(tmp_path) == ["b.bin"]


def test_what_a_living_process_writes_stays(holding, tmp_path):
    for name in ("a.bin", "b.bin"):
        write(tmp_path / name)
    assert len(names(tmp_path)) == 3
    holding.communicate(b"x")
    assert holding.returncode == 0
    assert names(tmp_path) == ["a.bin", "b.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"half"


def test_so_does_what_this_process_writes(tmp_path):
    with atomic(tmp_path / "a") as one, atomic(tmp_path / "b") as other:
        one.write(b"1")
        other.write(b"2")
    assert [(tmp_path / name).read_bytes() for name in names(tmp_path)] == [b"1", b"2"]


OTHERS = (
    *("a.tmp", ".a.tmp", ".draft.0123.tmp", f".{NUMBER}.tmp", f"a.{NUMBER}.tmp", f".a.{NUMBER}.tmp.bak"),
    *(f".a.{NUMBER.upper()}.tmp", f".a.{NUMBER}0.tmp", ".x.gif.1234.tmp"),
)


def test_nothing_else_is_removed(tmp_path):
    """Names that are nearly ours, folders, links, pipes, and what lies in other folders."""
    for name in OTHERS:
        (tmp_path / name).write_text("mine")
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / f".folder.{NUMBER}.tmp").mkdir()
    (tmp_path / "sub").mkdir()
    (tmp_path / f"sub/.a.{NUMBER}.tmp").write_text("not beside it")
    if os.name == "posix":
        (tmp_path / f".link.{NUMBER}.tmp").symlink_to(target)
        os.mkfifo(tmp_path / f".pipe.{NUMBER}.tmp")
    before = sorted(tmp_path.rglob("*"))
    write(tmp_path / "b")
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "b"])
    (tmp_path / f".a.{NUMBER}.tmp").write_text("ours")
    write(tmp_path / "b")
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "b"])


def test_with_a_folder_for_unfinished_files_nothing_is_removed_there(tmp_path):
    """The journal of a dataset has its own rules for them."""
    left = tmp_path / f"scratch/.a.{NUMBER}.tmp"
    left.parent.mkdir()
    left.write_text("half")
    with atomic(tmp_path / "a", scratch=left.parent) as file:
        file.write(b"whole")
    assert left.exists()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.EBADF])
def test_without_locks_nothing_is_removed(tmp_path, monkeypatch, number):
    def without(*_):
        raise OSError(number, os.strerror(number))

    (tmp_path / f".a.{NUMBER}.tmp").write_text("perhaps of another machine")
    monkeypatch.setattr(files.fcntl, "flock", without)
    write(tmp_path / "b")
    assert names(tmp_path) == [f".a.{NUMBER}.tmp", "b"]


def test_nor_on_windows(tmp_path, monkeypatch):
    (tmp_path / f".a.{NUMBER}.tmp").write_text("perhaps of a living process")
    monkeypatch.setattr(files, "fcntl", None)
    write(tmp_path / "b")
    assert names(tmp_path) == [f".a.{NUMBER}.tmp", "b"]


def test_an_error_leaves_nothing(tmp_path):
    def broken():
        with atomic(tmp_path / "a") as file:
            file.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert not names(tmp_path)


def test_many_at_once_disturb_none(tmp_path):
    """A file is taken away by no one between the moments at which it is made and locked."""
    until = time.monotonic() + 1.5

    def again(number):
        done = 0
        while time.monotonic() < until:
            write(tmp_path / f"{number}.bin", str(done).encode())
            assert (tmp_path / f"{number}.bin").read_bytes() == str(done).encode()
            done += 1
        return done

    with ThreadPoolExecutor(8) as pool:
        assert min(pool.map(again, range(8))) > 0
    assert names(tmp_path) == sorted(f"{number}.bin" for number in range(8))


def test_a_file_that_is_taken_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    real, taken = files.try_lock, []

    def late(handle):
        if not taken:
            taken.append([path.unlink() for path in tmp_path.glob(".*.tmp")])
        return real(handle)

    monkeypatch.setattr(files, "try_lock", late)
    write(tmp_path / "a")
    assert taken
    assert names(tmp_path) == ["a"]
