"""The dataset card: `README.md` beside the data, for whoever finds the folder."""

from __future__ import annotations

import html
import math
from pathlib import Path, PurePosixPath
from typing import Any

from slvm_data.store import elsewhere, formats
from slvm_data.store.manifest import CARD, PREVIEW, binary
from slvm_data.store.npz import sha256, stands_once, whole


def write(folder: Path, content: dict[str, Any], front: str = "") -> str:
    """Write the card from a manifest, after what stands in `front` of it; its sha256."""
    with whole(folder / CARD) as file:
        file.write((front + text(content)).encode())
    return sha256(folder / CARD)


def text(content: dict[str, Any]) -> str:
    """The card in Markdown."""
    recipe = content["recipe"]
    sections = {
        "": f"# {recipe['name']}\n\n{html.escape(recipe['about'].strip(), quote=False)}",
        "The first sequences": f"![The first sequences, in step]({PREVIEW})" if "preview" in content else "",
        "As the original": ORIGINAL if recipe.get("original") else "",
        "Equation": "```\n" + content["equation"].replace("```", "") + "\n```",
        "Tasks": _tasks(recipe["tasks"]),
        "Files": _files(content["files"] | content.get("combined", {})),
        "Arrays": _arrays(content["files"] | content.get("series", {})),
        "Time": _time(recipe, content["certificate"]),
        "Windows": of_windows(recipe["windows"]) if recipe.get("windows") else "",
        "Accuracy": _accuracy(content["certificate"]),
        "Regimes": _regimes(content["certificate"]),
        "Use": _use(recipe, *next(iter(content["files"].items()))),
        "Make it again": _again(content),
        "Source": f"Distributions of parameters and starts: {html.escape(recipe['source'])}"
        if recipe["source"]
        else "",
    }
    parts = [f"## {title}\n\n{body}" if title else body for title, body in sections.items() if body]
    return "\n\n".join(parts) + "\n"


def _again(content: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in content["versions"].items())
    ours = all("." not in task["system"] for task in content["recipe"]["tasks"])
    command = (
        "```sh\nslvm-data generate dataset.json --out again\n```" if ours else "With the file that defines its system."
    )
    return f"{command}\n\nMade with {versions}, on {content['machine']['cpu']}."


def _table(head: list[str], rows: list[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _tasks(tasks: list[dict[str, Any]]) -> str:
    head = list(tasks[0])
    if all(list(task) == head for task in tasks):
        return _table(["label", *head], [[i, *map(_escaped, task.values())] for i, task in enumerate(tasks)])
    rows = [[i, task["system"], html.escape(of_system(task))] for i, task in enumerate(tasks)]
    return _table(["label", "system", "constants and settings"], rows)


def _escaped(value: Any) -> str:
    return html.escape(constant(value))


def of_system(task: dict[str, Any]) -> str:
    """Constants and settings of a system from a manifest, in words."""
    return ", ".join(f"{name} {constant(value)}" for name, value in task.items() if name != "system")


def constant(value: Any) -> str:
    """A constant or setting from a manifest, as one writes it."""
    if isinstance(value, dict):
        return f"{value['low']:g} … {value['high']:g}"
    if isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple):
        return "as in dataset.json"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(constant, value))})"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "automatic" if value is None else str(value)


def _files(files: dict[str, Any]) -> str:
    cut = any("paths" in file for file in files.values())
    head = ["file", "windows", "of paths", "size"] if cut else ["file", "sequences", "size"]
    rows = [
        [name, _count(file), *[file.get("paths", "")] * cut, f"{file['bytes'] / 1e6:.2f} MB"]
        for name, file in files.items()
    ]
    return _table(head, rows)


def _count(file: dict[str, Any]) -> int:
    return file["arrays"]["label"]["shape"][0]


ORIGINAL = (
    "Written with `--original`: what the script in use would have written for these draws, but for the labels. Frame t "
    "shows `state[t]`, of a ball the state before it; balls move by the contact rule of a game engine and are drawn as "
    "its debugging view does; of other systems a film begins at the start or one frame later."
)
MEANINGS = {
    "image": "frame t shows `state[t]` (of windows, `latents[t]`), unless said otherwise; row 0 is the least y",
    "state": "positions first, then momenta or velocities; frame 0 is the start, unless said otherwise",
    "label": "number of the task",
    "time": "instants of the frames [s]",
    "dx_dt": "time derivative of the state, with friction",
    "energy": "the Hamiltonian [J]",
    "event_time": "instants of impacts [s], 0 beyond the last",
    "event_wall": "0 left, 1 right, 2 top, 3 bottom (largest y), -1 beyond the last impact",
    "event_before": "velocity before the impact",
    "event_after": "velocity after it",
    "offset": "shift of the camera [m]",
    "color_index": "hue of each body",
    "queries": "signal of each window",
    "domains": "signal of the windows of context before it, in the order of time",
    "labels": "regime at each frame (`label` is the number of the task)",
    "latents": "what the emission sees, without noise",
    "domain_image": "frames of the windows of context",
    "mode": "regime at each frame",
    "latent": "what the emission sees, without noise",
    "signal": "emission of the latents, with noise",
    "path": "number of the path that a window is cut from",
    "series_time": "instants of the uncut paths",
}


def _arrays(files: dict[str, Any]) -> str:
    """Every array of any task, with all the shapes that a sequence has of it."""
    arrays = [(name, array, file) for file in files.values() for name, array in file["arrays"].items()]
    shapes: dict[str, dict[str, None]] = {}
    for name, array, file in arrays:
        once = stands_once(name, array["shape"], file["arrays"])
        own = array["shape"] if once else ["N", *array["shape"][1:]]
        shapes.setdefault(name, {})[" × ".join(map(str, own))] = None
    types = {name: array["dtype"] for name, array, _ in arrays}
    rows = [[f"`{name}`", " or ".join(found), types[name], meaning(name)] for name, found in shapes.items()]
    return _table(["key", "shape", "type", "what"], rows)


def meaning(name: str) -> str:
    """What an array holds."""
    return MEANINGS.get(name, f"the constant {name.removeprefix('param_')}, as drawn for the sequence")


def _time(recipe: dict[str, Any], certificate: list[dict[str, Any]]) -> str:
    dt = recipe["dt"] if isinstance(recipe["dt"], list) else [recipe["dt"]]
    substeps = sorted({entry["substeps"] for entry in certificate if entry["substeps"]})
    plural = "s" * (substeps != [1])
    steps = f", simulated with {' or '.join(map(str, substeps))} Runge–Kutta step{plural} of order 8 to the frame"
    path = " of a path" * bool(recipe.get("windows"))
    frames = f"{recipe['steps']} frames{path}, Δt = {' or '.join(f'{x:g}' for x in sorted(set(dt)))} s"
    return frames + steps * bool(substeps) + "."


def _accuracy(certificate: list[dict[str, Any]]) -> str:
    head = ["task", "largest error", "largest energy drift", "rejected", "constants drawn"]

    def row(entry: dict[str, Any]) -> list[Any]:
        error, drift = ("" if x is None else f"{x:.1e}" for x in (entry["error"], entry["energy_drift"]))
        drawn = ", ".join(f"{k} {_span(v['least'], v['most'])}" for k, v in entry["coverage"].items())
        return [entry["task"], error, drift, f"{entry['rejection_rate']:.2%}", drawn]

    note = (
        "Error against twice as many substeps, where the motion is integrated, and relative drift of energy, where it "
        f"is kept, on {certificate[0]['sample']} sequences."
    )
    return f"{note}\n\n{_table(head, [row(entry) for entry in certificate])}"


def _span(low: float, high: float) -> str:
    return f"{low:.4g}" if low == high else f"{low:.4g} … {high:.4g}"


def of_windows(windows: dict[str, Any]) -> str:
    """How windows lie on a path, in words."""
    apart = f"the splits are parts of one path, {windows['gap']} frames apart"
    split = "each split has whole paths of its own" if windows["whole"] else apart
    before = f"before each {windows['contexts']} windows of context, {windows['spacing']} apart, up to the query"
    context = before if windows["contexts"] else "without context"
    return f"Queries of {windows['length']} frames, {windows['stride']} apart, {context}; {split}."


def _regimes(certificate: list[dict[str, Any]]) -> str:
    """For each task how long it is in each regime, and what follows what."""
    head = ["task", "regime", "share of frames", "frames at a stretch", "then regime: times"]
    rows = [
        [entry["task"], k, f"{share:.3f}", "" if dwell is None else f"{dwell:.1f}", _others(k, follows)]
        for entry in certificate
        if "occupancy" in entry
        for k, (share, dwell, follows) in enumerate(
            zip(entry["occupancy"], entry["dwell"], entry["transitions"], strict=True)
        )
    ]
    if not rows:
        return ""
    known = [e["signal_to_noise_db"] for e in certificate if "signal_to_noise_db" in e]
    ratios = ", ".join("no noise" if ratio is None else f"{ratio:.1f} dB" for ratio in known)
    leaks = [str(e["leakage"]) for e in certificate if "leakage" in e]
    notes = [f"Signal to noise, by task: {ratios}."]
    notes += [f"Frames in windows of more than one split, by task: {', '.join(leaks)}."] if leaks else []
    return "\n\n".join([_table(head, rows), *notes])


def _others(k: int, follows: list[int]) -> str:
    """What came after regime k, and how often."""
    return ", ".join(f"{j}: {n}" for j, n in enumerate(follows) if n and j != k)


def _use(recipe: dict[str, Any], first: str, file: dict[str, Any]) -> str:
    if (export := PurePosixPath(first).suffix.removeprefix(".")) in formats.EXPORTS:
        return elsewhere.use(export, recipe, first, file)
    return (_use_of_zarr if first.endswith(".zarr") else _use_of_npz)(recipe, first, file) + _loading(recipe)


def _use_of_npz(recipe: dict[str, Any], first: str, file: dict[str, Any]) -> str:
    del recipe
    reads = '    frames, states = data["image"].astype("float32"), data["state"]'
    if "queries" in file["arrays"]:
        reads = "\n".join(f'    {name} = data["{name}"]' for name in WINDOWS)
    elif "image" not in file["arrays"]:
        reads = '    signals, regimes = data["signal"], data["mode"]'
    return f'```python\nimport numpy as np\n\nwith np.load("{first}", allow_pickle=False) as data:\n{reads}\n```'


def _loading(recipe: dict[str, Any]) -> str:
    """How PyTorch reads it."""
    loader = "Windows" if recipe.get("windows") else "Sequences"
    lines = [f"from slvm_data.load import {loader}", "from torch.utils.data import DataLoader", ""]
    lines += [f'batches = DataLoader({loader}("."), batch_size=64, shuffle=True)  # in this folder']
    return "\n\n```python\n" + "\n".join(lines) + "\n```"


WINDOWS = ("queries", "domains", "labels", "latents")


def _use_of_zarr(recipe: dict[str, Any], first: str, file: dict[str, Any]) -> str:
    names = WINDOWS if "queries" in file["arrays"] else ("state",) if "image" in file["arrays"] else ("signal", "mode")
    lines = [f'{name} = data["{name}"][:100]' for name in names]
    if "image" in file["arrays"] and binary(recipe):
        shape = file["arrays"]["image"]["shape"]
        frame = ", ".join(map(str, shape[2:]))
        lines += [
            'packed = data["image"][:100]  # eight pixels to the octet',
            f"bits = np.unpackbits(packed, axis=-1, count={math.prod(shape[2:])})",
            f"frames = bits.reshape(*packed.shape[:2], {frame})",
        ]
    opened = f'data = zarr.open_group("{first}", mode="r")'
    return "```python\nimport numpy as np\nimport zarr\n\n" + "\n".join([opened, *lines]) + "\n```"
