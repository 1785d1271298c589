"""The command line: what it does, and what it says of requests that cannot be met."""

import dataclasses
import fcntl
import json
import os
import pty
import re
import runpy
import shlex
import shutil
import signal as signals
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from torch.utils.data import TensorDataset

import slvm_data
from slvm_data import RECIPES, cli, load, uniform, view
from slvm_data.cli import find
from slvm_data.core.progress import progress
from slvm_data.recipe.options import OPTIONS
from slvm_data.recipe.overrides import override
from slvm_data.recipe.serialisation import equation
from slvm_data.run.generation import generate
from slvm_data.run.verification import faults
from slvm_data.store import formats, manifest, npz
from slvm_data.store.journal import plan_of
from slvm_data.store.manifest import FileEntry
from slvm_data.view.dataset import opened

RECIPE_FILES = Path(__file__).parents[1] / "src/slvm_data/datasets/hamiltonian"
NUMBERS = {
    *(name for name, option in OPTIONS.items() if option.kind in (int, float)),
    *("trajectories", "workers", "sample", "rows", "columns", "scale", "fps", "sequences", "port"),
}
MISTAKES = re.findall(r"^\$ (.*)\n([12]) (.*)$", (Path(__file__).parent / "mistakes.txt").read_text(), re.M)
TINY = ("--train", "4", "--val", "2", "--test", "2", "--steps", "4")


def in_a_process(*words, cwd):
    command = [sys.executable, "-m", "slvm_data", *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


@dataclasses.dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def called(tmp_path, monkeypatch, ended, capfd):
    """Carries out a command line in this process, which takes a tenth of the time, from an empty folder."""

    def call(main: Callable[[], object], *words: object) -> Done:
        capfd.readouterr()
        code = ended(main, *words)
        return Done(code, *capfd.readouterr())

    monkeypatch.chdir(tmp_path)
    return call


@pytest.fixture
def run(called):
    """`slvm-data` with these words."""
    return lambda *words: called(cli.main, *words)


@pytest.fixture
def refused(run, tmp_path):
    """The one line that is said of a request that ends with exit code 2 and writes nothing."""

    def said(*words):
        before = sorted(os.listdir(tmp_path))  # noqa: PTH208
        done = run(*words)
        assert (done.returncode, done.stdout) == (2, ""), done
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
        assert sorted(os.listdir(tmp_path)) == before  # noqa: PTH208
        return done.stderr

    return said


def test_without_a_command_it_shows_the_help(run):
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == run("-h").stdout == run("--help").stdout
    commands = re.search(r"Commands:\n((?:  .*\n)+)", done.stdout)
    assert [line.split()[0] for line in commands[1].splitlines()] == [
        *("list", "info", "new", "generate", "view", "gif", "evaluate"),
        *("combine", "convert", "push", "layouts", "status", "verify", "repair", "cache"),
    ]
    assert "..." not in commands[1]  # no sentence is cut
    assert run("gif", "-h").stdout == run("gif", "--help").stdout


def test_every_command_has_an_example_that_it_reads():
    group = typer.main.get_command(cli.app)
    for name, one in group.commands.items():
        help_ = one.get_help(context := typer.Context(one, info_name=name))
        example = re.search(rf"^ +Example: slvm-data {name}( .*)?$", help_, re.M)
        assert example, name
        one.make_context(name, shlex.split(example[1] or ""), parent=context)  # raises an error for what it cannot read


def test_a_shell_completes_commands_options_and_names(run, monkeypatch):
    def completed(words):
        variables = {"_SLVM_DATA_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return run().stdout.split()

    assert completed("slvm-data ver") == ["verify"]
    assert {"--system", "--json"} < set(completed("slvm-data list --"))
    for command in ("generate", "info", "view", "gif"):
        assert completed(f"slvm-data {command} pendulum_h") == ["pendulum_hnn", "pendulum_hgn"]
    assert completed("slvm-data generate folder/") == []  # the shell's own, a file
    assert completed("slvm-data list --family sw") == ["switching"]
    assert completed("slvm-data list --system LennardJ") == ["LennardJones"]
    assert completed("slvm-data generate pendulum --layout kv") == ["kvae"]
    assert completed("slvm-data generate pendulum --format z") == ["zarr"]


def test_list_and_info_for_programs(run, tmp_path):
    found = json.loads(run("list", "--json").stdout)
    assert [one["name"] for one in found] == list(RECIPES)
    ours = next(one for one in found if one["name"] == "pendulum_ood")
    recipe = RECIPES["pendulum_ood"]
    assert ours["sequences"] == {split: recipe.count(split) for split in ("train", "val", "test", *recipe.splits)}
    assert (ours["systems"], ours["states"], ours["observation"]) == (["Pendulum"], [["q", "p"]], [30, 32, 32])
    told = json.loads(run("info", "pendulum", "--json").stdout)
    assert (told["equation"], "botev2021which" in told["bibtex"]) == (equation(RECIPES["pendulum"]), True)
    generate(override(RECIPES["pendulum"], ["g=4"], {"train": 2, "val": 0, "test": 0, "steps": 2}), tmp_path / "few")
    of_folder = json.loads(run("info", "few", "--json").stdout)
    assert of_folder.items() <= json.loads((tmp_path / "few/dataset.json").read_text()).items()
    assert of_folder["recipe"].keys() == told["recipe"].keys()


def test_list_names_every_dataset(run):
    lines = run("list").stdout.splitlines()
    head = ["name", "family", "system", "tasks", "train/val/test", "per", "task", "observation", "state"]
    assert lines[0].split() == head
    assert [line.split()[0] for line in lines[1:]] == [*RECIPES, "dysts:NAME"]
    assert any(
        re.fullmatch(r"double_pendulum3 +hamiltonian +DoublePendulum +3 +3000/1000/1000 +30x32x32 +q1 q2 p1 p2", x)
        for x in lines
    )


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (
            ["--family", "Switching"],
            [
                *("nascar", "lorenz", "switching_double_pendulum", "three_mode", "bouncing_ball_1d"),
                *("switching_pendulum", "switching_mass_spring"),
                *("switching_cosine", "switching_cosine5", "switching_cosine8"),
            ],
        ),
        (["--system", "threebody"], ["three_body", "three_body_hgn"]),
        (["--family", "balls", "--paper", "1710.05741"], ["kvae_box", "kvae_box_gravity", "kvae_polygon", "kvae_pong"]),
        (["--system", "Glycolytic", "--family", "generalisation"], ["glycolytic_coda"]),
    ],
)
def test_list_of_a_few(run, words, names):
    done = run("list", *words)
    assert (done.returncode, [line.split()[0] for line in done.stdout.splitlines()[1:]]) == (0, names)


def test_no_line_of_the_list_is_long(run):
    assert max(map(len, run("list").stdout.splitlines())) <= 190


def test_generate_info_verify(run, tmp_path):
    """The first of them in a process of its own."""
    every = RECIPES["pendulum3"].recordable()  # as other tests make it
    words = [*TINY[:6], "--seed", "7", "--record", ",".join(every)]
    done = in_a_process("generate", "pendulum3", *words, cwd=tmp_path)
    assert done.returncode == 0, done
    assert done.stderr == ""
    first, second = done.stdout.splitlines()
    assert re.fullmatch(r"pendulum3: 24 sequences, 0\.\d MB, in [\d.]+ s", first)
    assert re.fullmatch(r"max\. integration error \d\.\de-\d\d; more: slvm-data info pendulum3", second)
    content = manifest.read(tmp_path / "pendulum3")
    assert (content.recipe.seed, content.recipe.record) == (7, every)
    with np.load(tmp_path / "pendulum3/dataset_2/val.npz", allow_pickle=False) as data:
        assert data["energy"].shape == (2, 30)
        assert data["offset"].shape == (2, 2)
        assert data["label"].tolist() == [[2], [2]]
    info = run("info", "pendulum3").stdout
    assert "# pendulum3" in info
    assert "## Validation report" in info
    done = run("verify", "pendulum3")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("pendulum3: 9 files, checksums OK; ")


def test_info_of_a_name(run):
    shown = run("info", "mass_spring3").stdout
    for text in ("H = k q² / 2 + p² / (2 m)", "task 2: system MassSpring", "k 3", "m 0.4 … 1", "train 3000, val 1000"):
        assert text in shown


def test_the_manifest_is_a_recipe(run, tmp_path):
    run("generate", "pendulum", *TINY, "g=2,3", "m=0.5..1")
    done = run("generate", "pendulum/dataset.json", "--out", "again")
    assert done.returncode == 0, done
    first = [path for path in (tmp_path / "pendulum").rglob("*.*") if path.is_file()]
    assert len(first) == 2 * 3 + 3
    for path in first:
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(tmp_path / "pendulum")).read_bytes()


def script_of(name):
    """The file of a dataset, and the words that make a small one of it, with all frames, as other tests make it."""
    return next(RECIPE_FILES.parent.glob(f"*/{name}.py")), TINY[:6]


def holds_a_small(name, folder):
    recipe, counts = RECIPES[name], {"train": 4, "val": 2, "test": 2}
    for task, place in enumerate(recipe.folders()):
        for split in (split for split in (*counts, *recipe.splits) if task in recipe.tasks_of(split)):
            count = counts.get(split) or recipe.count(split)
            with np.load(folder / place / f"{split}.npz", allow_pickle=False) as data:
                seen, truth = ("queries", "latents") if recipe.windows else ("image", "state")
                seen = seen if recipe.has_frames() or recipe.windows else "signal"
                assert len(data[seen]) == len(data[truth]) == len(data["label"]) == count
                are_items(data, count)


def are_items(data, count):
    """Lines of readers that take an item of every array of a file."""
    every = TensorDataset(*(torch.from_numpy(data[name]) for name in data.files))
    assert len(every) == count
    for name, of_torch in zip(data.files, every[count - 1], strict=True):
        item = {k: data[k][count - 1] for k in data.files}[name]
        np.testing.assert_array_equal(of_torch.numpy(), item)


ALONE = ("pendulum", "nascar")  # of each family one
UNLIKE = ("gravity3", "two_body", "mixed_physics_iclr2025", "lorenz", "lotka_volterra_coda")
"""Impacts, colours, many systems, windows, named splits."""


@pytest.mark.parametrize("name", RECIPES)
def test_each_script_is_that_of_its_dataset(name, called):
    """Other tests make every recipe, in `recipe/test_original.py` and `simulation/test_switching_sets.py`."""
    script, _ = script_of(name)
    done = called(lambda: runpy.run_path(str(script), run_name="__main__"), "--help")
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.startswith(f"Usage: {script.name} [OPTIONS] [KEY=VALUE]...")
    assert "".join(RECIPES[name].about.split()) in "".join(done.stdout.split())


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name not in UNLIKE)) for name in RECIPES if name not in ALONE],
)
def test_each_dataset_is_a_script(name, called, tmp_path):
    script, words = script_of(name)
    done = called(lambda: runpy.run_path(str(script), run_name="__main__"), *words)
    assert (done.returncode, done.stderr) == (0, ""), done
    holds_a_small(name, tmp_path / name)


@pytest.mark.parametrize("name", ALONE)
def test_a_script_runs_by_itself(name, tmp_path):
    """In a process that begins with it."""
    script, words = script_of(name)
    done = subprocess.run([sys.executable, script, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done
    holds_a_small(name, tmp_path / name)


def test_a_script_takes_parameters_and_explains_itself(tmp_path):
    script = [sys.executable, RECIPE_FILES / "pendulum.py"]
    help_ = subprocess.run([*script, "--help"], capture_output=True, text=True, check=True).stdout
    assert help_.startswith("Usage: pendulum.py [OPTIONS] [KEY=VALUE]...")
    assert RECIPES["pendulum"].about.split(";")[0] in help_
    subprocess.run([*script, *TINY, "g=2,3,4,5", "--out", "x"], cwd=tmp_path, check=True, capture_output=True)
    assert [task.values["g"] for task in manifest.read(tmp_path / "x").recipe.tasks] == [2, 3, 4, 5]


def test_a_system_of_ones_own_needs_no_registration(run, tmp_path, own_system):
    (tmp_path / "my_dataset.py").write_text(own_system)
    done = run("generate", "my_dataset.py", "k=8,12", *TINY)
    assert done.returncode == 0, done
    assert manifest.read(tmp_path / "elastic").certificate[1].energy_drift < 1e-10
    assert "A weight on a rubber band" in run("info", "elastic").stdout
    run("generate", "my_dataset.py", "k=20", *TINY, "--out", "y")
    assert run("verify", "y", "--recipe", "my_dataset.py").returncode == 0


def test_a_file_is_a_script_too(run, tmp_path, own_system):
    """When it is run itself it writes the same as the command does of it."""
    lines = "\n\nif __name__ == '__main__':\n    from slvm_data.script import main\n\n    main(RECIPE)\n"
    (tmp_path / "my_dataset.py").write_text(own_system + lines)
    script = [sys.executable, "my_dataset.py", *TINY]
    subprocess.run(script, cwd=tmp_path, check=True, capture_output=True)
    first = (tmp_path / "elastic/dataset.json").read_bytes()
    run("generate", "my_dataset.py", *TINY, "--overwrite")
    assert (tmp_path / "elastic/dataset.json").read_bytes() == first


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with everything that the mistakes need."""
    place = tmp_path_factory.mktemp("place")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        cli.app(["generate", "pendulum", *TINY, "--out", "made"], standalone_mode=False)
        cli.app(["generate", "nascar", *TINY[:6], "--out", "signals"], standalone_mode=False)
        cli.app(["convert", "made", "made.zarr"], standalone_mode=False)
        cli.app(["convert", "made", "made.h5"], standalone_mode=False)
    shutil.copytree(place / "made", place / "hurt")
    (place / "hurt/train.npz").write_bytes(b"x")
    (place / "notes").mkdir()
    for name in ("notes/mine.txt", "file", "empty.py", "recipe.json"):
        (place / name).touch()
    (place / "broken.py").write_text("RECIPE = (")
    return place


@pytest.fixture
def said(place, monkeypatch, ended, capfd):
    """Exit code of a command line in that folder, and what it says; it writes nothing."""
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def run(line):
        before = sorted(os.listdir())  # noqa: PTH208
        capfd.readouterr()
        code = ended(cli.main, *shlex.split(line))
        out, err = capfd.readouterr()
        assert (out, sorted(os.listdir())) == ("", before)  # noqa: PTH208
        return code, err

    return run


@pytest.mark.parametrize(("line", "code", "sentence"), MISTAKES, ids=[line for line, *_ in MISTAKES])
def test_bad_requests(line, code, sentence, said):
    """F13, F14, F17, F24: what is said, to the letter, so that each sentence is read by whoever changes it."""
    assert said(line) == (int(code), f"error: {sentence}\n")


def test_the_table_has_every_kind_of_mistake():
    assert len(MISTAKES) >= 95
    assert {line.split()[0] for line, *_ in MISTAKES} >= set(typer.main.get_command(cli.app).commands) - {"list"}


@pytest.mark.parametrize(
    ("extra", "line"),
    [
        ("zarr", "generate pendulum --out x.zarr"),
        ("hdf5", "convert made x.h5"),
        ("parquet", "convert made x.parquet"),
        ("dask", "generate pendulum --dask local"),
        ("mp4", "gif pendulum --mp4"),
    ],
)
def test_a_missing_extra_is_named(extra, line, said, only):
    with only(()):
        code, err = said(line)
    assert (code, err.count("\n")) == (2, 1)
    assert f"needs a package that is not installed: pip install 'slvm-data[{extra}]'" in err


def test_a_missing_extra_is_named_in_python(only):
    with only(()), pytest.raises(ModuleNotFoundError, match=r"need PyTorch: pip install 'slvm-data\[torch\]'"):
        load.Sequences  # noqa: B018
    with only(()), pytest.raises(ModuleNotFoundError, match=r"need matplotlib: pip install 'slvm-data\[plot\]'"):
        view.plot  # noqa: B018


@pytest.mark.parametrize("word", ["1_0", "١", "1.0", "0x1", " 1", ""])
def test_every_option_is_read_to_the_letter(word, refused):
    """Those of every command that are numbers."""
    commands = typer.main.get_command(cli.app).commands.items()
    found = [(name, option) for name, command in commands for option in command.params if option.name in NUMBERS]
    assert {option.name for _, option in found} == NUMBERS
    for name, option in found:
        if option.name not in ("dt", "fps", "extent") or word != "1.0":
            said = refused(name, *["x"] * (2 if name == "convert" else 1), option.opts[0], word)
            assert f"{option.opts[0]} {word!r} is not a" in said


def test_a_bad_request_ends_a_process(tmp_path):
    done = in_a_process("generate", "pendulum", "--style", "debug", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: style = 'debug' cannot show Pendulum: ")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way(refused, tmp_path):
    (tmp_path / "x").write_text("mine")
    assert "x is a file; choose another folder" in refused("generate", "pendulum", "--out", "x")
    assert "x/y" in refused("generate", "pendulum", "--out", "x/y")


@pytest.mark.parametrize(
    "name", ["../x", "/abs", "a\0b", "CON", "nul.txt", "x" * 300, "", ".hidden", "a b", "é", "a/b"]
)
def test_names_that_are_no_folders(name):
    """F17."""
    with pytest.raises(ValueError, match="cannot be a folder"):
        dataclasses.replace(RECIPES["pendulum"], name=name)


def test_a_damaged_dataset_fails_verification(run, tmp_path):
    """F7, F8: every flip and every cut, in any file, and the error names it."""
    run("generate", "pendulum", *TINY)
    folder, rng = tmp_path / "pendulum", np.random.default_rng(3)
    recipe, content = find(str(folder / "dataset.json")), manifest.read(folder)

    def found():
        return list(faults(folder, recipe, content, 0, True))

    for name in ("train.npz", "val.npz", "test.npz"):
        path = folder / name
        good = path.read_bytes()
        for _ in range(30):
            at, bit = int(rng.integers(len(good))), int(rng.integers(8))
            path.write_bytes(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :])
            assert [name in fault for fault in found()] == [True]
        path.write_bytes(good[: len(good) // 2])
        assert [name in fault for fault in found()] == [True]
        path.unlink()
        assert [f"{name} is missing" in fault for fault in found()] == [True]
        done = run("verify", "pendulum")
        assert (done.returncode, name in done.stderr) == (1, True)
        path.write_bytes(good)
    assert found() == []
    (folder / "dataset.json").unlink()
    done = run("verify", "pendulum")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_verification_makes_sequences_again(run, tmp_path):
    """A file whose checksum was forged with it is still not what its recipe gives."""
    run("generate", "pendulum", *TINY)
    folder = tmp_path / "pendulum"
    recipe, content = find(str(folder / "dataset.json")), manifest.read(folder)
    for name, change in (("state", 1e-6), ("image", 1), ("label", 1), ("param_m", 1e-6), ("time", 1e-9)):
        arrays = npz.read(folder / "train.npz")
        arrays[name] = arrays[name].copy()
        arrays[name][1] += np.asarray(change, arrays[name].dtype)
        other = tmp_path / name
        other.mkdir()
        entry = FileEntry.of(npz.write(other / "train.npz", [arrays], 4), task=0, split="train")
        forged = dataclasses.replace(content, files={"train.npz": entry})
        only_train = find(str(folder / "dataset.json"))
        said = [fault for fault in faults(other, only_train, forged, 4, True) if "train.npz" in fault]
        assert [f"differs in {name} from what its recipe gives" in fault for fault in said] == [True]
    assert list(faults(folder, recipe, content, 4, True)) == []


def test_overrides_apply_to_every_task_and_merge_what_became_equal():
    changed = override(RECIPES["pendulum3"], ["g=2,5", "m=0.7"])
    assert [(task.low("g"), task.low("m"), task.high("m")) for task in changed.tasks] == [(2, 0.7, 0.7), (5, 0.7, 0.7)]
    changed = override(RECIPES["mass_spring"], ["radii=0.2..0.3", "uniform_annulus=true"])
    assert (changed.tasks[0].extent(), changed.tasks[0].uniform_annulus) == (pytest.approx(0.3 + np.pi**-0.5), True)


def test_overrides_of_vectors_words_and_datasets_of_many_times():
    changed = override(RECIPES["gravity"], ["g=[0,2.5],[-1..1,0]", "motion=contact", "margin=1"])
    assert [task.g for task in changed.tasks] == [(0.0, 2.5), (uniform(-1, 1), 0.0)]
    assert {(task.motion, task.margin) for task in changed.tasks} == {("contact", 1.0)}
    mixed = RECIPES["mixed_physics_iclr2023"]
    assert override(mixed, [], {"dt": None, "train": 7}).dt == mixed.dt
    assert override(mixed, [], {"dt": 0.2}).dt == 0.2
    large = override(mixed, [], {"size": 64})
    assert [large.view_of(i).size for i in range(12)] == [64] * 12
    assert [large.view_of(i).jitter for i in range(12)] == [0] * 4 + [0.4] * 8
    assert large.dt == mixed.dt


def test_folders_for_readers_that_expect_other_names(run, tmp_path):
    done = run("generate", "gravity3", *TINY[:6], "--folder-name", "{name}_{i}", "--original", "--license", "CC0-1.0")
    assert done.returncode == 0, done
    assert sorted(p.name for p in (tmp_path / "gravity3").iterdir() if p.is_dir()) == ["grav_0", "grav_1", "grav_2"]
    assert run("verify", "gravity3").returncode == 0
    assert json.loads((tmp_path / "gravity3/dataset.json").read_text())["recipe"]["license"] == "CC0-1.0"
    assert (tmp_path / "gravity3/README.md").read_text().endswith("## Licence\n\nCC0-1.0\n")
    run("generate", "gravity", *TINY[:6], "--folder-name", "g_{i}", "--out", "x")
    assert (tmp_path / "x/g_0/train.npz").exists()


def test_info_of_a_mixed_set(run, tmp_path):
    shown = run("info", "mixed_physics_iclr2025").stdout
    for text in (
        "A ball in a box",
        "H = m g l",
        "task 1: system BallBox, substep automatic, g (-1.76",
        "dt = 0.25 s; frames of 32 x 32 pixels, style clean, black and white, fixed camera",
        "dt = 0.1 s; frames of 32 x 32 pixels, style soft, black and white, camera shifted by up to 40% of half the",
        "dt = 0.1 s; frames of 32 x 32 pixels, style soft, black and white, fixed camera",
    ):
        assert text in shown
    run("generate", "mixed_physics_iclr2025", *TINY[:6])  # with all frames, as other tests make it
    card = (tmp_path / "mixed_physics_iclr2025/README.md").read_text()
    assert "| 11 | TwoBody |" in card
    assert "Δt = 0.1 or 0.25 s" in card


def test_a_terminal_gets_a_bar(tmp_path):
    """And elsewhere nothing is written in the first half minute."""
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    command = [sys.executable, "-m", "slvm_data", "generate", "pendulum", *TINY]
    with subprocess.Popen(command, cwd=tmp_path, stderr=theirs, stdout=subprocess.DEVNULL) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(mine, 1000)
            except OSError:
                break
    assert process.returncode == 0
    assert b"pendulum: 100%" in shown


def test_version_and_missing_folder(run):
    assert run("--version").stdout.strip() == slvm_data.__version__
    done = run("verify", "nowhere")
    assert (done.returncode, done.stderr) == (2, "error: nowhere is not a folder\n")


@pytest.mark.parametrize("given", [None, *formats.NAMES])
@pytest.mark.parametrize("entry", [*formats.TABLE, None], ids=lambda entry: entry.name if entry else "none")
def test_an_ending_and_a_word_say_the_format_or_contradict_each_other(entry, given):
    for ending in (*entry.endings, entry.endings[0].upper()) if entry else ("", ".v2", ".2024"):
        if entry and given not in (None, entry.name):
            with pytest.raises(ValueError, match=rf"x\{ending} ends in .*, which means {entry.name}, and {given} was"):
                formats.wanted(Path(f"x{ending}"), given)
        else:
            found = formats.wanted(Path(f"x{ending}"), given)
            assert (found and found.name) == (given or (entry and entry.name))


def test_the_ending_of_a_folder_decides_or_is_refused(run, refused, tmp_path):
    for folder, form in (("a.zarr", "zarr"), ("a.npz", "npz"), ("a.5", "npz")):
        assert run("generate", "pendulum", *TINY, "--out", folder).returncode == 0
        assert manifest.read(tmp_path / folder).format.name == form
    zarr, back = ("generate", "pendulum", "--format", "zarr", "--out"), ("convert", "a.zarr")
    assert "b.npz ends in .npz, which means npz, and zarr was asked for" in refused(*zarr, "b.npz")
    assert "hdf5 is a copy for other libraries: generate npz or zarr" in refused(
        "generate", "pendulum", "--out", "b.h5"
    )
    assert "b.h5 ends in .h5, which means hdf5, and parquet was" in refused(*back, "b.h5", "--to", "parquet")
    assert "b ends in none of .npz, .zarr" in refused(*back, "b")
    assert "is a description, in no format" in refused(*back, "a.zarr/croissant.json", "--to", "npz")
    assert "a.zarr holds .zarr, and only .npz is combined: first `slvm-data convert" in refused("combine", "a.zarr")
    assert run(*back, "c.h5").returncode == run("convert", "a.npz", "d.zarr").returncode == 0
    assert manifest.read(tmp_path / "c.h5").format.name == "hdf5"
    assert "c.h5 holds .h5, and only .npz is combined: combine the original" in refused("combine", "c.h5")
    assert "page.png does not end in .html" in refused("view", "a.npz", "--save", "page.png")


def test_a_folder_of_a_datasets_name_is_preferred_and_said(run, tmp_path, capfd):
    run("generate", "pendulum", *TINY, "g=4")
    said = "note: the folder pendulum in this directory is shown; from another directory, pendulum is the dataset of"
    for words in (["info", "pendulum"], ["gif", "pendulum"], ["view", "pendulum", "--save", "page.html"]):
        done = run(*words)
        assert (done.returncode, done.stderr.count("\n")) == (0, 1)
        assert said in done.stderr
    assert "A variant of the dataset pendulum" in run("info", "pendulum").stdout
    assert (opened("pendulum").recipe.tasks[0].g, capfd.readouterr().err.startswith(said)) == (4, True)
    done = run("view", "pendulum", "g=5")
    assert (done.returncode, done.stderr.splitlines()[0].startswith(said)) == (2, True)
    assert "g=5 changes nothing in files: leave it out" in done.stderr
    (tmp_path / "gravity").mkdir()
    done = run("info", "gravity")
    assert done.stderr == "note: the folder gravity in this directory holds no dataset\n"
    assert done.stdout.startswith("gravity: A ball thrown downwards")
    assert run("info", "./pendulum").stderr == run("info", "gravity3").stderr == ""


def test_as_many_sequences_as_frames_verify(run):
    run("generate", "pendulum", "--train", "4", "--val", "0", "--test", "0", "--steps", "4")
    assert run("verify", "pendulum").returncode == 0


def test_a_range_of_no_width_and_a_system_at_rest(run, tmp_path):
    done = run("generate", "mass_spring", "radii=0..0", "m=0.7..0.7000000000000001", *TINY)
    assert done.returncode == 0, done
    assert manifest.read(tmp_path / "mass_spring").certificate[0].energy_drift == 0
    assert run("generate", "pendulum", "g=0", *TINY).returncode == 0


def test_progress_in_lines_where_there_is_no_terminal(capsys, monkeypatch):
    with progress(100, "pendulum") as bar:
        bar.update(50)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("slvm_data.core.progress.EVERY", 1e-3)
    with progress(100, "pendulum") as bar:
        time.sleep(0.01)
        bar.update(50)
        line = capsys.readouterr().err
    assert re.fullmatch(r"\rpendulum: 50 of 100 sequences, [\d.]+ sequences/s, \d\d:\d\d left\s*\n", line)


@pytest.mark.parametrize(  # seconds: while it compiles, or while it writes
    ("signal", "code", "after"), [("SIGINT", 130, 0.7), ("SIGTERM", 143, 1.5)]
)
def test_interrupted(signal, code, after, tmp_path):
    """F21: what was begun is dropped."""
    command = [sys.executable, "-m", "slvm_data", "generate", "pendulum", "--train", "10000000"]
    env = os.environ | ({"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "compiled")} if after < 1 else {})
    process = subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    while not plan_of(tmp_path / "pendulum").exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(after)
    process.send_signal(getattr(signals, signal))
    try:
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, said) == (code, b"")
    assert not (tmp_path / "pendulum").exists()


CALLBACK = """
import gc, signal
from slvm_data.core import interruption

interruption.listen()
gc.callbacks.append(lambda *_: signal.raise_signal(signal.SIGTERM))
gc.collect()
gc.callbacks.clear()
try:
    interruption.check()
except interruption.Terminated:
    print("ended")
"""


def test_a_signal_that_arrives_in_a_callback():
    """F21: Python says there what it drops; nothing is said of it, and the next step ends."""
    done = subprocess.run([sys.executable, "-c", CALLBACK], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("ended\n", "")
