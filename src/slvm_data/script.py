"""The command that makes the dataset of a recipe: `slvm-data generate NAME`, or `python3 pendulum3.py`."""

from __future__ import annotations

import difflib
import inspect
import math
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import numpy as np
import typer

from slvm_data.core import devices, interruption, late, program_cache, streams
from slvm_data.core.errors import DamageError, WorkersError
from slvm_data.core.files import at_home
from slvm_data.core.numerals import READERS, whole
from slvm_data.core.text import sentence
from slvm_data.export import layouts
from slvm_data.export.layouts import Layout
from slvm_data.observe.presets import observations
from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.options import OPTIONS, TRAJECTORIES, Option, is_option, named, of
from slvm_data.store import formats
from slvm_data.systems.control import Control
from slvm_data.systems.drift import Drift
from slvm_data.systems.timing import TimeRule

if TYPE_CHECKING:
    from slvm_data.recipe.recipe import Recipe
    from slvm_data.store.manifest import Certificate, Copy

HELP = {"help_option_names": ["-h", "--help"]}  # settings of a command line


def completing(words: Iterable[str]) -> Callable[[str], list[str]]:
    """What a shell completes: those of the words that begin with what was typed."""
    return lambda incomplete: [word for word in words if word.startswith(incomplete)]


def number(kind: type, text: str, *names: str, low: float = -math.inf, high: float = math.inf, **settings: Any) -> Any:
    """Make an option whose value is a number, to the letter, from `low` to `high`; `settings` are those of Typer."""

    def parsed(word: Any) -> Any:
        if not isinstance(word, str):  # a default value
            return word
        try:
            value = READERS[kind](word)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        if value < low or value > high:
            raise typer.BadParameter(f"{value} has to be at least {low}{f' and at most {high}' * (high < math.inf)}")
        return value

    parsed.__name__ = kind.__name__  # some versions of Typer show it in the help
    ends = {name: end for name, end in (("min", low), ("max", high)) if math.isfinite(end)}
    return typer.Option(*names, help=text, parser=parsed, **ends, **settings)


_Changes = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE",
        help="Parameters of the systems: m=0.5, m=0.5..1.0 (a range), g=[0,2.5] (a vector), g=2,3,4 (one task for each "
        "value).",
    ),
]
_ORIGINAL = "Write what the original scripts would write, with their errors, but with correct labels."
RULES = {"time": TimeRule, "control": Control}  # families of options that are given once
INTERRUPTED, TERMINATED = 130, 143  # exit codes, as shells have them
_Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help=f"File format: {' or '.join(formats.OWN)} (sharded).",
        autocompletion=completing(formats.OWN),
        show_default=f"from the ending of --out, or {formats.OWN[0]}",
    ),
]
LAYOUT = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Layout of another program: its files, keys and types (slvm-data layouts shows them).",
        autocompletion=completing(layouts.NAMES),
    ),
]
RANGE = Annotated[
    int | None,
    number(int, "Largest number of a frame in a copy for other programs: 1 or 255.", show_default="the layout's"),
]
_Workers = Annotated[
    int | None,
    number(int, "Number of processes that make files or shards.", show_default="one process, several threads"),
]
_Dask = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS|local|slurm", help="Dask cluster that makes files or shards (--workers for local and slurm)."
    ),
]
_Executor = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Executor: threads, processes, dask or slurm.", show_default="by --workers and --dask"
    ),
]
_Shards = Annotated[
    str | None,
    typer.Option(
        metavar="i/N",
        help="Make only files or shards i, i+N, i+2N, … (job i of N; i from 0 to N-1).",
        show_default="all",
    ),
]


def _dataset(names: Callable[[str], list[str]] | None) -> Any:
    about = "Name of a dataset, a .py file with RECIPE, or a dataset.json."
    return Annotated[str, typer.Argument(metavar="NAME|FILE", help=about, autocompletion=names)]


def command(find: Callable[[str], Recipe], names: Callable[[str], list[str]] | None = None) -> Callable[..., None]:
    """Return the command `generate`; `find` turns its first argument into a recipe, and `names` completes it."""

    def generate(
        dataset: str,
        changes: _Changes = None,
        *,
        out: Annotated[Path | None, typer.Option(help="Folder to write.", show_default="./NAME")] = None,
        original: Annotated[bool, typer.Option("--original", help=_ORIGINAL)] = False,
        format: _Format = None,  # noqa: A002 - the name of the option
        layout: LAYOUT = None,
        range: RANGE = None,  # noqa: A002
        workers: _Workers = None,
        shards: _Shards = None,
        dask: _Dask = None,
        executor: _Executor = None,
        overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the dataset in that folder.")] = False,
        **options: Any,
    ) -> None:
        """Write a dataset to a folder.

        The folder holds the arrays of train, val and test, dataset.json, and a card.

        Example: slvm-data generate pendulum3 g=2,3 --train 100 --out small
        """
        from slvm_data.recipe.overrides import override

        style, options["record"] = options["style"], _names(options["record"])
        options = values(options)
        _check_words(changes or (), inspect.signature(generate).parameters)
        recipe = override(find(dataset), changes or (), options)
        how = {"format": format, "workers": workers, "part": _part(shards), "dask": dask, "executor": executor}
        recipe = _original(recipe, style, changes) if original else recipe
        chosen = layouts.chosen(layout, range)
        if chosen and not chosen.own:
            _carry_out_in(recipe, out, chosen, range, overwrite=overwrite, **how)
        else:
            _carry_out(_in_folders(recipe, chosen, options.get("folder")), out, overwrite=overwrite, **how)

    generate.__annotations__["dataset"] = _dataset(names)  # which an annotation, being text, cannot name
    return with_options(generate, [*OPTIONS.values(), TRAJECTORIES], "out")


def values(options: dict[str, Any]) -> dict[str, Any]:
    """Fields of a recipe by name, from the words of its options; what is given goes before what a preset chooses."""
    options = options | _motions(options)
    given = {name: value for name, value in options.items() if value is not None and name != "observe"}
    return observations(options.get("observe") or ()) | given


def with_options(function: Callable[..., None], options: Iterable[Option], behind: str) -> Callable[..., None]:
    """Write options of a recipe into the signature of a function, for Typer, behind one of its parameters."""
    own = inspect.signature(function, eval_str=True)
    *fixed, _ = own.parameters.values()
    place = 1 + [parameter.name for parameter in fixed].index(behind)
    fixed[place:place] = map(_parameter, options)
    function.__signature__ = own.replace(parameters=fixed)  # pyright: ignore[reportFunctionMemberAccess]
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in fixed}
    return function


def _parameter(option: Option) -> inspect.Parameter:
    kind = bool if option.kind is bool else (list[str] if option.kind is tuple else option.kind) | None
    make = partial(number, option.kind) if option.kind in READERS else _worded
    own = make(option.help, f"--{option.word}", show_default="the recipe's")
    return inspect.Parameter(
        option.field, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, own]
    )


def _worded(text: str, *names: str, **settings: Any) -> Any:
    return typer.Option(*names, help=text, **settings)


def _names(record: list[str] | None) -> tuple[str, ...] | None:
    """Names of arrays to record, from words that may contain commas."""
    return tuple(name.strip() for words in record or () for name in words.split(",")) or None


def _motions(options: dict[str, Any]) -> dict[str, Any]:
    """Rule of time, control and drifts from their words."""
    single = {name: kind.parse(options[name]) for name, kind in RULES.items() if options.get(name) is not None}
    drift = tuple(map(Drift.parse, options.get("drift") or ())) or None
    return single | {"drift": drift}


def _check_words(changes: Iterable[str], options: Iterable[str]) -> None:
    """Raise ValueError for an option that is written as a parameter; `override` knows those that change a recipe."""
    for change in changes:
        name, _, value = change.partition("=")
        if name in options and name not in OPTIONS:
            raise ValueError(is_option(name, value))


def _original(recipe: Recipe, style: str | None, changes: list[str] | None) -> Recipe:
    from slvm_data.recipe.original import as_original

    if style or any(change.startswith("motion=") for change in changes or ()):
        raise ValueError("--original decides motion and style by itself: leave motion= and --style out")
    return as_original(recipe)


def _in_folders(recipe: Recipe, layout: Layout | None, folder: str | None) -> Recipe:
    """The recipe with the folders of a layout of our own formats."""
    if layout and folder:
        raise ValueError(f"layout {layout.name} names the folders by itself: leave --folder-name {folder} out")
    return replace(recipe, folder=layout.folder) if layout else recipe


def _carry_out_in(recipe: Recipe, out: Path | None, layout: Layout, largest: int | None, **options: Any) -> None:
    """Generate in a layout of other programs, and report the result."""
    from slvm_data.run.generation_in_layout import generate_in
    from slvm_data.store import manifest

    start = time.monotonic()
    _warn(recipe)
    folder = generate_in(recipe, out, layout, largest, **options)
    content = manifest.read_any(folder)
    assert isinstance(content, manifest.Copy)
    size = sum(checksum.bytes for checksum in content.files.values())
    took = time.monotonic() - start
    print(f"{folder}: {len(content.files)} files for {layout.readers}, {size / 1e6:.1f} MB, in {took:.1f} s")
    report_left_out(content)


def report_left_out(content: Copy) -> None:
    """Print which arrays a layout does not hold."""
    if content.left_out:
        print(f"left out, since layout {content.layout} does not hold them: {', '.join(content.left_out)}")


def _carry_out(recipe: Recipe, out: Path | None, **options: Any) -> None:
    """Generate, and report the result."""
    from slvm_data.run.generation import generate
    from slvm_data.store import manifest

    start = time.monotonic()
    _warn(recipe)
    folder = generate(recipe, out, **options)
    if not (folder / manifest.NAME).is_file():
        print(f"{folder}: this share is there, other shares are missing: slvm-data status {folder}")
        return
    content = manifest.read(folder)
    count = sum(file.rows for file in content.files.values())
    size = sum(file.bytes for file in content.every_file().values())
    print(f"{folder}: {count} sequences, {size / 1e6:.1f} MB, in {time.monotonic() - start:.1f} s")
    _report(recipe, [entry for entry in content.certificate if entry.error is not None], folder)


def _part(shards: str | None) -> tuple[int, int] | None:
    """Convert a text such as `3/10` to two numbers."""
    if shards is None:
        return None
    try:
        i, n = map(whole, shards.split("/"))
    except ValueError:
        raise ValueError(f"shards = {shards!r} has to be i/N, such as 0/10") from None
    return i, n


def _warn(recipe: Recipe) -> None:
    """Warn about parameters whose range gives only one value, since there is only one trajectory."""
    if recipe.windows and not recipe.windows.separate:
        ranges = [name for s in recipe.tasks for name in s.parameters() if not np.array_equal(*s.range_of(name))]
        for name in dict.fromkeys(ranges):
            print(
                f"warning: {name} is drawn once per trajectory, and there is one trajectory: add --trajectories",
                file=sys.stderr,
            )


def _report(recipe: Recipe, certificate: list[Certificate], folder: Path) -> None:
    """Print the accuracy of the integration, if the motion was integrated."""
    from slvm_data.simulation.certificate import TOLERANCE

    error = max((entry.error or 0.0 for entry in certificate), default=0.0)
    accuracy = f"max. integration error {error:.1e}; " if certificate else ""
    if horizons := [entry.horizon for entry in certificate if entry.horizon is not None]:
        accuracy += f"trajectories diverge by chaos after {min(horizons)} frames; "
    print(f"{accuracy}more: slvm-data info {folder}")
    if error > TOLERANCE:
        h = min(recipe.interval(entry.task) / (entry.substeps or 1) for entry in certificate) / 2
        print(f"warning: this is inaccurate, try substep={h:.2g}", file=sys.stderr)


def main(recipe: Recipe) -> NoReturn:
    """Run the file of a dataset as a script, with the options of `slvm-data generate` and parameters as KEY=VALUE."""
    app = typer.Typer(add_completion=False, context_settings=HELP, rich_markup_mode=None)
    app.command(help=recipe.about.strip())(command(lambda _: recipe))
    parser: Any = typer.main.get_command(app)
    carry_out = parser.callback
    windows = (*of(Windowing), TRAJECTORIES.field, "observation")
    hidden = ("dataset", *(("original",) if recipe.windows else windows))
    unused = {p.name: p.default for p in parser.params if p.name in hidden} | {"dataset": recipe.name}
    parser.params = [option for option in parser.params if option.name not in hidden]
    parser.callback = lambda **options: carry_out(**unused, **options)
    call(parser)


def call(parser: Callable[..., Any], name: str | None = None) -> NoReturn:
    """Run a command line. An error is one sentence: exit code 2 for the request, 1 for damaged data.

    The help calls it `name`; without one, as it was called.
    """
    interruption.listen()
    late.before += [devices.compute_where_asked, program_cache.use]  # the last one first
    with streams.safe():
        _carried_out(partial(parser, prog_name=name, standalone_mode=False))


def _carried_out(parser: Callable[..., Any]) -> NoReturn:
    try:
        sys.exit(_uninterrupted(parser))
    except (DamageError, WorkersError) as error:
        _complain(error, 1)
    except BrokenPipeError:  # the reader of our output has stopped reading
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
        _complain(_plain(error), 2)


def _plain(error: Any) -> str:
    """What Typer says of a command line, with the way out."""
    help_ = f"`{error.ctx.command_path} --help`" if error.ctx else "--help"
    if name := getattr(error, "option_name", ""):
        return _no_option(error, help_) if hasattr(error, "possibilities") else f"{name} needs a value behind it"
    if type(error) is typer.BadParameter and error.param:
        return f"{error.param.opts[0]} {error.message}"
    text = error.format_message().rstrip(".").replace("Got unexpected extra argument(s)", "There is a word too many")
    return text if "Did you mean" in text else f"{text}: {help_} shows what there is"


def _no_option(error: Any, help_: str) -> str:
    """What to say of an option that a command does not have: it may be a parameter with dashes in front."""
    option, own = _whole_word(error.option_name), error.ctx.command.params
    takes, name = any(one.name == "changes" for one in own), option.lstrip("-")
    near = difflib.get_close_matches(option, [word for one in own for word in one.opts], n=1, cutoff=0.7)
    if not near and named(name):
        return f"{option} is an option of `slvm-data generate`, not of this command: leave it out"
    if takes and (name in _parameters() or not near):
        return f"there is no option {option}; a parameter is written without dashes: {name}={_value_of(option)}"
    return f"there is no option {option}; {f'did you mean {near[0]}?' if near else f'{help_} shows all'}"


def _whole_word(option: str) -> str:
    """The word that an option stands in: of `-train`, Typer reads `-t` alone."""
    begun = (word.partition("=")[0] for word in sys.argv if word.startswith(option))
    return option if option.startswith("--") else next(begun, option)


def _parameters() -> set[str]:
    """Names of parameters and hyperparameters of all systems."""
    from slvm_data.recipe.serialisation import KNOWN

    return {name for kind in KNOWN.values() for name in (*kind.parameters(), *kind.hyperparameters())}


def _value_of(option: str) -> str:
    """The value that an option has on the command line."""
    for word, after in zip(sys.argv, [*sys.argv[1:], "3"], strict=True):
        name, equals, value = word.partition("=")
        if name == option:
            return value if equals else after
    return "3"


def _uninterrupted(parser: Callable[..., Any]) -> Any:
    """Run a command line and return its exit code, unless it is interrupted."""
    try:
        code = parser([_at_home(word) for word in sys.argv[1:]])
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except interruption.Terminated:
        code = TERMINATED
    if code in (INTERRUPTED, TERMINATED):  # Typer itself makes the first one of Ctrl-C
        _leave(code)
    return code


def _at_home(word: str) -> str:
    """A word of the command line with the home folder for `~`, also in `--out=~/x`, where not every shell puts it."""
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return f"{option}{equals}{at_home(value)}" if value.startswith("~") else word


def _leave(code: int) -> NoReturn:
    """Exit at once: at a usual exit XLA frees what a compilation that was interrupted still uses, and crashes."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _complain(error: object, code: int) -> NoReturn:
    print(f"error: {sentence(error)}", file=sys.stderr)
    sys.exit(code)
