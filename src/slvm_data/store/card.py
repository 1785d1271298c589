"""The dataset card: `README.md` beside the data, for everyone who opens the folder."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import Field, fields
from math import prod
from pathlib import Path
from typing import Any

from slvm_data import arrays
from slvm_data.core.fields import Limits
from slvm_data.core.files import atomic
from slvm_data.core.json_tree import Json
from slvm_data.core.kinds import Kind
from slvm_data.core.names import hub_split
from slvm_data.core.text import numbers, visible
from slvm_data.observe.modifiers import CLEAN
from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.bibliography import bibtex
from slvm_data.recipe.outline import Outline, StoredRecipe, SystemRecord
from slvm_data.recipe.split_words import written
from slvm_data.store.manifest import CARD, PREVIEW, Certificate, Checksum, Copy, FileEntry, Manifest, RegimeStatistics

ORIGINAL = (
    "Written with `--original`: what the original script would have written for these draws, but for the labels. Frame "
    "t shows `state[t]`, of a ball the state before it; balls move by the contact rule of a game engine and are drawn "
    "as its debugging view does; of other systems a sequence begins at the start or one frame later."
)
ZERO_AND_ONE = (
    "Frames are of 0 and 1. For a program that divides by 255: "
    "`slvm-data convert . ../copy --layout plain --range 255`."
)
COLORS = {
    "binary": "Frames are binary: of 0 and 1.",
    "grey": "Frames are grey: of 0 to 255, in one channel.",
    "rgb": "Frames are coloured: of 0 to 255, in three channels.",
}
SHOWN = ("image", "queries", "signal", "state", "domains", "labels", "mode", "latents")  # in the lines that read a file


def write(folder: Path, content: Manifest, front: str = "") -> Checksum:
    """Write the card of a manifest; the text `front` comes before it."""
    with atomic(folder / CARD) as file:
        file.write((front + text(content)).encode())
    return Checksum.of(folder / CARD)


def write_copy(folder: Path, copy: Copy, readers: str, note: str) -> Checksum:
    """Write the card of a copy in the layout of other programs."""
    with atomic(folder / CARD) as file:
        file.write(text_of_copy(copy, readers, note).encode())
    return Checksum.of(folder / CARD)


def text_of_copy(copy: Copy, readers: str, note: str) -> str:
    """The card of a copy in Markdown."""
    recipe = copy.recipe
    left = ", ".join(f"`{name}`" for name in copy.left_out)
    made = ", ".join(" ".join(pair) for pair in copy.versions.items())
    ranged = f" --range {copy.largest}" if copy.largest else ""
    again = f"slvm-data generate dataset.json --layout {copy.layout}{ranged} --out again"
    parts = (
        f"# {copy.name}, in the layout `{copy.layout}`\n\n{html.escape(recipe.about.strip(), quote=False)}",
        f"For {readers}{f': {note}' if note else ''}.",
        f"Arrays of the dataset that this layout leaves out: {left}." if left else "",
        f"## Make it again\n\n```sh\n{again}\n```\n\nMade with {html.escape(_cell(made))}.",
        f"## Source\n\n{_cited(recipe, copy.versions)}",
        f"## Licence\n\n{recipe.license}",
    )
    return visible("\n\n".join(filter(None, parts))) + "\n"


def text(content: Manifest) -> str:
    """The card in Markdown."""
    recipe = content.recipe
    sections = {
        "": f"# {recipe.name}\n\n{html.escape(recipe.about.strip(), quote=False)}",
        "The first sequences": f"![The first sequences, playing together]({PREVIEW})" if content.preview else "",
        "As the original": ORIGINAL if recipe.original else "",
        "Equation": "```\n" + content.equation.replace("```", "") + "\n```",
        "Tasks": _tasks(recipe.tasks),
        "Splits": _splits(content),
        "Files": _files(content.every_file()),
        "Arrays": _arrays(content),
        "Time": _time(recipe, content.certificate),
        "Motion": _listed(of_motion(recipe)),
        "Observation": _listed(of_observation(recipe)),
        "Windows": of_windows(recipe.windows) if recipe.windows else "",
        "Validation report": _accuracy(content.certificate),
        "Regimes": _regimes(content.certificate),
        "Use": _use(content),
        "Make it again": _again(content),
        "Files that define its systems": _own(content),
        "Source": _cited(recipe, content.versions),
        "Licence": recipe.license,
    }
    parts = [f"## {title}\n\n{body}" if title else body for title, body in sections.items() if body]
    return visible("\n\n".join(parts)) + "\n"


def _cited(recipe: StoredRecipe, versions: dict[str, str]) -> str:
    """What to cite: the source in words, its BibTeX if the paper is known, and that of this package."""
    entries = bibtex(recipe.source, html.escape(_cell(versions.get("slvm-data", "")))).replace("```", "")
    said = f"Please cite: {html.escape(recipe.source)}\n\n" if recipe.source else ""
    return f"{said}```bibtex\n{entries}\n```"


def _again(content: Manifest) -> str:
    versions = ", ".join(" ".join(pair) for pair in content.versions.items())
    ours = all("." not in task.system for task in content.recipe.tasks)
    command = (
        "```sh\nslvm-data generate dataset.json --out again\n```" if ours else "With the file that defines its system."
    )
    made = f"Made with {versions}, on {content.machine.get('cpu', 'an unknown processor')}."
    return f"{command}\n\n{html.escape(_cell(made))}"


def _own(content: Manifest) -> str:
    """The texts of the user's own files."""
    if not content.own_files:
        return ""
    said = (
        "Kept in `dataset.json`. They are run only if you ask for it, with `--recipe stored` at `verify`, `repair`, "
        "`view` and `gif`: read them first."
    )
    texts = [(own, own.data().decode("utf-8", "replace").strip()) for own in content.own_files.values()]
    return "\n\n".join(
        [said, *(f"`{own.file}`, sha256 {own.sha256}:\n\n````python\n{_fenced(text)}\n````" for own, text in texts)]
    )


def _fenced(text: str) -> str:
    """A text for a fence of four marks, in which no line ends the fence."""
    return text.replace("````", "")


def _table(head: list[str], rows: list[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def _tasks(tasks: Iterable[SystemRecord]) -> str:
    """Table of the tasks with the values of their systems, one column per value if all systems have the same fields."""
    tasks = list(tasks)
    names = list(tasks[0].values)
    if all(list(task.values) == names for task in tasks):
        rows = [[i, task.system, *map(value_text, task.values.values())] for i, task in enumerate(tasks)]
        head = ["label", "system", *names]
    else:
        rows = [[i, task.system, of_system(task)] for i, task in enumerate(tasks)]
        head = ["label", "system", "parameters and hyperparameters"]
    return _table(_escaped(head), [_escaped(row) for row in rows])


def _escaped(cells: Iterable[Any]) -> list[str]:
    return [html.escape(str(cell)) for cell in cells]


def of_system(task: SystemRecord) -> str:
    """Parameters and hyperparameters of a system, in words."""
    return ", ".join(f"{name} {value_text(value)}" for name, value in task.values.items())


def value_text(value: Json) -> str:
    """A parameter or hyperparameter from a manifest, as text for the card."""
    if isinstance(value, dict):
        ends = [value["low"], *(value.get("gap") or ()), value["high"]]  # as they are: a manifest may hold any
        if ends[::2] == ends[1::2] and len(ends) > 2:  # one of two values
            return " or ".join(f"{end:g}" for end in ends[::2])
        return ", ".join(f"{low:g} … {high:g}" for low, high in zip(ends[::2], ends[1::2], strict=True))
    if isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple):
        return "as in dataset.json"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(value_text, value))})"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "automatic" if value is None else str(value)


def _files(files: dict[str, FileEntry]) -> str:
    if not any(file.trajectories for file in files.values()):
        rows = [[name, file.rows, _megabytes(file)] for name, file in files.items()]
        return _table(["file", "sequences", "size"], rows)
    rows = [[name, file.rows, file.trajectories or "", _megabytes(file)] for name, file in files.items()]
    return _table(["file", "windows, or trajectories", "cut from trajectories", "size"], rows)


def _megabytes(file: FileEntry) -> str:
    return f"{file.bytes / 1e6:.2f} MB"


def array_rows(content: Manifest) -> list[list[str]]:
    """The arrays, each with its name, the shapes that it has in the files, its type, unit and meaning."""
    shapes: dict[str, dict[str, None]] = {}
    types: dict[str, str] = {}
    for file in (content.files | content.series).values():
        for name, form in file.arrays.items():
            shapes.setdefault(name, {})[shape_text(form.row)] = None
            types[name] = form.dtype
    rows = []
    for name, found in shapes.items():
        unit = content.arrays[name].unit if name in content.arrays else arrays.info(name).unit
        rows.append([name, " or ".join(found), types[name], unit, arrays.info(name).meaning])
    return rows


def shape_text(row: tuple[int, ...]) -> str:
    """The shape of an array with N rows of this shape, as text."""
    return " × ".join(map(str, ("N", *row)))


def _arrays(content: Manifest) -> str:
    """Table of the arrays."""
    rows = [[f"`{name}`", *rest, html.escape(unit), meaning] for name, *rest, unit, meaning in array_rows(content)]
    return _table(["array", "shape", "type", "unit", "meaning"], rows)


def _time(recipe: StoredRecipe, certificate: Iterable[Certificate]) -> str:
    dt = sorted({recipe.dt_of(task) for task in range(len(recipe.tasks))})
    frames = f"{recipe.steps} frames{' of a trajectory' if recipe.windows else ''}"
    step, mean = " or ".join(f"{x:g}" for x in dt), " on average" if recipe.time else ""
    found = f"{frames} at irregular times (dt = {step} s)" if recipe.time else f"{frames}, Δt = {step} s"
    if most := max((entry.substeps or 0 for entry in certificate), default=0):
        steps = f"at most {most} Runge–Kutta steps" if most > 1 else "1 Runge–Kutta step"
        found += f", simulated with {steps} of order 8 per frame{mean}"
    return found + "."


def of_motion(recipe: Outline) -> list[str]:
    """What moves the systems, or when they are seen, beside their equation: a line for each of the recipe's kinds."""
    return [_member(one) for name, members in _kinds(recipe).items() if name != "observe" for one in members]


def of_observation(recipe: Outline) -> list[str]:
    """Lines about what is seen: colour of the frames, modifiers in their order, and arrays that belong to these."""
    colors = dict.fromkeys(recipe.view_of(task).color for task in range(len(recipe.tasks)))
    lines = [COLORS[color] for color in colors if recipe.has_frames()]
    lines += [_member(one) for one in recipe.observe]
    named = [name for one in recipe.observe for name in one.recorded] + [CLEAN] * (CLEAN in recipe.record)
    said = dict.fromkeys(name for name in named if name in arrays.TABLE)
    return lines + [f"Array `{name}`: {arrays.info(name).meaning}." for name in said]


def _kinds(recipe: Outline) -> dict[str, tuple[Any, ...]]:
    """Members of the families of `core.kinds` in a recipe, by field."""
    found = {field.name: getattr(recipe, field.name) for field in fields(recipe) if _limits(field).kinds}
    return {name: value if isinstance(value, tuple) else (value,) for name, value in found.items() if value}


def _limits(field: Field[Any]) -> Limits:
    return field.metadata.get("limits", Limits())


def _member(one: Kind) -> str:
    """A modifier or the like as it is written, and the first sentence of its description."""
    paragraph = " ".join((type(one).__doc__ or "").split("\n\n")[0].split())
    return f"`{one}`: {paragraph}"


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"* {html.escape(line, quote=False)}" for line in lines)


def _accuracy(certificate: tuple[Certificate, ...]) -> str:
    named = any(entry.split for entry in certificate)
    head = ["task", *(["split"] if named else []), "max. integration error", "max. energy drift", "resampled"]
    head.append("parameters drawn")

    def row(entry: Certificate) -> list[Any]:
        error, drift = ("" if x is None else f"{x:.1e}" for x in (entry.error, entry.energy_drift))
        error += "" if entry.horizon is None else f" in {entry.horizon} frames"
        drawn = ", ".join(f"{k} {_span(v.least, v.most)}" for k, v in entry.coverage.items())
        split = [entry.split or "train, val, test"] if named else []
        return [entry.task, *split, error, drift, f"{entry.rejection_rate:.2%}", html.escape(drawn)]

    sample = " or ".join(map(str, sorted({entry.sample for entry in certificate})))
    note = (
        "Error against an integration with twice as many substeps, where there is one, and relative drift of energy, "
        f"where it is constant, on {sample} sequences, or pieces of trajectories, per task. Resampled: share of "
        "candidates that were rejected and drawn again."
    )
    if any(entry.horizon is not None for entry in certificate):
        note += " After the frames that stand beside an error, trajectories diverge by chaos, however fine the step."
    return f"{note}\n\n{_table(head, [row(entry) for entry in certificate])}"


def _splits(content: Manifest) -> str:
    """Table of the named splits: how each differs from train, and how far its parameters are from those of train."""
    recipe = content.recipe
    if not recipe.splits and not recipe.held_out:
        return ""
    rows = []
    for name in recipe.split_names():
        entries = [entry for entry in content.certificate if entry.split == name]
        apart = dict.fromkeys(filter(None, map(_apart, entries)))
        asked = f"`{of_split(recipe, name)}`" if name in recipe.splits else ""
        tasks = numbers(recipe.tasks_of(name))
        rows.append([name, recipe.count(name), tasks, asked, html.escape("; ".join(apart))])
    head = ["split", "sequences per task", "tasks", "differs from train in", "distance of its parameters from train"]
    note = "Distances are between the values that were drawn, of each task to the nearest task of train."
    return f"{_table(head, rows)}\n\n{note}"


def of_split(recipe: Outline, name: str) -> str:
    """How a named split differs from train, as the command line writes it: `l=1.5..1.6 steps=60`."""
    return written(name, recipe.splits[name], recipe).partition(": ")[2].partition(" ")[2]


def _apart(entry: Certificate) -> str:
    """Distances of a certificate that are not 0, in words."""
    if entry.apart == {}:
        return "a system that train does not have"
    return ", ".join(f"{name} {value:.3g}" for name, value in (entry.apart or {}).items() if value)


def _span(low: float, high: float) -> str:
    return f"{low:.4g}" if low == high else f"{low:.4g} … {high:.4g}"


def of_windows(windows: Windowing) -> str:
    """How windows lie on a trajectory, in words."""
    split = f"the splits are parts of one trajectory, {windows.gap} frames apart"
    if windows.separate:
        split = "each split has trajectories of its own"
    context = "without context"
    if windows.contexts:
        context = f"each after {windows.contexts} context windows, {windows.spacing} apart, that end right before it"
    return f"Queries of {windows.length} frames, {windows.stride} apart, {context}; {split}."


def _regimes(certificate: Iterable[Certificate]) -> str:
    """For each task, how long the system is in each regime, and how often each regime follows another."""
    known = [(entry.task, entry.regimes) for entry in certificate if entry.regimes]
    if not known:
        return ""
    head = ["task", "regime", "occupancy", "mean dwell time [frames]", "transition counts, to regime: count"]
    rows = [row for task, regimes in known for row in _rows_of_regimes(task, regimes)]
    ratios = ["no noise" if r.signal_to_noise_db is None else f"{r.signal_to_noise_db:.1f} dB" for _, r in known]
    notes = [f"Signal to noise, by task: {', '.join(ratios)}."]
    if leaks := [str(regimes.leakage) for _, regimes in known if regimes.leakage is not None]:
        notes.append(f"Frames in windows of more than one split, by task: {', '.join(leaks)}.")
    return "\n\n".join([_table(head, rows), *notes])


def _rows_of_regimes(task: int, regimes: RegimeStatistics) -> list[list[Any]]:
    rows = []
    every = zip(regimes.occupancy, regimes.mean_dwell_time, regimes.transition_counts, strict=True)
    for k, (share, dwell, follows) in enumerate(every):
        others = ", ".join(f"{j}: {n}" for j, n in enumerate(follows) if n and j != k)
        rows.append([task, k, f"{share:.3f}", "" if dwell is None else f"{dwell:.1f}", others])
    return rows


def _use(content: Manifest) -> str:
    """Lines of Python that read the first file, and for our own formats a loader for PyTorch."""
    code = [_code([reading(content)])]
    if content.format.own:
        loader = "Windows" if content.recipe.windows else "Sequences"
        loading = [f"from slvm_data.load import {loader}", "from torch.utils.data import DataLoader", ""]
        batches = f'batches = DataLoader({loader}("."), batch_size=64, shuffle=True)  # in this folder'
        code.append(_code([*loading, batches]))
    if content.format.own and content.recipe.has_frames() and content.recipe.bit_packed():
        code.append(ZERO_AND_ONE)
    return "\n\n".join(code)


def reading(content: Manifest) -> str:
    """Lines of Python that read the first file."""
    name, entry = next(iter(content.files.items()))
    written = content.format
    config = f'"{content.recipe.folders()[entry.task]}", ' if len(content.recipe.tasks) > 1 else ""
    lines = [written.opening.format(file=name, config=config, split=hub_split(entry.split))]
    packed = written.name == "zarr" and content.recipe.bit_packed()
    shown = [array for array in SHOWN if array in entry.arrays and not (packed and arrays.pictures(array))]
    lines += [written.reading.format(name=array) for array in shown]
    if packed and "image" in entry.arrays:
        lines += _unpacking(entry)
        lines.insert(0, "import numpy as np")
    return "\n".join(lines)


def _unpacking(entry: FileEntry) -> list[str]:
    row = entry.arrays["image"].row
    picture = row[1:]
    return [
        'packed = data["image"][:100]  # bit-packed, 8 pixels per byte',
        f"bits = np.unpackbits(packed, axis=-1, count={prod(picture)})",
        f"frames = bits.reshape(*packed.shape[:2], {', '.join(map(str, picture))})",
    ]


def _code(lines: list[str]) -> str:
    return "```python\n" + "\n".join(lines) + "\n```"
