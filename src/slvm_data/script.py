"""The command that carries out a recipe, as `slvm-data generate NAME` and as `python3 pendulum3.py`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import numpy as np
import typer

from slvm_data.core.errors import DamageError
from slvm_data.observe.view import KINDS, LOOKS
from slvm_data.recipe.original import as_original
from slvm_data.recipe.overrides import override
from slvm_data.recipe.recipe import Recipe
from slvm_data.run.generation import generate
from slvm_data.run.workers import WorkersError
from slvm_data.simulation.certificate import TOLERANCE
from slvm_data.store import manifest
from slvm_data.store.formats import FORMATS

_Dataset = Annotated[
    str, typer.Argument(metavar="NAME|FILE", help="A dataset's name, a .py with RECIPE, a dataset.json.")
]
_Changes = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE",
        help="Constants of the systems: m=0.5, m=0.5..1.0 for a range, [0,2.5] for a vector, g=2,3,4 for a task each.",
    ),
]
_Record = Annotated[
    list[str] | None,
    typer.Option(help="Store this too: dx_dt, energy, events, offset, color_index; repeat it, or use commas."),
]
_Folder = Annotated[
    str | None,
    typer.Option(help="Of each task, with {i} and {name} in it, such as {name}_{i}.", show_default="dataset_{i}"),
]
_ORIGINAL = "Write what the scripts in use would write, defects included, labels excepted."
_Length = Annotated[int | None, typer.Option(help="Frames of a window.", show_default="the recipe's")]
_Stride = Annotated[int | None, typer.Option(help="Frames from a query to the next.", show_default="the recipe's")]
_Contexts = Annotated[int | None, typer.Option(help="Windows before each query.", show_default="the recipe's")]
_Spacing = Annotated[int | None, typer.Option(help="Frames from a context to the next.", show_default="the recipe's")]
_Gap = Annotated[int | None, typer.Option(help="Frames between the splits.", show_default="the recipe's")]
_Paths = Annotated[
    int | None, typer.Option(help="Share out whole paths to the splits, so many.", show_default="parts of one path")
]
_Series = Annotated[bool, typer.Option("--series", help="Keep the uncut paths too: signal, state, mode.")]
_View = Annotated[str | None, typer.Option(help=f"One of {', '.join(KINDS)}.", show_default="the recipe's")]
_WINDOWS = ("window", "stride", "contexts", "spacing", "gap", "paths", "series", "view")  # options of these alone
_CUT = ("length", "stride", "contexts", "spacing", "gap", "paths", "series")  # what a recipe calls them
_Format = Annotated[str, typer.Option("--format", help=f"Of the files: {' or '.join(FORMATS)}, which is sharded.")]
_Workers = Annotated[
    int | None, typer.Option(help="Processes that make shards, with --format zarr.", show_default="threads of this one")
]
_Dask = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS|local|slurm", help="Have Dask's workers make shards; --workers says how many."),
]
_Shards = Annotated[
    str | None,
    typer.Option(metavar="i/N", help="Make only each N-th shard, from the i-th on: one of N jobs.", show_default="all"),
]
_Count = Annotated[int | None, typer.Option(help="Sequences per task.", show_default="the recipe's")]


def command(find: Callable[[str], Recipe]) -> Callable[..., None]:
    """The command `generate`; `find` turns its first word into a recipe."""

    def generate(
        dataset: _Dataset,
        changes: _Changes = None,
        out: Annotated[Path | None, typer.Option(help="Folder to write.", show_default="./NAME")] = None,
        seed: Annotated[int | None, typer.Option(help="Of all randomness.", show_default="the recipe's, 0")] = None,
        train: _Count = None,
        val: _Count = None,
        test: _Count = None,
        steps: Annotated[int | None, typer.Option(help="Frames.", show_default="the recipe's")] = None,
        dt: Annotated[float | None, typer.Option(help="Seconds between frames.", show_default="the recipe's")] = None,
        size: Annotated[int | None, typer.Option(help="Pixels, height and width.", show_default="32")] = None,
        look: Annotated[str | None, typer.Option(help=f"One of {', '.join(LOOKS)}.", show_default="disc")] = None,
        view: _View = None,
        window: _Length = None,
        stride: _Stride = None,
        contexts: _Contexts = None,
        spacing: _Spacing = None,
        gap: _Gap = None,
        paths: _Paths = None,
        series: _Series = False,
        record: _Record = None,
        folder_name: _Folder = None,
        original: Annotated[bool, typer.Option("--original", help=_ORIGINAL)] = False,
        form: _Format = FORMATS[0],
        workers: _Workers = None,
        shards: _Shards = None,
        dask: _Dask = None,
        overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the dataset that stands there.")] = False,
    ) -> None:
        """Write a dataset: {train,val,test}.npz, dataset.json, and a card to read."""
        fields: dict[str, Any] = {"seed": seed, "train": train, "val": val, "test": test, "steps": steps, "dt": dt}
        fields |= {"folder": folder_name, "record": _names(record)}
        cut = zip(_CUT, (window, stride, contexts, spacing, gap, paths, series or None), strict=True)
        recipe = override(find(dataset), changes or (), fields, {"size": size, "look": look, "kind": view}, dict(cut))
        how = {"overwrite": overwrite, "form": form, "workers": workers, "part": _part(shards), "dask": dask}
        _carry_out(_original(recipe, look, changes) if original else recipe, out, **how)

    return generate


def _names(record: list[str] | None) -> tuple[str, ...] | None:
    """What to record, from words with commas in them."""
    return tuple(name.strip() for words in record or () for name in words.split(",")) or None


def _original(recipe: Recipe, look: str | None, changes: list[str] | None) -> Recipe:
    if look or any(change.startswith("motion=") for change in changes or ()):
        raise ValueError("--original decides motion and look by itself: leave motion= and --look out")
    return as_original(recipe)


def _carry_out(recipe: Recipe, out: Path | None, **options: Any) -> None:
    """Generate, and say what came of it."""
    start = time.monotonic()
    _warn(recipe)
    folder = generate(recipe, out, **options)
    if not (folder / manifest.NAME).is_file():
        print(f"{folder}: these shards are there, others are missing: slvm-data status {folder}")
        return
    content = manifest.read(folder)
    files = content["files"].values()
    count = sum(file["arrays"]["label"]["shape"][0] for file in files)
    size = sum(file["bytes"] for file in files)
    print(f"{folder}: {count} sequences, {size / 1e6:.1f} MB, in {time.monotonic() - start:.1f} s")
    _report(recipe, [entry for entry in content["certificate"] if entry["error"] is not None], folder)


def _part(shards: str | None) -> tuple[int, int] | None:
    """`3/10` as numbers."""
    if shards is None:
        return None
    try:
        i, n = map(int, shards.split("/"))
    except ValueError:
        raise ValueError(f"shards = {shards!r} has to be i/N, such as 0/10") from None
    return i, n


def _warn(recipe: Recipe) -> None:
    """Say where a range gives but one number."""
    if recipe.windows and not recipe.windows.whole:
        ranges = [name for s in recipe.tasks for name in s.domains() if not np.array_equal(*s.bounds(name))]
        for name in dict.fromkeys(ranges):
            print(f"warning: {name} is drawn once per path, and there is one path: add --paths", file=sys.stderr)


def _report(recipe: Recipe, certificate: list[dict[str, Any]], folder: Path) -> None:
    """Say how accurate the integration was, where there was one."""
    error = max((entry["error"] for entry in certificate), default=0.0)
    accuracy = f"largest error of a state {error:.1e}; " if certificate else ""
    print(f"{accuracy}more: slvm-data info {folder}")
    if error > TOLERANCE:
        h = min(recipe.dt_of(entry["task"]) / entry["substeps"] for entry in certificate) / 2
        print(f"warning: this is inaccurate, try substep={h:.2g}", file=sys.stderr)


def main(recipe: Recipe) -> NoReturn:
    """Run a dataset's own file: the options of `slvm-data generate`, and its constants as KEY=VALUE."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(help=recipe.about.strip())(command(lambda _: recipe))
    parser: Any = typer.main.get_command(app)
    carry_out = parser.callback
    hidden = ("dataset", *(("original",) if recipe.windows else _WINDOWS))
    unused = {p.name: p.default for p in parser.params if p.name in hidden} | {"dataset": recipe.name}
    parser.params = [parameter for parameter in parser.params if parameter.name not in hidden]
    parser.callback = lambda **options: carry_out(**unused, **options)
    call(parser)


def call(parser: Callable[..., Any]) -> NoReturn:
    """Run a command line. What is wrong is said in one sentence: exit code 2 for the request, 1 for damaged data."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(parser(standalone_mode=False))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except (DamageError, WorkersError) as error:
        _complain(error, 1)
    except BrokenPipeError:  # whoever read our output has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except MemoryError:
        _complain("there is not enough memory for one batch: ask for fewer steps or a smaller size", 2)
    except OSError as error:
        _complain(f"{error.filename or 'the disk'}: {error.strerror or error}", 2)
    except ValueError as error:
        _complain(error, 2)
    except Exception as error:
        if not hasattr(error, "format_message"):  # Typer's own, whose base class it does not export
            raise
        _complain(error.format_message(), 2)  # pyright: ignore


def _complain(error: object, code: int) -> NoReturn:
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(code)
