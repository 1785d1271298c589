"""Write docs/baselines.md and its pictures from docs/baselines.json, which scripts/baselines.py makes."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

DOCS = Path(__file__).parents[1] / "docs"
COLORS = {  # M. Okabe and K. Ito, told apart by everybody
    "last frame": "#8b949e",
    "linear": "#e69f00",
    "RSSM": "#0072b2",
    "latent ODE": "#d55e00",
    "test": "#8b949e",
    "near_length": "#56b4e9",
    "far_length": "#0072b2",
    "near_gravity": "#e69f00",
    "far_gravity": "#d55e00",
    "long": "#009e73",
}
LEARNED = ("RSSM", "latent ODE")
BEHIND = 1.1  # a forecast falls behind on a split if its error there is more than so many times that on test
OOD = "pendulum_ood"
TITLES = {
    "pendulum": "Pendulum",
    OOD: "Pendulum, other lengths and gravities than in training",
    "double_pendulum": "Double pendulum",
    "mixed_physics_held_out": "Mixed physics, by episodes",
    "cru_interpolation": "Pendulum with missing frames at irregular times",
    "nascar": "Switching dynamics",
}
ASKED = {
    "pendulum": "The model sees five frames and forecasts 25.",
    OOD: "The model sees five frames and forecasts 25, or 55 of `long`. It was trained on `train` alone.",
    "double_pendulum": "The model sees five frames and forecasts 25. The motion is chaotic.",
    "mixed_physics_held_out": (
        "The model sees five frames and forecasts 25. RSSM and latent ODE also get five other sequences of the same "
        "task as context. `new_system` are masses on springs, which training does not have. "
        "The numbers are means over tasks."
    ),
    "cru_interpolation": (
        "Half of the frames after the fifth are missing, and the times are irregular. The model sees all other frames, "
        "and gives every frame. All frames from number 5 on are scored against the clean ones, also those that the "
        "model saw. The last frame, the linear model and RSSM use only frames of the past; the latent ODE uses all."
    ),
    "nascar": (
        "Windows of 60 frames. The model sees 20 frames of the signal and forecasts 40. For the regimes, it sees the "
        "whole window and gives the regime of every frame; the number of regimes is given."
    ),
}
COLUMNS = ("mse", "ssim", "vpt", "centre_distance", "probe_linear", "probe_mlp", "signal_error")
REGIMES = ("accuracy", "f1", "nmi", "ari", "switch_distance")
UNITS = {
    "vpt": "vpt [frames]",
    "centre_distance": "centre_distance [px]",
    "switch_distance": "switch_distance [frames]",
}
HEAD = """# Baselines

Simple models on six protocols, with the [metrics](metrics.md) of `slvm-data evaluate`: numbers to compare a model of
your own with, and code to begin from. Each is a script of [`examples/baselines`](../examples/baselines) that trains on
`train` and writes its [forecast](evaluate.md) of all other splits:

| | |
|---|---|
| [`last_frame.py`](../examples/baselines/last_frame.py) | the last frame that the model sees, repeated |
| [`dmd.py`](../examples/baselines/dmd.py) | linear dynamics of principal components, by least squares |
| [`rssm.py`](../examples/baselines/rssm.py) | a recurrent state-space model |
| [`latent_ode.py`](../examples/baselines/latent_ode.py) | a latent ODE |
| [`regimes.py`](../examples/baselines/regimes.py) | regimes: linear dynamics that switch, by dynamax; or clusters |

```
scripts/baselines.py /tmp/baselines
```

makes all numbers, pictures and this page; after an interruption it continues. Training took {minutes} minutes
of one core in all. Numbers are of `test` unless a split is named. A number is the mean over seeds. Behind it are the
lowest and the highest end of the 95 % intervals of all seeds, so the interval includes the randomness of sequences and
of training. Where nothing is random, there is one seed. *Time* is the processor time of training and forecasts [s].
"""
TAIL = """## What the numbers do not show

* They are no ranking of methods. The networks are small, trained for one or two minutes, and have the same options on
  all protocols. A method that is last here may be first after an hour.
* Three seeds show how much chance there is, not how it is distributed.
* `mse` rewards a blurred forecast over a sharp one that is a little late; `vpt` and `centre_distance` do not. No
  baseline draws samples here, so nothing is said about calibration.
* A probe says that a latent holds the state, not that the model uses it.
* Scenes are small and plain, one or two bodies before one camera without noise: nothing is said about others.
* Sequences of the near and far splits may also be harder or easier in themselves, since other lengths and gravities
  move faster or slower: the error of the last frame on each split shows by how much.
"""


def page(content: dict[str, Any], missing: int = 0) -> str:
    """The page in Markdown, from the reports by protocol; it says how many runs are `missing`."""
    seconds = sum(run["seconds"] for own in content.values() for row in own["rows"].values() for run in runs(row))
    parts = [HEAD.format(minutes=f"{seconds / 60:.0f}")]
    parts += [f"**Incomplete:** {missing} runs are missing here: other seeds, and rows of tables.\n"] if missing else []
    parts += ["## What they show\n", *findings(content), ""]
    parts += [section(name, content[name]) for name in TITLES if name in content]
    return "\n".join([*parts, TAIL])


def runs(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The reports of all seeds of a baseline."""
    return list(row["seeds"].values())


def section(name: str, own: dict[str, Any]) -> str:
    """A protocol: what is asked, its tables, its picture, its commands."""
    rows = own["rows"]
    parts = [f"## {TITLES[name]}\n", ASKED[name] + "\n"]
    splits = dict.fromkeys(split for row in rows.values() for run in runs(row) for split in run["splits"])
    for split in [split for split in splits if name != OOD or split == "test"]:
        several = name != OOD and len(splits) > 1
        parts += [f"`{split}`:\n"] * several
        parts += [table(rows, split, COLUMNS), table(rows, split, REGIMES)]
    parts += [gap_table(rows)] if name == OOD else []
    parts += [f"![Error over the horizon: {name}](pictures/baselines/{name}.png)\n", commands(own)]
    return "\n".join(part for part in parts if part)


def commands(own: dict[str, Any]) -> str:
    """What makes the rows of a protocol."""
    lines = [f"slvm-data generate {own['generate']}"]
    for row in own["rows"].values():
        seeds = ", ".join(row["seeds"])
        lines.append(f"python3 {row['command']}" + f"   # seeds {seeds}" * (len(row["seeds"]) > 1))
    starts = dict.fromkeys(own["start"] if row["start"] is None else row["start"] for row in own["rows"].values())
    lines += [f"slvm-data evaluate forecast data --from {start}" for start in starts]
    return "```\n" + "\n".join(lines) + "\n```\n"


def table(rows: dict[str, Any], split: str, columns: Iterable[str]) -> str:
    """Numbers of a split, a row for each baseline that has one of these metrics."""
    found = {label: [cell(row, split, metric) for metric in columns] for label, row in rows.items()}
    there = [i for i, _ in enumerate(columns) if any(cells[i] != "–" for cells in found.values())]
    if not there:
        return ""
    names = [UNITS.get(metric, metric) for metric in columns]
    lines = [["", *(names[i] for i in there), "seeds", "time"], ["---"] * (len(there) + 3)]
    for label, cells in found.items():
        if any(cells[i] != "–" for i in there):
            every = runs(rows[label])
            lines.append(
                [label, *(cells[i] for i in there), str(len(every)), f"{mean(r['seconds'] for r in every):.0f}"]
            )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def cell(row: dict[str, Any], split: str, metric: str) -> str:
    """Mean over seeds, and the ends of their intervals."""
    found = numbers(row, split, metric)
    if not found:
        return "–"
    return f"{mean(m for m, _, _ in found):.3g} [{min(o[1] for o in found):.3g}, {max(o[2] for o in found):.3g}]"


def numbers(row: dict[str, Any], split: str, metric: str) -> list[list[float]]:
    """Mean, low and high of each seed that has the metric."""
    every = [run["splits"].get(split, {"metrics": {}})["metrics"].get(metric) for run in runs(row)]
    return [own for own in every if own is not None and None not in own]


def mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def ratios(row: dict[str, Any], split: str, metric: str = "mse") -> list[float]:
    """Of each seed, the error on a split divided by that on test."""
    return [
        far[0] / test[0] for far, test in zip(numbers(row, split, metric), numbers(row, "test", metric), strict=True)
    ]


def gap_table(rows: dict[str, Any]) -> str:
    """How many times the error on test the error on each named split is."""
    splits = [name for name in COLORS if any(numbers(row, name, "mse") for row in rows.values())]
    lines = [["", *(f"`{split}`" for split in splits)], ["---"] * (len(splits) + 1)]
    for label, row in rows.items():
        cells = [numbers(row, "test", "mse") and f"{mean(m for m, *_ in numbers(row, 'test', 'mse')):.3g}"]
        cells += [f"× {_spread(ratios(row, split))}" for split in splits if split != "test"]
        lines.append([label, *cells])
    text = (
        "The gap: `mse` on `test`, and how many times as large it is on each named split, [least, most] of the seeds.\n"
    )
    return text + "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _spread(values: list[float]) -> str:
    ends = f" [{min(values):.2f}, {max(values):.2f}]" if len(values) > 1 else ""
    return f"{mean(values):.2f}{ends}"


def findings(content: dict[str, Any]) -> list[str]:
    """What is asked of the baselines, and whether the numbers say so."""
    found = []
    if "pendulum" in content:
        rows = content["pendulum"]["rows"]
        found += [f"* {_beats(label, rows)}" for label in LEARNED if label in rows and "last frame" in rows]
    if OOD in content:
        rows = content[OOD]["rows"]
        found += [f"* {_behind(label, rows[label], rows.get('last frame'))}" for label in LEARNED if label in rows]
    return found + [f"* {line}" for name, own in content.items() for line in _weak(name, own["rows"])]


def _weak(name: str, rows: dict[str, Any]) -> list[str]:
    """Where a learned model only blurs, or is no better than linear dynamics."""
    found = []
    splits = dict.fromkeys(split for row in rows.values() for run in runs(row) for split in run["splits"])
    for split in [split for split in splits if name != OOD]:
        worth, apart = _means(rows, split, "mse"), _means(rows, split, "centre_distance")
        for label in [label for label in LEARNED if label in worth]:
            if _blurs(worth, apart, label):
                found.append(
                    f"On {_where(name, split)}, {label} mostly blurs: its `mse` is below that of the last frame, but "
                    f"its bodies are {apart[label]:.3g} px from their places, and those of the last frame "
                    f"{apart['last frame']:.3g} px."
                )
            if worth.get("linear", np.inf) < worth[label]:
                found.append(f"On {_where(name, split)}, linear dynamics have a lower `mse` than {label}.")
    return found


def _where(name: str, split: str) -> str:
    return f"`{name}`" if split == "test" else f"`{split}` of `{name}`"


def _blurs(worth: dict[str, float], apart: dict[str, float], label: str) -> bool:
    """Whether a model has less error than the last frame, but its bodies are farther from their places."""
    there = {label, "last frame"} <= worth.keys() & apart.keys()
    return there and worth[label] < worth["last frame"] and apart[label] > apart["last frame"]


def _means(rows: dict[str, Any], split: str, metric: str) -> dict[str, float]:
    """The mean over seeds of each baseline that has this metric."""
    found = {label: numbers(row, split, metric) for label, row in rows.items()}
    return {label: mean(m for m, *_ in own) for label, own in found.items() if own}


def _beats(label: str, rows: dict[str, Any]) -> str:
    """Whether the worst seed of a model is better than the last frame on pendulum."""
    own, last = numbers(rows[label], "test", "mse"), numbers(rows["last frame"], "test", "mse")
    word = "beats" if max(high for _, _, high in own) < last[0][1] else "does not beat"
    share = mean(m for m, *_ in own) / last[0][0]
    return f"On `pendulum`, {label} {word} the last frame: its `mse` is {share:.2f} of that of the last frame."


def _behind(label: str, row: dict[str, Any], last: dict[str, Any] | None) -> str:
    """Whether a model falls behind on the far splits."""
    parts = []
    for split in ("far_length", "far_gravity"):
        found = ratios(row, split)
        word = "falls behind" if min(found) > BEHIND else "does not clearly fall behind"
        other = f", that of the last frame {mean(ratios(last, split)):.2f} times" if last else ""
        parts.append(f"{word} on `{split}`, where its `mse` is {_spread(found)} times that on `test`{other}")
    return f"On `{OOD}`, {label} {', and '.join(parts)}."


def picture(name: str, own: dict[str, Any]) -> Figure:
    """Error over the horizon: of all baselines on test; of pendulum_ood, of the learned ones on all splits."""
    panels = [label for label in LEARNED if label in own["rows"]] if name == OOD else [""]
    figure = Figure(figsize=(5.2 * max(1, len(panels)) ** 0.7, 3.0), layout="constrained")
    every = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, label in zip(every, panels, strict=True):
        lines = _by_split(own["rows"][label]) if label else _by_baseline(own["rows"])
        for words, frames, curves in lines:
            _draw(axes, words, frames, curves)
        axes.set_title(label, fontsize="medium")
        axes.set_xlabel("frame")
        axes.spines[["top", "right"]].set_visible(False)
    every[0].set_ylabel("signal_error" if name == "nascar" else "mse")
    every[0].set_ylim(bottom=0)
    handles = {text: handle for axes in every for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(list(handles.values()), list(handles), loc="outside right upper", frameon=False)
    return figure


Line = tuple[str, range, np.ndarray]


def _by_baseline(rows: dict[str, Any]) -> list[Line]:
    return [line for label, row in rows.items() for line in _lines(label, row, "test")]


def _by_split(row: dict[str, Any]) -> list[Line]:
    return [line for split in COLORS for line in _lines(split, row, split)]


def _lines(words: str, row: dict[str, Any], split: str) -> list[Line]:
    """A name, the frames, and the curve of each seed [seeds T]; nothing where there is no curve."""
    there = [run["splits"][split] for run in runs(row) if split in run["splits"] and run["splits"][split]["curves"]]
    if not there:
        return []
    first, last = there[0]["frames"]
    curves = np.array([next(iter(own["curves"].values())) for own in there], float)
    return [(words, range(first, last + 1), curves)]


def _draw(axes: Axes, words: str, frames: range, curves: np.ndarray) -> None:
    """A line of the mean over seeds, and a band from the least to the most of them."""
    axes.plot(frames, curves.mean(axis=0), color=COLORS[words], label=words, linewidth=1.5)
    axes.fill_between(frames, curves.min(axis=0), curves.max(axis=0), color=COLORS[words], alpha=0.2, linewidth=0)


def write(content: dict[str, Any], docs: Path = DOCS, missing: int = 0) -> None:
    """Write the numbers, the page and the pictures."""
    place = docs / "pictures/baselines"
    place.mkdir(parents=True, exist_ok=True)
    (docs / "baselines.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")
    (docs / "baselines.md").write_text(page(content, missing))
    for name, own in content.items():
        picture(name, own).savefig(place / f"{name}.png", dpi=90, pil_kwargs={"optimize": True})
    print(docs / "baselines.md")


if __name__ == "__main__":
    write(json.loads((DOCS / "baselines.json").read_text()))
