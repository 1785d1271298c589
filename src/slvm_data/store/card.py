"""The dataset card: `README.md` beside the data, for whoever finds the folder."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from slvm_data.store.manifest import CARD
from slvm_data.store.npz import sha256, stands_once, whole


def write(folder: Path, content: dict[str, Any]) -> str:
    """Write the card from a manifest; its sha256."""
    with whole(folder / CARD) as file:
        file.write(text(content).encode())
    return sha256(folder / CARD)


def text(content: dict[str, Any]) -> str:
    """The card in Markdown."""
    recipe = content["recipe"]
    sections = {
        "": f"# {recipe['name']}\n\n{html.escape(recipe['about'].strip(), quote=False)}",
        "As the original": ORIGINAL if recipe.get("original") else "",
        "Equation": "```\n" + content["equation"].replace("```", "") + "\n```",
        "Tasks": _tasks(recipe["tasks"]),
        "Files": _files(content["files"] | content.get("combined", {})),
        "Arrays": _arrays(content["files"]),
        "Time": _time(recipe, content["certificate"]),
        "Windows": of_windows(recipe["windows"]) if recipe.get("windows") else "",
        "Accuracy": _accuracy(content["certificate"]),
        "Regimes": _regimes(content["certificate"]),
        "Use": _use(*next(iter(content["files"].items()))),
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
    if isinstance(value, list | tuple):
        return f"({', '.join(map(constant, value))})"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "automatic" if value is None else str(value)


def _files(files: dict[str, Any]) -> str:
    rows = [[name, _count(file), f"{file['bytes'] / 1e6:.2f} MB"] for name, file in files.items()]
    return _table(["file", "sequences", "size"], rows)


def _count(file: dict[str, Any]) -> int:
    return file["arrays"]["label"]["shape"][0]


ORIGINAL = (
    "Written with `--original`: what the script in use would have written for these draws, but for the labels. Frame t "
    "shows `state[t]`, of a ball the state before it; balls move by the contact rule of a game engine and are drawn as "
    "its debugging view does; of other systems a film begins at the start or one frame later."
)
MEANINGS = {
    "image": "frame t shows `state[t]`, unless said otherwise; row 0 is the least y",
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
    "labels": "regime at each frame",
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
        once = stands_once(name, array["shape"], file["arrays"]["label"]["shape"])
        own = array["shape"] if once else ["N", *array["shape"][1:]]
        shapes.setdefault(name, {})[" × ".join(map(str, own))] = None
    types = {name: array["dtype"] for name, array, _ in arrays}

    def meaning(name: str) -> str:
        return MEANINGS.get(name, f"the constant {name.removeprefix('param_')}, as drawn for the sequence")

    rows = [[f"`{name}`", " or ".join(found), types[name], meaning(name)] for name, found in shapes.items()]
    return _table(["key", "shape", "type", "what"], rows)


def _time(recipe: dict[str, Any], certificate: list[dict[str, Any]]) -> str:
    dt = recipe["dt"] if isinstance(recipe["dt"], list) else [recipe["dt"]]
    substeps = sorted({entry["substeps"] for entry in certificate if entry["substeps"]})
    steps = f", simulated with {' or '.join(map(str, substeps))} Runge–Kutta steps of order 8 to the frame"
    path = " of a path" * bool(recipe.get("windows"))
    frames = f"{recipe['steps']} frames{path}, Δt = {' or '.join(f'{x:g}' for x in sorted(set(dt)))} s"
    return frames + steps * bool(substeps) + "."


def _accuracy(certificate: list[dict[str, Any]]) -> str:
    head = ["task", "largest error", "largest energy drift", "rejected", "constants drawn"]

    def row(entry: dict[str, Any]) -> list[Any]:
        error, drift = ("" if x is None else f"{x:.1e}" for x in (entry["error"], entry["energy_drift"]))
        drawn = ", ".join(f"{k} {v['least']:.4g} … {v['most']:.4g}" for k, v in entry["coverage"].items())
        return [entry["task"], error, drift, f"{entry['rejection_rate']:.2%}", drawn]

    note = (
        "Error against twice as many substeps, where the motion is integrated, and relative drift of energy, where it "
        f"is kept, on {certificate[0]['sample']} sequences."
    )
    return f"{note}\n\n{_table(head, [row(entry) for entry in certificate])}"


def of_windows(windows: dict[str, Any]) -> str:
    """How windows lie on a path, in words."""
    split = "each split has whole paths of its own" if windows["whole"] else "the splits are parts of one path"
    return (
        f"Windows of {windows['length']} frames, {windows['stride']} apart; before each query {windows['contexts']} of "
        f"context, {windows['spacing']} apart, the last of which ends right before it; {split}."
    )


def _regimes(certificate: list[dict[str, Any]]) -> str:
    """For each task how long it is in each regime, and what follows what."""
    head = ["task", "regime", "share of frames", "frames at a stretch", "followed by 0, 1, …"]
    rows = [
        [entry["task"], k, f"{share:.3f}", "" if dwell is None else f"{dwell:.1f}", ", ".join(map(str, follows))]
        for entry in certificate
        if "occupancy" in entry
        for k, (share, dwell, follows) in enumerate(
            zip(entry["occupancy"], entry["dwell"], entry["transitions"], strict=True)
        )
    ]
    if not rows:
        return ""
    ratios = [f"{e['signal_to_noise_db']:.1f} dB" for e in certificate if e.get("signal_to_noise_db") is not None]
    notes = [f"Signal to noise: {', '.join(ratios)}."] if ratios else []
    notes += [f"Frames in windows of more than one split: {e['leakage']}." for e in certificate if "leakage" in e]
    return "\n\n".join([_table(head, rows), *notes])


def _use(first: str, file: dict[str, Any]) -> str:
    reads = '    frames, states = data["image"].astype("float32"), data["state"]'
    if "queries" in file["arrays"]:
        reads = "\n".join(f'    {name} = data["{name}"]' for name in ("queries", "domains", "labels", "latents"))
    elif "image" not in file["arrays"]:
        reads = '    signals, regimes = data["signal"], data["mode"]'
    return f'```python\nimport numpy as np\n\nwith np.load("{first}", allow_pickle=False) as data:\n{reads}\n```'
