"""The command `slvm-data`: list, info, generate, gif, status, view, verify, repair, combine, convert."""

from __future__ import annotations

import difflib
import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import typer

import slvm_data
from slvm_data.core.files import check_place
from slvm_data.core.streams import show
from slvm_data.core.text import sentence
from slvm_data.core.types import SEEDS, SPLITS
from slvm_data.datasets import RECIPES
from slvm_data.recipe.overrides import override
from slvm_data.recipe.own_file import load
from slvm_data.recipe.recipe import Recipe
from slvm_data.recipe.serialisation import from_stored, to_stored
from slvm_data.run import combination as combined
from slvm_data.run import conversion
from slvm_data.run.description import equation, machine
from slvm_data.run.repair import mend
from slvm_data.run.verification import faults
from slvm_data.script import call, command, number
from slvm_data.store import card, formats, manifest
from slvm_data.store.journal import settled
from slvm_data.store.journal import status as status_of
from slvm_data.systems.switching import Switching
from slvm_data.view import saved, server
from slvm_data.view.dataset import Dataset, of_folder, of_recipe

app = typer.Typer(
    help="Datasets for sequential latent-variable models: moving scenes with the ground truth for every frame.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)
_CHOSEN = "chosen automatically"
_FOLDER_FIRST = "If the current directory has a dataset folder with this name, the folder is shown."
_Shown = Annotated[
    str,
    typer.Argument(
        metavar="NAME|FOLDER|FILE",
        help=f"Dataset name, folder or file; for a name or file, sequences are made in memory. {_FOLDER_FIRST}",
    ),
]
_Own = Annotated[Path | None, typer.Option(help="The .py file with RECIPE, for a system that you wrote yourself.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        show(slvm_data.__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Options of `slvm-data` itself."""


@app.command("list")
def list_datasets() -> None:
    """Show every dataset: its system, tasks, sequences per split, observation, state."""
    head = ("name", "system", "tasks", "train/val/test per task", "observation", "state")
    rows = [head, *map(_row, RECIPES.values())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    show("\n".join(lines))


def _row(recipe: Recipe) -> tuple[str, ...]:
    systems = dict.fromkeys(type(system).__name__ for system in recipe.tasks)
    states = dict.fromkeys(" ".join(system.state) for system in recipe.tasks)
    observed = "x".join(map(str, _shape(recipe)))
    counts = "/".join(str(recipe.count(split)) for split in SPLITS)
    return recipe.name, ", ".join(systems), str(len(recipe.tasks)), counts, observed, " | ".join(states)


def _shape(recipe: Recipe) -> tuple[int, ...]:
    """Shape of the observation of one sequence."""
    system = recipe.tasks[0]
    if not recipe.has_frames() and isinstance(system, Switching):
        return (recipe.length(), system.channels)
    return (recipe.length(), *recipe.view_of(0).shape())


@app.command()
def info(dataset: Annotated[str, typer.Argument(metavar="NAME|FOLDER|FILE", help=_FOLDER_FIRST)]) -> None:
    """Describe a dataset: equation, parameters, sizes; for a folder also its arrays and validation report."""
    if (Path(dataset) / manifest.NAME).is_file() or (Path(dataset).is_dir() and dataset not in RECIPES):
        show(card.text(manifest.read(Path(dataset))))
    else:
        show("\n".join(_described(find(dataset), dataset)))


def _described(recipe: Recipe, word: str) -> Iterator[str]:
    """Describe a recipe in lines; `word` is what `generate` calls it."""
    yield f"{recipe.name}: {recipe.about.strip()}\n\n{equation(recipe)}\n"
    for label, task in enumerate(to_stored(recipe).tasks):
        yield f"task {label}: system {task.system}, {card.of_system(task)}"
    yield f"\n{recipe.steps} frames; " + ", ".join(f"{s} {recipe.count(s)}" for s in SPLITS) + " per task"
    yield "state: " + "; ".join(dict.fromkeys(", ".join(system.state) for system in recipe.tasks))
    yield from dict.fromkeys(_observed(recipe, task) for task in range(len(recipe.tasks)))
    if recipe.windows:
        yield card.of_windows(recipe.windows)
    yield f"source: {recipe.source}\n\nslvm-data generate {word}"


def _observed(recipe: Recipe, task: int) -> str:
    """Time step and observation of a task, in words."""
    dt, system, view = f"dt = {recipe.dt_of(task):g} s", recipe.tasks[task], recipe.view_of(task)
    if not recipe.has_frames() and isinstance(system, Switching):
        latents = ", ".join(system.latents or system.state)
        return f"{dt}; signals of {system.channels} channels, {system.regimes()} regimes, latents {latents}"
    colours = "black and white" if view.shape()[0] != 3 else f"{view.palette} colours" if view.palette > 1 else "colour"
    shifted = f"camera shifted by up to {view.jitter:.0%} of half the scene's width, frame enlarged to hold it"
    camera = shifted if view.jitter else "fixed camera"
    return f"{dt}; frames of {view.size} x {view.size} pixels, style {recipe.style_of(task).name}, {colours}, {camera}"


@app.command()
def verify(
    folder: Path,
    sample: Annotated[int, number(int, "Sequences per file to regenerate and compare.", low=0)] = 8,
    recipe: _Own = None,
) -> None:
    """Check a dataset: checksums of all files except the card, the arrays, and some sequences by regenerating them."""
    content = manifest.read(folder)
    source = from_stored(content.recipe, find(str(recipe)).tasks if recipe else ())
    versions = manifest.versions(content.format)
    alike = content.machine == machine() and versions.items() <= content.versions.items()
    if not alike:
        chaos = ", windows of chaotic trajectories by checksum alone" if any(s.chaotic for s in source.tasks) else ""
        print(f"made by other software or on another class of processor: compared within a tolerance{chaos}")
    found = list(faults(folder, source, content, sample, alike))
    for fault in found:
        print(f"error: {sentence(fault)}", file=sys.stderr)
    if found:
        if content.format.own:
            again = shlex.join(["slvm-data", "repair", str(folder), *(["--recipe", str(recipe)] if recipe else [])])
            print(f"to make again what is damaged: {again}", file=sys.stderr)
        raise typer.Exit(1)
    again = f"; {sample} sequences per file regenerated and equal" if content.format.own and sample else ""
    print(f"{folder}: {len(content.every_file())} files, checksums OK{again}")


@app.command()
def repair(
    folder: Path,
    recipe: _Own = None,
) -> None:
    """Regenerate damaged or missing files; other files stay unchanged."""
    content = settled(folder)
    made = mend(folder, from_stored(content.recipe, find(str(recipe)).tasks if recipe else ()), content)
    for what in made:
        print(f"made again: {what}")
    print(f"{folder}: {len(made)} repaired; checksums OK")


@app.command()
def gif(
    dataset: _Shown,
    out: Annotated[
        Path | None, typer.Argument(help="File to write: .gif, .webp or .mp4.", show_default="NAME.gif")
    ] = None,
    split: Annotated[str, typer.Option(help=f"Split: {', '.join(SPLITS)}.")] = SPLITS[0],
    task: Annotated[
        str | None, typer.Option(help="Labels of the tasks to show, such as 0,2.", show_default="all")
    ] = None,
    rows: Annotated[int | None, number(int, "Number of rows.", low=1, show_default=_CHOSEN)] = None,
    columns: Annotated[int | None, number(int, "Number of columns.", low=1, show_default=_CHOSEN)] = None,
    scale: Annotated[
        int | None, number(int, "Side of the square that a pixel becomes [px].", low=1, show_default=_CHOSEN)
    ] = None,
    fps: Annotated[float | None, number(float, "Frames per second.", show_default="real time, from 8 to 25")] = None,
    format: Annotated[  # noqa: A002 - the name of the option
        str | None,
        typer.Option("--format", help="File format: gif or webp.", show_default="from the ending of OUT, or gif"),
    ] = None,
    mp4: Annotated[bool, typer.Option("--mp4", help="Write an MP4 video.")] = False,
    recipe: _Own = None,
) -> None:
    """Write an animation of several sequences side by side: a GIF, a WebP, or a video."""
    from slvm_data.view.animation import animate  # which nothing else needs

    shown = _dataset(dataset, [], recipe)
    if mp4 and (format or (out and out.suffix != ".mp4")):
        raise ValueError(f"--mp4 writes a video, and {format or out} is none: leave one of them out")
    out = _picture(out, "mp4" if mp4 else format, shown.recipe.name)
    labels = None if task is None else [label(word) for word in task.split(",")]
    frames = animate(shown, out, split=split, tasks=labels, rows=rows, columns=columns, scale=scale, fps=fps)
    T, Y, X, _ = frames.shape
    print(f"{out}: {T} frames of {X} x {Y} pixels, {out.stat().st_size / 1e3:.0f} kB")


def _picture(out: Path | None, ending: str | None, name: str) -> Path:
    """File of an animation; raises ValueError if it does not have the ending that was asked for."""
    ending = ending or (out.suffix.removeprefix(".") if out else "gif")
    out = out or Path(f"{name}.{ending}")
    check_place(out)
    if out.suffix != f".{ending}":
        raise ValueError(f"{out} does not end in .{ending}, the format asked for")
    return out


def label(word: str) -> int:
    """Convert a label from the command line to a number."""
    if not (word.isascii() and word.strip().isdigit()):
        raise ValueError(f"--task {word!r} has to be a number, the label of a task, or several with commas")
    return int(word)


@app.command()
def status(
    folder: Path, as_json: Annotated[bool, typer.Option("--json", help="Output for programs: one object.")] = False
) -> None:
    """Show how many units of a dataset, files or shards, are finished."""
    found = status_of(folder)
    if as_json:
        show(json.dumps(asdict(found)))
        return
    state = "complete" if found.complete else "not complete: run the command that began it again to go on"
    show(f"{folder}: {found.done} of {found.units} units of {found.name}; {state}")


@app.command()
def combine(
    folder: Path,
    shuffle: Annotated[
        bool, typer.Option("--shuffle", help="Random order of all sequences, drawn from --seed.")
    ] = False,
    seed: Annotated[
        int | None,
        number(int, "Random seed of the order.", low=0, high=SEEDS - 1, show_default="0 with --shuffle"),
    ] = None,
    pad: Annotated[
        bool, typer.Option("--pad", help="Pad states of different width with zeros; adds the array state_mask.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that were combined before.")] = False,
) -> None:
    """Write combined_{train,val,test}.npz into a dataset's folder: all its tasks in one file per split."""
    if seed is not None and not shuffle:
        raise ValueError(f"--seed {seed} has no effect without --shuffle: add it")
    written = combined.combine(folder, shuffle=shuffle, seed=seed or 0, pad=pad, overwrite=overwrite)
    for name, file in written.items():
        print(f"{folder / name}: {file.rows} sequences, {file.bytes / 1e6:.1f} MB")
    kept = next(iter(written.values())).arrays
    every = dict.fromkeys(name for file in manifest.read(folder).files.values() for name in file.arrays)
    if lost := [name for name in every if name not in kept]:
        print(f"left out, since tasks differ in its shape or lack it: {', '.join(lost)}")


@app.command()
def view(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER|NAME|FILE",
            help=f"Folder of a dataset, or a name or file as for `generate`. {_FOLDER_FIRST}",
        ),
    ],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Parameters, as for `generate`; not allowed for a folder."),
    ] = None,
    save: Annotated[Path | None, typer.Option(help="File to write the page to, instead of serving it.")] = None,
    sequences: Annotated[int, number(int, "Number of sequences in a saved page, over all tasks.", low=1)] = 64,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
    port: Annotated[int, number(int, "Port of the server.", low=0, high=65535, show_default="a free one")] = 0,
    recipe: _Own = None,
) -> None:
    """View a dataset in the browser: sequences, curves, validation report; for a NAME, sliders for parameters."""
    shown = _dataset(dataset, changes or [], recipe)
    if save is None:
        server.serve(shown, port, not no_open)
        return
    check_place(save)
    print(f"{save}: {saved.save(shown, save, sequences) / 1e6:.2f} MB")


def _dataset(dataset: str, changes: list[str], recipe: Path | None) -> Dataset:
    """Open the dataset in a folder, or the dataset of a recipe with these changes."""
    if not Path(dataset).is_dir() or (dataset in RECIPES and not (Path(dataset) / manifest.NAME).is_file()):
        base = find(dataset)
        return of_recipe(override(base, changes), (dataset, base))
    if changes:
        raise ValueError(f"{changes[0]} changes nothing in files: leave it out, or view a dataset by its name")
    own = find(str(recipe)) if recipe else None
    return of_folder(Path(dataset), own.tasks if own else (), (str(recipe), own) if own else None)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Folder of a dataset.")],
    target: Annotated[Path, typer.Argument(metavar="DST", help="Folder to write, or a path to croissant.json.")],
    to: Annotated[
        str | None,
        typer.Option(help=f"File format: {', '.join(formats.NAMES)}.", show_default="from the ending of DST"),
    ] = None,
    shard_size: Annotated[
        float | None,
        number(
            float,
            "Size of a .tar or .parquet file before compression, about [MB].",
            show_default="134 for .tar, 537 for .parquet",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the dataset in that folder.")] = False,
) -> None:
    """Write a dataset in another format: .npz, .zarr, .h5, .tar (WebDataset), .parquet (Hugging Face)."""
    written = conversion.convert(source, target, to=to, shard_size=shard_size, overwrite=overwrite)
    if written.is_file():
        print(f"{written}: describes {source}")
        return
    files = manifest.read(written).every_file()
    print(f"{written}: {len(files)} files, {sum(file.bytes for file in files.values()) / 1e6:.1f} MB")
    if left := manifest.read(source).combined:
        print(f"left out, since they repeat the other files: {', '.join(left)}")


def find(dataset: str) -> Recipe:
    """Find the recipe with this name, in this .py file, or in this dataset.json."""
    path = Path(dataset)
    if path.suffix == ".py":
        return _from_file(path)
    if path.suffix == ".json":
        if path.name != manifest.NAME or not path.is_file():
            raise ValueError(f"{dataset} is not the {manifest.NAME} of a dataset")
        return from_stored(manifest.read(path.parent).recipe)
    if dataset in RECIPES:
        return RECIPES[dataset]
    near = difflib.get_close_matches(dataset, RECIPES, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(RECIPES)}"
    raise ValueError(f"there is no dataset {dataset!r}; {hint} (a file of your own ends in .py)")


def _from_file(path: Path) -> Recipe:
    recipe = getattr(load(path), "RECIPE", None)
    if not isinstance(recipe, Recipe):
        raise ValueError(f"{path} has no RECIPE = Recipe(…)")
    return recipe


def main() -> NoReturn:
    """Run the command line."""
    call(typer.main.get_command(app))


app.command("generate")(command(find))
