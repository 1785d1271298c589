"""One sequence in one figure: frames, signal, state over time, portrait, energy, impacts and regimes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slvm_data.arrays import PARAMETER
from slvm_data.core.types import Arrays
from slvm_data.export import animation
from slvm_data.observe.windowing import Windowing
from slvm_data.recipe.recipe import Recipe
from slvm_data.systems.switching import Switching
from slvm_data.systems.system import System
from slvm_data.view.curves import Curves, few, further, instants
from slvm_data.view.dataset import CONTEXT_MASK, Dataset, opened
from slvm_data.view.summary import title

try:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("plots need matplotlib: pip install 'slvm-data[plot]'", name="matplotlib") from error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")  # M. Okabe and K. Ito
STYLES = ("-", "--", "-.", ":")
SHADES = ("#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#f0e442")  # of regimes
PICTURES = {"frames": "image", "clean": "clean"}  # panels, and the array of each
FURTHER = "further "  # before the number of a panel
STRIP = 10  # frames shown
FEW = 3  # channels that are drawn as lines; more become an image
LEGEND, HANDLE = 60, 7  # letters as wide as a panel, and as a line before a name
WIDTH, HEIGHT = 9.0, 2.3  # inches, of the figure and of a row


class Plot(Figure):
    """A figure that a notebook shows, even if pyplot is not imported."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=90, pil_kwargs={"optimize": True})
        return file.getvalue()


@dataclass(frozen=True)
class Sequence:
    """The parts of one sequence that are drawn."""

    system: System
    arrays: Arrays  # as `Dataset.rows` gives them, without the first axis
    names: tuple[str, ...]  # of the numbers [D] of `state`
    units: tuple[str, ...]

    @property
    def time(self) -> np.ndarray:
        """Times of the frames [T] in seconds."""
        return self.arrays["time"]

    @property
    def state(self) -> np.ndarray:
        """States [T D]; for a window, latents; of very many numbers, a few."""
        own: Any = self.arrays.get("state", self.arrays.get("latents", self.arrays.get("latent")))
        return own[:, few(own.shape[1])]

    @property
    def regime(self) -> np.ndarray | None:
        """Regimes [T]; None unless the system is switching."""
        return self.arrays.get("labels", self.arrays.get("mode"))

    def label(self, i: int) -> str:
        """Name and unit of a number of the state."""
        return f"{self.names[i]} [{self.units[i]}]" if self.units else self.names[i]

    @property
    def mask(self) -> np.ndarray:
        """Which frames are there [T]."""
        return self.arrays.get("mask", np.ones(len(self.time), bool))

    @property
    def further(self) -> list[Curves]:
        """Control, drift, and other numbers for each frame."""
        return further(self.system, self.arrays)

    def pairs(self) -> list[tuple[int, int]]:
        """Pairs of numbers of the state that are drawn against each other: x and y, if so named; else q and p."""
        D = len(self.names)
        planar = all(self.names[i].rstrip("0123456789")[-1:] == "xy"[i % 2] for i in range(D // 2 // 2 * 2))
        if isinstance(self.system, Switching) and self.state.shape[1] != len(self.system.state):
            return [(i, i + 1) for i in range(0, D - 1, 2)]  # positions alone
        if isinstance(self.system, Switching) or D % 2:
            return [(0, D - 1)] if D > 1 else []
        half = D // 2
        return [(i, i + 1) for i in range(0, half, 2)] if planar and half > 1 else [(i, half + i) for i in range(half)]


def plot(dataset: Path | str | Recipe | Dataset, split: str = "train", index: int = 0, task: int = 0) -> Figure:
    """Draw a figure of one sequence of a dataset, which is given by its folder, its name or its recipe.

    It has frames, also those without modifiers if they are kept or the dataset is given by its name, the signal with
    its context, every number of the state over time, control and drifting parameters, the portrait (p against q, or in
    the plane), the energy, and every other number that is stored for each frame. Impacts and instants of drifts are
    dotted lines, regimes are shaded and numbered, missing frames are grey. Labels have units if the system names them.
    pyplot is not used: save the figure with `savefig`; a notebook shows it automatically.

    For a system of your own, give the recipe or `slvm_data.view.dataset.of_folder(folder, RECIPE.tasks)`.

    Raises ValueError for a dataset, split, task or index that does not exist.
    """
    source = opened(dataset).of_split(split)
    arrays = {name: array[0] for name, array in source.rows(task, split, [index]).items()}
    system = source.recipe.tasks[task]
    names = system.state if "state" in arrays else getattr(system, "latents", ()) or system.state
    units = system.units if names == system.state else ()
    own, named = few(len(names)), len(units) == len(names)
    shown = Sequence(system, arrays, names[own], units[own] if named else ())
    figure = Plot(figsize=(WIDTH, 1.0), layout="constrained")
    rows, heights = _panels(shown)
    figure.set_figheight(HEIGHT * sum(heights))
    mosaic: Any = rows
    axes = figure.subplot_mosaic(mosaic, height_ratios=heights)
    figure.suptitle(_title(source.recipe, split, index, task, arrays), fontsize="medium")
    for name, panel in axes.items():
        panel.spines[["top", "right"]].set_visible(False)
        _draw(str(name), panel, shown, source, task)
    return figure


def _title(recipe: Recipe, split: str, index: int, task: int, arrays: Arrays) -> str:
    units = {PARAMETER + name: bounds.unit for name, bounds in recipe.tasks[task].parameters().items()}
    drawn = [f"{n.removeprefix(PARAMETER)} = {_number(a)} {units[n]}".rstrip() for n, a in arrays.items() if n in units]
    of_task = f" of task {task}: {title(recipe, task)}" if len(recipe.tasks) > 1 else ""
    return f"{recipe.name}, {split} {index}{of_task}\n{', '.join(drawn)}"


def _number(value: np.ndarray) -> str:
    words = [f"{x:.3g}" for x in np.atleast_1d(value)]
    return words[0] if value.ndim == 0 else f"({', '.join(words)})"


def _panels(shown: Sequence) -> tuple[list[list[str]], list[float]]:
    """The panels of each row, and the height of each row."""
    wide = {name: 0.55 for name, array in PICTURES.items() if array in shown.arrays}
    wide["signal"] = 0.8 * (_signal(shown.arrays) is not None)
    cells = [f"state {k}" for k in range(len(_groups(shown)))]
    cells += [f"{FURTHER}{k}" for k, curves in enumerate(shown.further) if curves.drives]
    cells += [*(["portrait"] if shown.pairs() else []), *(["energy"] if "energy" in shown.arrays else [])]
    cells += [f"{FURTHER}{k}" for k, curves in enumerate(shown.further) if not curves.drives]
    rows = [[name] * 2 for name, height in wide.items() if height]
    pairs = [cells[i : i + 2] for i in range(0, len(cells), 2)]
    heights = [height for height in wide.values() if height] + [1.0] * len(pairs)
    return rows + [pair * (2 // len(pair)) for pair in pairs], heights


def _groups(shown: Sequence) -> list[range]:
    """Numbers of the state that share an axis: positions, then momenta or velocities; latents all in one."""
    D = len(shown.names)
    split = shown.units[: D // 2] != shown.units[D // 2 :] or (not isinstance(shown.system, Switching) and D % 2 == 0)
    return [range(D // 2), range(D // 2, D)] if split and D > 1 else [range(D)]


def _draw(name: str, axes: Axes, shown: Sequence, dataset: Dataset, task: int) -> None:
    if name in PICTURES:
        _frames(axes, name, shown, dataset, task)
        return
    if name == "portrait":
        _portrait(axes, shown)
        return
    if name == "signal":
        _signals(axes, shown, dataset, task)
    elif name == "energy":
        _energy(axes, shown)
    elif name.startswith(FURTHER):
        _further(axes, shown.time, shown.further[int(name.removeprefix(FURTHER))])
    else:
        _states(axes, shown, _groups(shown)[int(name.split()[1])])
    axes.set_xlabel("time [s]")
    axes.xaxis.set_major_locator(MaxNLocator(6))
    _instants(axes, shown)
    _gaps(axes, shown)
    _regimes(axes, shown, shade=not (axes.images or axes.collections))
    if len(axes.get_legend_handles_labels()[1]) > 1:
        _legend(axes)


def _states(axes: Axes, shown: Sequence, group: range) -> None:
    """Numbers of the state over time."""
    for k, i in enumerate(group):
        _line(axes, k, shown.time, shown.state[:, i], shown.names[i])
    units = {shown.units[i] for i in group} if shown.units else set()
    axes.set_ylabel(shown.label(group[0]) if len(group) == 1 else f"[{units.pop()}]" if len(units) == 1 else "")


def _further(axes: Axes, time: np.ndarray, curves: Curves) -> None:
    """Numbers over time that are neither state nor energy."""
    for k, (name, numbers) in enumerate(zip(curves.names, curves.numbers.T, strict=True)):
        _line(axes, k, time, numbers, name, "steps-post" if curves.held else "default")
    axes.set_ylabel(f"{curves.title} [{curves.unit}]" if curves.unit else curves.title)


def _frames(axes: Axes, name: str, shown: Sequence, dataset: Dataset, task: int) -> None:
    """Some frames, evenly spaced, with their times; missing ones say so."""
    image = dataset.upright(task, shown.arrays[PICTURES[name]])  # [T H W] or [T 3 H W]
    chosen = np.unique(np.linspace(0, len(image) - 1, STRIP).astype(int))
    there = shown.mask[chosen] if name == "frames" else np.ones(len(chosen), bool)
    frames = animation.colours(image[chosen][:, None], dataset.recipe.view_of(task).top)
    axes.imshow(animation.grid(frames, len(chosen), there[:, None])[0], interpolation="nearest")
    middles = [(image.shape[-1] + 1) * (i + 0.5) for i in range(len(chosen))]
    for x in np.array(middles)[~there]:
        axes.text(x, image.shape[-2] / 2, "missing", color="white", ha="center", va="center", fontsize="x-small")
    axes.set_xticks(middles, [f"{shown.time[i]:.3g}" for i in chosen])
    axes.set_yticks([])
    axes.tick_params(length=0)
    axes.set_xlabel("time [s]")
    if "clean" in shown.arrays:
        axes.set_ylabel({"frames": "observed"}.get(name, name), fontsize="small")
    axes.spines[:].set_visible(False)


def _signal(arrays: Arrays) -> np.ndarray | None:
    """Signal [T D]; for a window, that of the query."""
    return arrays.get("queries", arrays.get("signal"))


def _signals(axes: Axes, shown: Sequence, dataset: Dataset, task: int) -> None:
    """The signal, with its context before it: a few channels as lines, more as an image."""
    signal = _signal(shown.arrays)
    assert signal is not None
    time, windows = shown.time, dataset.recipe.windows
    signal = np.where(shown.mask[:, None], signal, np.nan)
    if windows and "domains" in shown.arrays and windows.contexts:
        signal, time = _with_context(shown, windows, dataset.context_times(task, shown.arrays), signal)
        axes.axvline(time[-len(shown.time)], color="black", lw=1.5, label="start of the query")
    if signal.shape[1] <= FEW:
        for i in range(signal.shape[1]):
            _line(axes, i, time, signal[:, i], f"channel {i}")
    else:
        _image(axes, time, signal)


def _with_context(
    shown: Sequence, windows: Windowing, times: np.ndarray, signal: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Signal [n S] and times [n] from the first context, at `times` [K T], to the end of the query; NaN in between."""
    offsets = windows.offsets()
    every = np.full((offsets[-1] - offsets[0] + 1, 1 + signal.shape[1]), np.nan)
    there = shown.arrays.get(CONTEXT_MASK, np.ones(times.shape, bool))[..., None]
    parts = zip((*times, shown.time), (*np.where(there, shown.arrays["domains"], np.nan), signal), strict=True)
    for first, part in zip((*windows.first_frames(), 0), parts, strict=True):
        every[first - offsets[0] : first - offsets[0] + len(signal)] = np.column_stack(part)
    frames, known = np.arange(len(every)), ~np.isnan(every[:, 0])
    return every[:, 1:], np.interp(frames, frames[known], every[known, 0])


def _image(axes: Axes, time: np.ndarray, signal: np.ndarray) -> None:
    """Many channels [n S] over time [n] as an image."""
    edges, rows = _edges(time), np.arange(signal.shape[1] + 1) - 0.5
    if np.allclose(np.diff(time), edges[1] - edges[0]):
        ends = (edges[0], edges[-1], rows[0], rows[-1])
        image: Any = axes.imshow(
            signal.T, aspect="auto", origin="lower", cmap="cividis", extent=ends, interpolation="none"
        )
    else:
        image = axes.pcolormesh(edges, rows, signal.T, cmap="cividis")
    axes.figure.colorbar(image, ax=axes, label="signal", pad=0.01)
    axes.set_ylabel("channel")
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))


def _edges(time: np.ndarray) -> np.ndarray:
    """Instants [T + 1] between frames at times [T], and half a mean step beyond both ends."""
    half = np.ptp(time) / (len(time) - 1) / 2 if len(time) > 1 else 0.5
    return np.concatenate([[time[0] - half], (time[1:] + time[:-1]) / 2, [time[-1] + half]])


def _line(axes: Axes, i: int, x: np.ndarray, y: np.ndarray, label: str, steps: str = "default") -> None:
    """Draw a line, or a dot if there is a single frame; where numbers are missing, dots on the line."""
    style: Any = {"marker": "o", "ms": 6} if len(x) == 1 else {"ls": STYLES[i % len(STYLES)], "lw": 1.5}
    style |= {"marker": ".", "ms": 4} if np.isnan(y).any() else {}
    axes.plot(x, y, drawstyle=steps, color=COLORS[i % len(COLORS)], label=label, **style)


def _legend(axes: Axes) -> None:
    longest = max(map(len, axes.get_legend_handles_labels()[1]))
    columns = max(1, min(5, LEGEND // (longest + HANDLE)))  # a wider legend would make the panels narrow
    where: Any = {"loc": "lower left", "bbox_to_anchor": (0, 1.04), "borderaxespad": 0.1}
    axes.legend(ncols=columns, frameon=False, fontsize="small", **where)


def _portrait(axes: Axes, shown: Sequence) -> None:
    """Numbers of the state against each other; a filled circle is the start, and axes of one kind have one scale."""
    for k, (i, j) in enumerate(shown.pairs()):
        x, y = shown.state[:, i], shown.state[:, j]
        _line(axes, k, x, y, f"{shown.names[j]} against {shown.names[i]}")
        axes.plot(x[:1], y[:1], "o", color=COLORS[k % len(COLORS)], ms=6)
        if shown.regime is not None:
            shades = [SHADES[z % len(SHADES)] for z in shown.regime]
            axes.scatter(x, y, c=shades, s=14, zorder=3, edgecolors="black", lw=0.3)
    first, *others = shown.pairs()
    axes.set_xlabel(shown.label(first[0]) if not others else _common(shown, 0))
    axes.set_ylabel(shown.label(first[1]) if not others else _common(shown, 1))
    if others:
        _legend(axes)
    if _alike(shown):
        axes.set_aspect("equal", adjustable="datalim")
    if shown.system.y_down:
        axes.yaxis.set_inverted(True)


def _common(shown: Sequence, side: int) -> str:
    """One label for several pairs on one axis."""
    which = [pair[side] for pair in shown.pairs()]
    unit = f" [{shown.units[which[0]]}]" if shown.units else ""
    return ", ".join(shown.names[i] for i in which) + unit


def _alike(shown: Sequence) -> bool:
    """Whether both axes of the portrait show the same kind of quantity."""
    i, j = shown.pairs()[0]
    a, b = (shown.names[k].rstrip("0123456789") for k in (i, j))
    return shown.units[i] == shown.units[j] if shown.units else a == b or {a, b} <= set("xyz")


def _energy(axes: Axes, shown: Sequence) -> None:
    """Energy over time, on a scale on which a conserved energy looks constant."""
    energy = shown.arrays["energy"]
    axes.plot(shown.time, energy, "o" if len(energy) == 1 else "-", color="black", lw=1.5)
    reach = max(np.ptp(energy), 0.1 * np.abs(energy).max(), 1e-12) / 2
    middle = (energy.max() + energy.min()) / 2
    axes.set_ylim(middle - 1.2 * reach, middle + 1.2 * reach)
    axes.ticklabel_format(useOffset=False)
    unit = shown.system.energy_unit if shown.units else ""
    axes.set_ylabel(f"energy [{unit}]" if unit else "energy")


def _instants(axes: Axes, shown: Sequence) -> None:
    """Impacts, and instants of drifts, as dotted lines."""
    impacts = shown.arrays.get("event_time", np.zeros(0))
    drifts = [t for t in instants(shown.arrays) if t <= shown.time[-1]]  # those drawn may lie beyond the end
    for word, times in (("impact", impacts[impacts > 0]), ("drift", drifts)):
        for k, t in enumerate(times):
            axes.axvline(t, color="black", ls=":", lw=1, label=word if k == 0 else None)


def _gaps(axes: Axes, shown: Sequence) -> None:
    """Missing frames as grey bands; marks of the others at the bottom if some are missing, or times are irregular."""
    steps = np.diff(shown.time)
    if shown.mask.all() and np.allclose(steps, steps[:1]):
        return
    edges = _edges(shown.time)
    for i in np.flatnonzero(~shown.mask):
        axes.axvspan(edges[i], edges[i + 1], color="black", alpha=0.1, lw=0, zorder=0)
    there = shown.time[shown.mask]
    place: Any = axes.get_xaxis_transform()
    axes.plot(there, np.full(len(there), 0.02), "|", color="black", ms=5, transform=place, label="_frames")


def _regimes(axes: Axes, shown: Sequence, shade: bool) -> None:
    """Regimes as bands with their numbers, and a line at each change."""
    if shown.regime is None:
        return
    edges = _edges(shown.time)
    changes = np.flatnonzero(np.diff(shown.regime)) + 1
    for begin, end in zip((0, *changes), (*changes, len(shown.regime)), strict=True):
        z = int(shown.regime[begin])
        left, right = edges[begin], edges[end]
        if shade:
            axes.axvspan(left, right, color=SHADES[z % len(SHADES)], alpha=0.25, lw=0, zorder=0)
        if begin:
            axes.axvline(left, color="black", lw=0.5)
        place: Any = axes.get_xaxis_transform()
        axes.text((left + right) / 2, 1.01, str(z), transform=place, ha="center", va="bottom", fontsize="x-small")
