"""F22: locale, time zone, hash seed and number of processors change no byte."""

import hashlib
import os
import subprocess
import sys

import pytest

COMMAND = ["-m", "slvm_data", "generate", "two_body3", "--train", "5", "--val", "2", "--test", "2", "--steps", "3"]

COMPILED_ANEW = {"JAX_ENABLE_COMPILATION_CACHE": "false"}


def digest(folder, count=12):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) == count
    return hashlib.sha256(b"".join(str(p.relative_to(folder)).encode() + p.read_bytes() for p in files)).hexdigest()


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    place = tmp_path_factory.mktemp("usual")
    environment = os.environ | COMPILED_ANEW
    subprocess.run([sys.executable, *COMMAND], cwd=place, env=environment, check=True, capture_output=True)
    return digest(place / "two_body3")


@pytest.mark.parametrize(
    "change",
    [
        {"LC_ALL": "C", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "1"},
        {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "America/St_Johns", "PYTHONHASHSEED": "77"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONIOENCODING": "utf-8", "COLUMNS": "20", "NO_COLOR": "1"},
        {
            "JAX_ENABLE_X64": "1",
            "JAX_DEFAULT_PRNG_IMPL": "rbg",
            "JAX_THREEFRY_PARTITIONABLE": "0",
            "JAX_NUMPY_RANK_PROMOTION": "raise",
        },
        {"one processor": "taskset"},
    ],
    ids=["kathmandu", "turkish", "posix", "jax", "one-processor"],
)
def test_environment_changes_no_byte(change, usual, tmp_path):
    run = [sys.executable, *COMMAND]
    if "one processor" in change:
        change, run = {}, [sys.executable, "-c", ONE_PROCESSOR, *COMMAND[2:]]
    environment = os.environ | change | COMPILED_ANEW
    subprocess.run(run, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert digest(tmp_path / "two_body3") == usual


ONE_PROCESSOR = """
import os
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from slvm_data.cli import main
main()
"""


def test_nor_one_of_shards(tmp_path):
    """In one process, and in two of another country."""
    for name, more, change in (
        ("usual", [], {}),
        ("other", ["--workers", "2"], {"LC_ALL": "tr_TR.UTF-8", "TZ": "America/St_Johns", "PYTHONHASHSEED": "77"}),
    ):
        run = [sys.executable, *COMMAND, "--format", "zarr", "--out", name, *more]
        subprocess.run(run, cwd=tmp_path, env=os.environ | change | COMPILED_ANEW, check=True, capture_output=True)
    assert digest(tmp_path / "usual", 156) == digest(tmp_path / "other", 156)
