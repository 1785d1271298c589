"""The command `slvm-data`: one function for each command, in the order in which one needs them.

What only one command needs is imported when it runs, so that the help, `list` and `info NAME` answer at once.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

import slvm_data
from slvm_data.core.json_tree import Json, to_json
from slvm_data.core.names import MANIFEST
from slvm_data.core.streams import show
from slvm_data.core.text import sentence, some
from slvm_data.core.types import SEEDS, SPLITS
from slvm_data.recipe.options import OPTIONS
from slvm_data.script import (
    HELP,
    LAYOUT,
    RANGE,
    call,
    command,
    completing,
    number,
    report_left_out,
    values,
    with_options,
)
from slvm_data.store import formats

if TYPE_CHECKING:
    from slvm_data.recipe.recipe import Recipe
    from slvm_data.store.manifest import Copy, Manifest
    from slvm_data.systems.system import System
    from slvm_data.view.dataset import Dataset

app = typer.Typer(
    help="Datasets for sequential latent-variable models: moving scenes with the ground truth for every frame.",
    context_settings=HELP,
    epilog="Example: slvm-data generate pendulum3 --train 100",
    rich_markup_mode=None,
)


def _names(incomplete: str) -> list[str]:
    """Names of datasets that begin so, for the shell, which completes files and folders where there is none."""
    from slvm_data.datasets import RECIPES

    return completing(RECIPES)(incomplete)


def _families(incomplete: str) -> list[str]:
    from slvm_data.datasets import NAMES

    return completing(NAMES)(incomplete)


def _systems(incomplete: str) -> list[str]:
    from slvm_data.recipe.serialisation import KNOWN

    return completing(KNOWN)(incomplete)


_CHOSEN = "chosen automatically"
_FOLDER_FIRST = "If the current directory has a dataset folder with this name, the folder is shown."
_Shown = Annotated[
    str,
    typer.Argument(
        metavar="NAME|FOLDER|FILE",
        help=f"Dataset name, folder or file; for a name or file, sequences are made in memory. {_FOLDER_FIRST}",
        autocompletion=_names,
    ),
]
_Own = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|stored",
        help="The .py file with RECIPE, for a system that you wrote yourself; `stored` runs the text that the dataset "
        "keeps: read it first with slvm-data info.",
    ),
]
_From = Annotated[
    int | None,
    number(
        int,
        "Number of the first frame that is scored; those before it were given to the model.",
        "--from",
        low=0,
        show_default="the number of frames that the forecast says the model has seen, or 0",
    ),
]
_Beside = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|FOLDER", help="Forecast to show beside the sequences of a folder, as for slvm-data evaluate."
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Output for programs, as JSON.")]
STORED = "stored"
MANY = 6  # numbers of a state, that a line of `list` shows
_SEEN = [OPTIONS[name] for name in ("color", "observe", "time", "control", "drift")]
"""Options of `generate` that `view` and `gif` have too."""


def _show_version(wanted: bool) -> None:
    if wanted:
        show(slvm_data.__version__)
        raise typer.Exit


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback shows it
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Options of `slvm-data` itself; without a command, it shows the help."""
    if context.invoked_subcommand is None:
        show(context.get_help())


@app.command("list")
def list_datasets(
    family: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Family of datasets, such as switching.", autocompletion=_families),
    ] = None,
    system: Annotated[
        str | None, typer.Option(metavar="NAME", help="System, such as Pendulum.", autocompletion=_systems)
    ] = None,
    paper: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Text in the source or its BibTeX, such as KVAE.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """List the datasets: systems, tasks, sequences, observations.

    Example: slvm-data list --system pendulum --paper 2111.05458
    """
    from slvm_data.datasets import SOURCES, chosen

    found = [_facts(own, recipe) for own, recipe in chosen(family, system, paper)]
    if as_json:
        show(json.dumps(found))
        return
    head = ("name", "family", "system", "tasks", "train/val/test per task", "observation", "state")
    rows = [head, *map(_row, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    others = () if family or system or paper else (f"{name}:NAME  {one.__doc__}" for name, one in SOURCES.items())
    show("\n".join([*lines, *others]))


def _facts(family: str, recipe: Recipe) -> dict[str, Any]:
    """What `list` tells of a dataset: sequences are of each task and split, states of each system."""
    return {
        "name": recipe.name,
        "family": family,
        "systems": list(dict.fromkeys(type(system).__name__ for system in recipe.tasks)),
        "tasks": len(recipe.tasks),
        "sequences": {split: recipe.count(split) for split in (*SPLITS, *recipe.splits)},
        "observation": _shape(recipe),
        "states": list(dict.fromkeys(some(system.state) for system in recipe.tasks)),
        "source": recipe.source,
    }


def _row(facts: dict[str, Any]) -> tuple[str, ...]:
    counts = "/".join(str(facts["sequences"][split]) for split in SPLITS)
    observed = "x".join(map(str, facts["observation"]))
    states = " | ".join(dict.fromkeys(" ".join(some(names, MANY)) for names in facts["states"]))
    return facts["name"], facts["family"], ", ".join(facts["systems"]), str(facts["tasks"]), counts, observed, states


def _shape(recipe: Recipe) -> tuple[int, ...]:
    """Shape of the observation of one sequence."""
    if not recipe.has_frames():
        return (recipe.length(), recipe.channels_of(recipe.tasks[0]))
    return (recipe.length(), *recipe.view_of(0).shape())


@app.command()
def info(
    dataset: Annotated[str, typer.Argument(metavar="NAME|FOLDER|FILE", help=_FOLDER_FIRST, autocompletion=_names)],
    as_json: _Json = False,
) -> None:
    """Describe a dataset: its equation, parameters and sizes.

    For a folder, this is the card, with arrays and validation report; as JSON, what dataset.json holds.

    Example: slvm-data info pendulum3
    """
    from slvm_data.datasets import standing

    if folder := standing(dataset):
        from slvm_data.store import card, manifest

        content = manifest.read_any(folder)
        text = _of_copy(content) if isinstance(content, manifest.Copy) else card.text(content)
        show(json.dumps(to_json(content)) if as_json else text)
    elif as_json:
        show(json.dumps(_tree(find(dataset))))
    else:
        show("\n".join(_described(find(dataset), dataset)))


def _tree(recipe: Recipe) -> Json:
    """A recipe as `dataset.json` has it, its equation, and what to cite."""
    from slvm_data.recipe.bibliography import bibtex
    from slvm_data.recipe.serialisation import equation, to_stored

    cited = bibtex(recipe.source, slvm_data.__version__)
    return {"name": recipe.name, "recipe": to_json(to_stored(recipe)), "equation": equation(recipe), "bibtex": cited}


def _of_copy(copy: Copy) -> str:
    """The card of a copy in the layout of other programs."""
    from slvm_data.export import layouts
    from slvm_data.store import card

    layout = layouts.named(copy.layout)
    return card.text_of_copy(copy, layout.readers, layout.note)


def _described(recipe: Recipe, word: str) -> Iterator[str]:
    """Describe a recipe in lines; `word` is what `generate` calls it."""
    from slvm_data.recipe.bibliography import bibtex
    from slvm_data.recipe.serialisation import equation, to_stored
    from slvm_data.store import card

    yield f"{recipe.name}: {recipe.about.strip()}\n\n{equation(recipe)}\n"
    for label, task in enumerate(to_stored(recipe).tasks):
        yield f"task {label}: system {task.system}, {card.of_system(task)}"
    yield f"\n{recipe.steps} frames; " + ", ".join(f"{s} {recipe.count(s)}" for s in SPLITS) + " per task"
    if recipe.held_out:
        yield f"tasks that train, val and test leave out: {', '.join(map(str, recipe.held_out))}"
    for name, split in recipe.splits.items():
        yield f"split {name}: {split.count} per task, {card.of_split(recipe, name) or 'as train'}"
    yield "state: " + "; ".join(dict.fromkeys(", ".join(some(system.state)) for system in recipe.tasks))
    yield from dict.fromkeys(_observed(recipe, task) for task in range(len(recipe.tasks)))
    yield from (f"modifier of the observation: {one}" for one in recipe.observe)
    if recipe.windows:
        yield card.of_windows(recipe.windows)
    yield f"licence: {recipe.license}"
    yield f"source: {recipe.source}\n\n{bibtex(recipe.source, slvm_data.__version__)}\n\nslvm-data generate {word}"


def _observed(recipe: Recipe, task: int) -> str:
    """Time step and observation of a task, in words."""
    from slvm_data.systems.switching import Switching

    dt, system, view = _time(recipe, task), recipe.tasks[task], recipe.view_of(task)
    if not recipe.has_frames():
        signals = f"{dt}; signals of {recipe.channels_of(system)} channels"
        if not isinstance(system, Switching):
            return signals
        return f"{signals}, {system.regimes()} regimes, latents {', '.join(system.latents or system.state)}"
    hues = len(set(view.body_colors)) or view.palette
    colours = "black and white" if view.shape()[0] != 3 else f"{hues} colours" if hues > 1 else "colour"
    shifted = f"camera shifted by up to {view.jitter:.0%} of half the scene's width, frame enlarged to hold it"
    camera = shifted if view.jitter else "fixed camera"
    return f"{dt}; frames of {view.size} x {view.size} pixels, style {recipe.style_of(task).name}, {colours}, {camera}"


def _time(recipe: Recipe, task: int) -> str:
    """Time step of a task, its rule of time, control and drifts, in words."""
    return "; ".join([f"dt = {recipe.dt_of(task):g} s", *(f"{name} {rule}" for name, rule in recipe.rules().items())])


def find(dataset: str) -> Recipe:
    """Find the recipe with this name, in this .py file, or in this dataset.json."""
    path = Path(dataset)
    if path.suffix == ".py":
        return _from_file(path)
    if path.suffix == ".json":
        return _from_manifest(path)
    from slvm_data.datasets import RECIPES, suggestion

    if dataset in RECIPES:
        return RECIPES[dataset]
    if (path / MANIFEST).is_file():
        raise ValueError(f"{dataset} is the folder of a dataset: its recipe is {path / MANIFEST}")
    folder = "" if path.is_dir() else " and no folder"
    raise ValueError(f"there is no dataset{folder} {dataset!r}; {suggestion(dataset)}")


def _from_file(path: Path) -> Recipe:
    from slvm_data.recipe.own_file import load
    from slvm_data.recipe.recipe import Recipe
    from slvm_data.simulation.batch import check_systems

    recipe = getattr(load(path), "RECIPE", None)
    if not isinstance(recipe, Recipe):
        raise ValueError(f"{path} has no RECIPE = Recipe(…)")
    check_systems(recipe)
    return recipe


def _from_manifest(path: Path) -> Recipe:
    from slvm_data.recipe.serialisation import from_stored
    from slvm_data.store import manifest

    if path.name != MANIFEST or not path.is_file():
        raise ValueError(f"{path} is not the {MANIFEST} of a dataset")
    return from_stored(manifest.read(path.parent).recipe)


@app.command()
def new(file: Annotated[Path, typer.Argument(metavar="FILE.py", help="File to write; nothing is replaced.")]) -> None:
    """Write a file with a system of your own, which runs as it is.

    Example: slvm-data new elastic.py
    """
    from slvm_data.recipe.own_file import write_template

    write_template(file)
    show(f"{file}: look at it with `slvm-data view {file}`, and write its dataset with `slvm-data generate {file}`")


app.command("generate")(command(find, _names))


def view(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER|NAME|FILE",
            help=f"Folder of a dataset, or a name or file as for `generate`. {_FOLDER_FIRST}",
            autocompletion=_names,
        ),
    ],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Parameters, as for `generate`; not allowed for a folder."),
    ] = None,
    *,
    save: Annotated[Path | None, typer.Option(help="File to write the page to, instead of serving it.")] = None,
    sequences: Annotated[int, number(int, "Number of sequences in a saved page, over all tasks.", low=1)] = 64,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
    port: Annotated[int, number(int, "Port of the server.", low=0, high=65535, show_default="a free one")] = 0,
    forecast: _Beside = None,
    start: _From = None,
    recipe: _Own = None,
    **options: Any,
) -> None:
    """Show a dataset in the browser; a NAME gets sliders.

    Sequences, curves, validation report; for a NAME also sliders for its parameters and modifiers.

    Example: slvm-data view pendulum3 g=2..4
    """
    from slvm_data.core.files import check_place
    from slvm_data.view import saved, server

    shown = _beside(_dataset(dataset, changes or [], recipe, options), forecast, start)
    if save is None:
        server.serve(shown, port, not no_open)
        return
    check_place(save)
    if save.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{save} does not end in .html, and a page is a file for the browser: give it this ending")
    print(f"{save}: {saved.save(shown, save, sequences) / 1e6:.2f} MB")


app.command("view")(with_options(view, _SEEN, "changes"))


def _beside(shown: Dataset, forecast: Path | None, start: int | None) -> Dataset:
    """A dataset with a forecast beside it, if there is one."""
    if start is not None and forecast is None:
        raise ValueError(f"--from {start} has no effect without --forecast: add it")
    if forecast is None:
        return shown
    from slvm_data.view.forecasts import open_forecasts

    return replace(shown, forecasts=open_forecasts(forecast, shown, start))


def _dataset(dataset: str, changes: list[str], recipe: str | None, options: dict[str, Any]) -> Dataset:
    """Open the dataset in a folder, or the dataset of a recipe with these changes and options."""
    from slvm_data.datasets import standing
    from slvm_data.recipe.overrides import override
    from slvm_data.view.dataset import of_folder, of_recipe

    if not (folder := standing(dataset)):
        base = find(dataset)
        return of_recipe(override(base, changes, values(options)), (dataset, base))
    if words := [*changes, *(f"--{OPTIONS[name].word}" for name, value in options.items() if value)]:
        raise ValueError(f"{words[0]} changes nothing in files: leave it out, or view a dataset by its name")
    if recipe is None:
        return of_folder(folder)
    from slvm_data.store import manifest

    content = manifest.read(folder)
    if recipe == STORED:
        return of_folder(folder, _run_stored(folder, content))
    own = _from_own(folder, content, recipe)
    return of_folder(folder, own.tasks, (recipe, own))


def _classes(folder: Path, content: Manifest, recipe: str | None) -> Iterable[System | type[System]]:
    """The user's own systems, from the file that --recipe names, or from the texts that the dataset keeps."""
    if recipe == STORED:
        return _run_stored(folder, content)
    return _from_own(folder, content, recipe).tasks if recipe else ()


def _run_stored(folder: Path, content: Manifest) -> list[type[System]]:
    from slvm_data.recipe.serialisation import stored_classes

    if not content.own_files:
        raise ValueError(f"{folder} keeps no text of a system: leave --recipe out, or give your own file")
    texts = ", ".join(f"{own.file} (sha256 {own.sha256[:12]}…)" for own in content.own_files.values())
    print(f"running the text that {folder / MANIFEST} keeps of {texts}", file=sys.stderr)
    return stored_classes(content.recipe, content.own_files)


def _from_own(folder: Path, content: Manifest, recipe: str) -> Recipe:
    from slvm_data.recipe.own_file import differing
    from slvm_data.recipe.serialisation import own_files_of

    own = find(recipe)
    if other := differing(own_files_of(own), content.own_files):
        kept = f"the text that {folder} was made with, and keeps (--recipe {STORED})"
        print(f"warning: {other} differs from {kept}", file=sys.stderr)
    return own


def gif(
    dataset: _Shown,
    out: Annotated[
        Path | None, typer.Argument(help="File to write: .gif, .webp or .mp4.", show_default="NAME.gif")
    ] = None,
    *,
    split: Annotated[str, typer.Option(help=f"Split: {', '.join(SPLITS)}, or a named one.")] = SPLITS[0],
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
    no_labels: Annotated[bool, typer.Option("--no-labels", help="Leave the labels of rows and columns out.")] = False,
    recipe: _Own = None,
    **options: Any,
) -> None:
    """Write an animation of sequences: a GIF, a WebP or a video.

    Example: slvm-data gif pendulum3 pendulum.webp --split test --rows 2
    """
    from slvm_data.view.animation import animate

    shown = _dataset(dataset, [], recipe, options)
    if mp4 and (format or (out and out.suffix != ".mp4")):
        raise ValueError(f"--mp4 writes a video, and {format or out} is none: leave one of them out")
    out = _picture(out, "mp4" if mp4 else format, shown.recipe.name)
    tasks = None if task is None else [label(word) for word in task.split(",")]
    how = {"rows": rows, "columns": columns, "scale": scale, "fps": fps, "labels": not no_labels}
    frames = animate(shown, out, split=split, tasks=tasks, **how)
    T, Y, X, _ = frames.shape
    print(f"{out}: {T} frames of {X} x {Y} pixels, {out.stat().st_size / 1e3:.0f} kB")


app.command("gif")(with_options(gif, _SEEN, "out"))


def _picture(out: Path | None, ending: str | None, name: str) -> Path:
    """File of an animation; raises ValueError if it does not have the ending that was asked for."""
    from slvm_data.core.files import check_place

    out = out or Path(f"{name}.{ending or 'gif'}")
    check_place(out)
    if ending and out.suffix != f".{ending}":
        raise ValueError(f"{out} does not end in .{ending}, the format asked for")
    return out


def label(word: str) -> int:
    """Convert a label from the command line to a number."""
    if not (word.isascii() and word.strip().isdigit()):
        raise ValueError(f"--task {word!r} has to be a number, the label of a task, or several with commas")
    return int(word)


@app.command("evaluate")
def score(
    forecast: Annotated[
        Path,
        typer.Argument(
            metavar="FORECAST",
            help="An .npz, a Zarr group, or a folder with one for each split (test.npz, val.npz), in a folder for each "
            "task as in the dataset.",
        ),
    ],
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Folder of the dataset.")],
    *,
    split: Annotated[
        list[str] | None,
        typer.Option(
            help="Split that the forecast is of; repeat the option for several, with one column each.",
            show_default="test, or all that the folder has",
        ),
    ] = None,
    start: _From = None,
    slow: Annotated[bool, typer.Option("--slow", help="Add what takes minutes: wasserstein.")] = False,
    out: Annotated[Path | None, typer.Option(help="File to write the report to, as JSON, with every frame.")] = None,
    recipe: _Own = None,
) -> None:
    """Score a forecast against the truth: a table, with intervals.

    The forecast has image, signal, state, latent, mode (or regime) and param_… as far as the model gives them, with the
    shapes of the dataset, a latent [N T K]. For a part of the sequences, or of the frames, it has their numbers, index
    [N] and frame [T]. Samples are a first axis S. Probes of latents are fitted on val, if the folder has it.

    Example: slvm-data evaluate forecast.npz pendulum3 --from 10
    """
    from slvm_data.core.files import check_place
    from slvm_data.evaluation import evaluate
    from slvm_data.store import manifest

    if out:
        check_place(out)
    own = _classes(dataset, manifest.read(dataset), recipe) if recipe else ()
    report = evaluate(forecast, dataset, splits=split or (), start=start, slow=slow, own=own)
    show(str(report))
    if out:
        report.write(out)


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
    """Write one file per split, with all tasks of a dataset.

    They are combined_train.npz, combined_val.npz, combined_test.npz and so on, in the dataset's folder.

    Example: slvm-data combine pendulum3 --shuffle
    """
    from slvm_data.run import combination
    from slvm_data.store import manifest

    if seed is not None and not shuffle:
        raise ValueError(f"--seed {seed} has no effect without --shuffle: add it")
    written = combination.combine(folder, shuffle=shuffle, seed=seed or 0, pad=pad, overwrite=overwrite)
    for name, file in written.items():
        print(f"{folder / name}: {file.rows} sequences, {file.bytes / 1e6:.1f} MB")
    kept = next(iter(written.values())).arrays
    every = dict.fromkeys(name for file in manifest.read(folder).files.values() for name in file.arrays)
    if lost := [name for name in every if name not in kept]:
        print(f"left out, since tasks differ in its shape or lack it: {', '.join(lost)}")


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Folder of a dataset.")],
    target: Annotated[Path, typer.Argument(metavar="DST", help="Folder to write, or a path to croissant.json.")],
    to: Annotated[
        str | None,
        typer.Option(help=f"File format: {', '.join(formats.NAMES)}.", show_default="from the ending of DST"),
    ] = None,
    layout: LAYOUT = None,
    range: RANGE = None,  # noqa: A002 - the name of the option
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
    """Write a dataset in another format: Zarr, HDF5 or Parquet.

    The ending of DST says which: .npz, .zarr, .h5, .tar (WebDataset) or .parquet (Hugging Face).

    Example: slvm-data convert pendulum3 pendulum3.parquet
    """
    from slvm_data.run import conversion
    from slvm_data.store import manifest

    how = {"to": to, "layout": layout, "range": range, "shard_size": shard_size}
    written = conversion.convert(source, target, **how, overwrite=overwrite)
    if written.is_file():
        print(f"{written}: describes {source}")
        return
    content = manifest.read_any(written)
    files = content.files if isinstance(content, manifest.Copy) else content.every_file()
    print(f"{written}: {len(files)} files, {sum(file.bytes for file in files.values()) / 1e6:.1f} MB")
    if isinstance(content, manifest.Copy):
        report_left_out(content)
    if left := manifest.read(source).combined:
        print(f"left out, since they repeat the other files: {', '.join(left)}")


@app.command()
def push(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of a dataset, or of a copy in Parquet.")],
    repo: Annotated[str, typer.Argument(metavar="REPO", help="Name of the repository, such as you/pendulum3.")],
    private: Annotated[bool, typer.Option("--private", help="Make a repository that only its owner sees.")] = False,
) -> None:
    """Upload a dataset to the Hugging Face Hub, as Parquet.

    It needs a token: `hf auth login` keeps one, or set HF_TOKEN.

    Example: slvm-data push pendulum3 you/pendulum3
    """
    from slvm_data.run.push import push

    print(push(folder, repo, private=private))


@app.command("layouts")
def list_layouts() -> None:
    """List the layouts: programs that read them, files, arrays.

    Example: slvm-data layouts
    """
    from slvm_data.export import layouts

    show("\n\n".join(map(layouts.described, layouts.TABLE)))


@app.command()
def status(folder: Path, as_json: _Json = False) -> None:
    """Show how many files or shards of a dataset are finished.

    Example: slvm-data status pendulum3
    """
    from slvm_data.store import journal

    found = journal.status(folder)
    if as_json:
        show(json.dumps(asdict(found)))
        return
    state = "complete" if found.complete else "not complete: run the command that began it again to go on"
    show(f"{folder}: {found.done} of {found.units} units of {found.name}; {state}")


@app.command()
def verify(
    folder: Path,
    sample: Annotated[int, number(int, "Sequences per file to regenerate and compare.", low=0)] = 8,
    recipe: _Own = None,
) -> None:
    """Check a dataset: its checksums, and some sequences made again.

    The checksums are of all files except the card; some sequences of every file are regenerated and compared.

    Example: slvm-data verify pendulum3 --sample 100
    """
    from slvm_data.recipe.serialisation import from_stored
    from slvm_data.run.description import machine
    from slvm_data.run.verification import faults
    from slvm_data.store import manifest

    content = manifest.read_any(folder)
    if isinstance(content, manifest.Copy):
        _verify_copy(folder, content)
        return
    source = from_stored(content.recipe, _classes(folder, content, recipe))
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
            again = shlex.join(["slvm-data", "repair", str(folder), *(["--recipe", recipe] if recipe else [])])
            print(f"to make again what is damaged: {again}", file=sys.stderr)
        raise typer.Exit(1)
    again = f"; {sample} sequences per file regenerated and equal" if content.format.own and sample else ""
    print(f"{folder}: {len(content.every_file())} files, checksums OK{again}")


def _verify_copy(folder: Path, copy: Copy) -> None:
    """Compare the checksums of a copy in the layout of other programs."""
    found = [fault for name, checksum in copy.files.items() if (fault := checksum.fault(folder / name))]
    for fault in found:
        print(f"error: {sentence(fault)}", file=sys.stderr)
    if found:
        print(f"to make it again: convert the dataset to --layout {copy.layout} again", file=sys.stderr)
        raise typer.Exit(1)
    print(f"{folder}: {len(copy.files)} files, checksums OK")


@app.command()
def repair(
    folder: Path,
    recipe: _Own = None,
) -> None:
    """Make damaged or missing files again; other files stay unchanged.

    Example: slvm-data repair pendulum3
    """
    from slvm_data.recipe.serialisation import from_stored
    from slvm_data.run.repair import mend
    from slvm_data.store import journal

    content = journal.settled(folder)
    made = mend(folder, from_stored(content.recipe, _classes(folder, content, recipe)), content)
    for what in made:
        print(f"made again: {what}")
    print(f"{folder}: {len(made)} repaired; checksums OK")


of_cache = typer.Typer(
    help="List, or clear, the datasets that loaders made by their names.",
    context_settings=HELP,
    epilog="Example: slvm-data cache list",
    rich_markup_mode=None,
)
app.add_typer(of_cache, name="cache")


@of_cache.command("list")
def list_cache() -> None:
    """List the datasets in the cache folder, with their sizes.

    It is SLVM_DATA_HOME, or a folder for the user's caches.
    """
    from slvm_data import cache

    found = cache.entries()
    lines = (f"{folder}: {size / 1e6:.1f} MB{', not complete' * (folder.name == cache.NEXT)}" for folder, size in found)
    show("\n".join(lines) or f"{cache.home()}: no datasets")


@of_cache.command("clear")
def clear_cache() -> None:
    """Remove every dataset in the cache folder.

    They are made again when they are used.
    """
    from slvm_data import cache

    found = cache.entries()
    cache.clear()
    print(f"{cache.home()}: {len(found)} removed, {sum(size for _, size in found) / 1e6:.1f} MB")


def main() -> NoReturn:
    """Run the command line."""
    call(typer.main.get_command(app), "slvm-data")
