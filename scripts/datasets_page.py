"""Write docs/datasets.md from the recipes, and the picture of each dataset, docs/pictures/datasets/NAME.png."""

from collections.abc import Iterable
from pathlib import Path

import pictures
from PIL import Image

import slvm_data
from slvm_data import RECIPES, Recipe, Switching, System
from slvm_data.core.text import numbers, some
from slvm_data.core.types import SPLITS
from slvm_data.datasets import NAMES, dysts_flows
from slvm_data.recipe.bibliography import PAPERS, address, bibtex
from slvm_data.recipe.outline import SystemRecord
from slvm_data.recipe.serialisation import equation, to_stored
from slvm_data.store.card import of_split, of_windows, value_text

PAGE = Path(__file__).parents[1] / "docs/datasets.md"
OWN_GROUP = (  # a group of their own, or a shared one
    *("suite", "hgn", "balls", "rods", "worlds"),
    *("networks", "fields", "switching"),
)
GROUPS = {
    "Pendulums, springs, and bodies that attract each other": lambda r: (
        not (_balls(r) or _mixed(r) or r.splits or _in(r, *OWN_GROUP))
    ),
    "In colour, as the suite and Hamiltonian generative networks have them": lambda r: _in(r, "suite", "hgn"),
    "Balls in a box": lambda r: _balls(r) and not _mixed(r) and not r.splits,
    "Balls of other papers": lambda r: _in(r, "balls"),
    "Rods": lambda r: _in(r, "rods"),
    "Populations, oscillators and games": lambda r: _in(r, "worlds"),
    "Networks and particles": lambda r: _in(r, "networks"),
    "Fields": lambda r: _in(r, "fields"),
    "Mixed": lambda r: _mixed(r) and not r.splits,
    "Splits that test generalisation": lambda r: bool(r.splits) and not _in(r, *OWN_GROUP),
    "Switching dynamics": lambda r: _in(r, "switching"),
}
LONG = 8  # values; of more the ends are shown
HEAD = """# The datasets

{contents}

This page is written by `scripts/datasets_page.py` from the recipes. A picture shows three frames of a sequence, then
four sequences as trails, from dark to bright, or the last frames of four fields. For switching dynamics, it shows two
frames, a trajectory, and the end of its signal, coloured by regime. [File format](format.md) tells what the files
hold. You can [change](../README.md#how-you-ask-for-it) parameters and hyperparameters, each with `NAME=VALUE`.

## Which dataset for which model

`slvm-data list --system Pendulum` names the datasets with a system; `--family` and `--paper` (such as
`--paper KVAE`) choose likewise, and `--json` is for programs.

| model or question | datasets |
|---|---|
| first steps with a neural state-space model or a latent ODE | `pendulum`, `mass_spring`, `gravity` |
| Hamiltonian and other energy-based networks | `pendulum`, `mass_spring`, `double_pendulum`, `two_body` |
| frames in colour, and sequences four times as long | `pendulum_colors`, `two_body_colors`, `three_body` |
| states that are seen with noise | `pendulum_hgn`, `mass_spring_hgn`, `two_body_hgn`, `three_body_hgn` |
| dissipation | `pendulum_colors_friction`, `mixed_physics_iclr2023`, or `friction=0.1` with others |
| motion that is sensitive to its start | `double_pendulum`, `double_pendulum3`, `lorenz`, `henon_heiles` |
| forecasts of many chaotic flows | [flows of dysts](#flows-of-dysts) |
| impacts, discontinuous motion | `bouncingball`, `gravity`, `kvae_polygon`, `bouncing_ball_1d` |
| bodies that hit each other | `balls3_sutskever`, `balls3_msvi`, `phyworld_collision` |
| causal variables, and interventions on them | `pong_citris` |
| which bodies act on which: a graph as the truth | `springs5_nri`, `charged5_nri` |
| many bodies, molecular dynamics | `lennard_jones_4`, `lennard_jones_16` |
| fields that react and diffuse, partial differential equations | `gray_scott_coda`, `lambda_omega_nsv` |
| one model for several values of a parameter | `pendulum3`, `mass_spring3`, `double_pendulum3`, `two_body3` |
| meta-learning, few-shot and in-context models | `gravity3`, `gravity6`, `gravity16`, `pendulum3` |
| meta-learning over different systems | `mixed_physics_iclr2023`, `mixed_physics_iclr2025` |
| tasks that training has not seen | `gravity16_gap`; `gravity6`, some tasks [held out](loading.md#episodes) |
| other [parameters or starts](generalisation.md) than in training | `pendulum_ood`, `pendulum_sdvae`, `two_body_ood` |
| systems or lengths that training has not seen | `mixed_physics_held_out`, `double_pendulum_long` |
| adapting to a new world from a few sequences | `lotka_volterra_coda`, `gray_scott_coda`, `driven_pendulum_geps` |
| signals whose parameters differ between sequences | `lotka_volterra_monode`, `sine_monode`, `lotka_volterra_sdvae` |
| oscillators that end in a cycle, or rest and fire | `van_der_pol`, `fitzhugh_nagumo` |
| shares that have the sum 1, games | `matching_pennies`, `rock_paper_scissors`, and as tiles with `_tiles` |
| switching linear dynamics, recurrent or not (SLDS, rSLDS) | `nascar`, `lorenz`, `switching_double_pendulum` |
| switching networks, identifiable or not | `switching_cosine`, `switching_cosine5`, `switching_cosine8` |
| regimes in frames, known to the instant | `switching_pendulum`, `switching_mass_spring` |
| explicit durations, long contexts | `three_mode`, `bouncing_ball_1d` |

| model, or what it is known by | paper | datasets |
|---|---|---|
{sources}

## Common changes

```sh
slvm-data generate pendulum --size 64 --out large                 # frames of 64 x 64 pixels
slvm-data generate pendulum --palette 3 --out coloured            # each bob in one of three colours
slvm-data generate pendulum g=2..3,4..5 --out two_ranges          # two tasks, each with a range of gravities
slvm-data generate pendulum --steps 60 --out longer               # twice as long: a horizon to test on
slvm-data generate pendulum friction=0.1 --out rubbing            # the same starts as without friction
```

* **Longer sequences begin as the shorter ones do**, bit for bit: a model trained on 30 frames can be tested on the next
  30 of the same sequences. (A sequence that leaves the scene after frame 30 is another one in the longer dataset; for
  switching dynamics, `--steps` is the length of the trajectory that windows are cut from.)
* **The same seed gives paired draws.** Whatever value a parameter has, sequence i has the same other parameters, and
  its start is made from the same random numbers: for a pendulum or a ball it is the same start. So two datasets that
  differ in one parameter differ in its effect alone.
* **Colours.** `View(color="rgb")` of a [recipe in Python](your_own_system.md) gives pixels of 0 … 255 in three
  channels. `palette` is the number of hues; or give `body_colors=("#ff0000", "#0000ff")` and `background="#ffffff"`.
* **Arrays without files**: `sample` makes any sequences in memory, and [`Stream`](loading.md#without-files) batches
  while a model trains.

```python
from slvm_data import RECIPES, sample

arrays = sample(RECIPES["pendulum3"], "test", [4, 8, -1], task=2)  # also a slice, or one number
assert arrays["image"].shape == (3, 30, 32, 32)
```

## Flows of dysts

[dysts]({dysts}) is a package with 135 flows, most of them chaotic. With it, 127 of them are datasets by their names:

```text
pip install --no-deps dysts                         # or 'slvm-data[dysts]', with all that the package itself needs
slvm-data generate dysts:Rossler                    # the folder dysts_Rossler
slvm-data generate dysts:Rossler c=4..6 --out many  # with another c in each sequence
```

In Python it is `RECIPES["dysts:Rossler"]`. Only the right-hand side, parameters, starts and periods are the package's;
the states are those of our integrator, and the signal is the state.

* **Time** has no unit. There are 100 frames in a period, the one that is strongest in the spectrum of the flow, and a
  sequence is five periods long; those of the split `long` are ten.
* **Starts**: the start of the package, moved in each direction by a normal number with 0.05 (`spread`) of the standard
  deviation that the package gives; from there it moves on for a time between 0 and 10 (`settling`) periods.
* **A phase** grows without bounds in the flows that are driven, such as `dysts:Duffing`, where it is the last number
  of the state: `--observe 'emission(kind=state,first=2)'` shows the two before it.
* **Accuracy**: a step is 1/800 of a period. From the package's start and over one period, 120 flows are within 1e-6
  deviations of what SciPy gives; less exact are AtmosphericRegime, CellularNeuralNetwork, FluidTrampoline and
  SanUmSrisuchinwong (1e-4), MacArthur (1e-3), SprottMore (0.1), and InteriorSquirmer, whose errors grow by e²⁴ in a
  period. Over the five periods of a sequence, the error is above 1e-4 in 18 flows. The report of each dataset tells its
  own, and the frame from which chaos makes any two computations differ. Shorter steps help where a flow is fast, not
  where it has corners: with `substep` a quarter as long, AtmosphericRegime comes from 1e-2 to 5e-8.
* **Some escape**: a sequence that goes to infinity is drawn again. It is half of them in SprottJerk and SprottQ, fewer
  in SprottL and TurchinHanski, and none elsewhere.
* **Eight are refused**: the six that need their past (IkedaDelay, MackeyGlass, PiecewiseCircuit, ScrollDelay,
  SprottDelay, VossDelay), BelousovZhabotinsky, which decides by the value of a number, and Torus, which depends on the
  time.

## Words

These words are used for several datasets:

* `radii` is a range for the initial state. For a pendulum, the point (q, p) is in the annulus between these two radii;
  for a double pendulum, this holds for each arm. For a mass on a spring, the point (q, p / √(k m)) is in the annulus,
  so that its radius is the amplitude [m]. For two bodies, `radii` is the range of both coordinates of the first body's
  position [m]; for two or three on a ring, that of its radius [m].
* `orbit_noise`: each number of each momentum is multiplied by one from 1 ± `orbit_noise`; `both_ways`: if True, half of
  the rings go round the other way.
* `uniform_annulus`: if True, the point is uniform in the area of the annulus; if False, its radius is uniform.
* **Angles are not wrapped**: `q` of a pendulum counts full turns, and frames do not show them. `--record angles` stores
  sine and cosine of each angle in the array `angles`.
* `friction` is a parameter of every Hamiltonian system (pendulums, springs, and bodies that attract each other), 0 by
  default: ṗ = -∂H/∂q - γ ∂H/∂p with γ = `friction` [kg/s; for an angle kg m²/s]. The tables leave out parameters that
  are 0.
* A shifted camera is shifted along x and along y, independently for each sequence. The percentage is the largest shift,
  as a share of half the scene's width. The frame is enlarged to hold the scene at every shift: with 40%, it shows 1.4
  times the scene's width.
"""


def page() -> str:
    """The page in Markdown."""
    parts = [HEAD.format(contents=contents(), sources=sources(), dysts=address(dysts_flows.PAPER))]
    for title, belongs in GROUPS.items():
        parts.append(f"## {title}\n")
        parts += [entry(recipe) for recipe in RECIPES.values() if belongs(recipe)]
    return "\n".join([*parts, "## BibTeX\n", entries()])


def contents() -> str:
    """The datasets of each group, as links."""
    lines = ["* [Which dataset for which model](#which-dataset-for-which-model)"]
    lines.append("* [Common changes](#common-changes)")
    lines.append("* [Flows of dysts](#flows-of-dysts), a package of chaotic systems")
    lines.append("* [BibTeX](#bibtex) of the papers and of this package")
    for title, belongs in GROUPS.items():
        lines.append(f"* {title}: {_links(recipe.name for recipe in RECIPES.values() if belongs(recipe))}")
    return "\n".join(lines)


def sources() -> str:
    """The datasets that follow each published work."""
    every = dict.fromkeys(recipe.source for recipe in RECIPES.values())
    names = {text: _links(recipe.name for recipe in RECIPES.values() if recipe.source == text) for text in every}
    return "\n".join(f"| {PAPERS[text].model} | {source(text)} | {links} |" for text, links in names.items())


def entries() -> str:
    """What to cite, in BibTeX: each paper that a dataset follows, and this package."""
    every = dict.fromkeys([*(recipe.source for recipe in RECIPES.values()), dysts_flows.PAPER])
    papers = [f"### {PAPERS[text].key}\n\n```bibtex\n{PAPERS[text].bibtex(text)}\n```\n" for text in every]
    return "\n".join([*papers, f"### slvm_data\n\n```bibtex\n{bibtex('', slvm_data.__version__)}\n```\n"])


def _links(names: Iterable[str]) -> str:
    return ", ".join(f"[{name}](#{name})" for name in names)


def entry(recipe: Recipe) -> str:
    """One dataset."""
    rows = {
        "system": ", ".join(kind.__name__ for kind in _systems(recipe)),
        "state": "; ".join(dict.fromkeys(map(state, recipe.tasks))),
        **dict(parameters(recipe)),
        "hyperparameters": hyperparameters(recipe),
        "sequences": sizes(recipe),
        **{f"split `{name}`": of_named(recipe, name) for name in recipe.splits},
        "time": time(recipe),
        "drift": "; ".join(f"`{one}`" for one in recipe.drift),
        "observation": observation(recipe),
        "windows": of_windows(recipe.windows) if recipe.windows else "",
        "source": source(recipe.source),
    }
    table = "\n".join(f"| {name} | {text} |" for name, text in rows.items() if text)
    return f"""### {recipe.name}

{recipe.about.strip()}

![{recipe.name}](pictures/datasets/{recipe.name}.png)

```
{equation(recipe)}
```

| | |
|---|---|
{table}

```
slvm-data generate {recipe.name}
```
"""


def state(system: System) -> str:
    """Names and units of the numbers of a state."""
    named = system.units and [f"{n} [{u}]" for n, u in zip(system.state, system.units, strict=True)]
    names = some(named or system.state)
    seen_by = isinstance(system, Switching) and system.latents
    return ", ".join(names) + (f"; latents {', '.join(system.latents)}" if seen_by else "")


def parameters(recipe: Recipe) -> list[tuple[str, str]]:
    """For each parameter its name, its value or values and its unit, system by system."""
    found = []
    for kind, records in _systems(recipe).items():
        several = f" of {kind.__name__}" if _mixed(recipe) else ""
        for name, bounds in kind.parameters().items():
            values = list(dict.fromkeys(value_text(record.values[name]) for record in records))
            ends = values if len(values) <= LONG else [*values[:2], "…", values[-1]]
            if values != ["0"]:
                unit = "(standard deviation)" if name.endswith("_noise") else bounds.unit
                found.append((f"`{name}`{several}", f"{'; '.join(ends)} {unit}".rstrip()))
    return found


def hyperparameters(recipe: Recipe) -> str:
    """Names and values of the fields that are fixed for a population."""
    found = []
    for kind, records in _systems(recipe).items():
        left_out = (*kind.shared_parameter_names(), "substep", "channels", "durations")
        names = [name for name in kind.hyperparameters() if name not in left_out]
        values = {name: dict.fromkeys(value_text(record.values[name]) for record in records) for name in names}
        words = [f"`{name}` {' or '.join(every)}" for name, every in values.items()]
        found.append(f"{kind.__name__}: " * _mixed(recipe) + ", ".join(words))
    return "; ".join(found)


def sizes(recipe: Recipe) -> str:
    """How many sequences there are."""
    each = ", ".join(f"{recipe.count(split):,} {split}" for split in SPLITS)
    tasks = len(recipe.tasks_of(SPLITS[0]))
    return f"{each}{f', for each of {tasks} tasks' if tasks > 1 else ''}"


def of_named(recipe: Recipe, name: str) -> str:
    """How many sequences a named split has, and how it differs from train."""
    own = recipe.splits[name]
    each = f"{own.count:,}" + (f" for each of the tasks {numbers(own.tasks)}" if own.tasks else "")
    changes = of_split(recipe, name).partition("tasks=")[0].strip()
    return f"{each}: `{changes}`" if changes else f"{each}, which train leaves out"


def time(recipe: Recipe) -> str:
    """Frames, and the time between them."""
    dt = " or ".join(f"{x:g}" for x in sorted({recipe.dt_of(task) for task in range(len(recipe.tasks))}))
    return f"{recipe.steps:,} frames{' of a trajectory' * bool(recipe.windows)}, dt = {dt} s"


def observation(recipe: Recipe) -> str:
    """Frames or signals."""
    system, view = recipe.tasks[0], recipe.view_of(0)
    if isinstance(system, Switching) and not recipe.has_frames():
        channels = "1 channel" if system.channels == 1 else f"{system.channels} channels"
        return f"signals of {channels}, {system.regimes()} regimes; or frames, with `--observation pixels`"
    if not recipe.has_frames():
        return f"signals of {recipe.channels_of(system)} channels; or frames, with `--observation pixels`"
    reaches = sorted({recipe.view_of(task).jitter for task in range(len(recipe.tasks))})
    cameras = [
        f"camera shifted by up to {reach:.0%} of half the scene's width" if reach else "fixed camera"
        for reach in reaches
    ]
    styles = " or ".join(dict.fromkeys(recipe.style_of(task).name for task in range(len(recipe.tasks))))
    own = f"colour{'s' * (len(view.body_colors) > 1)} {', '.join(view.body_colors)}" if view.body_colors else ""
    hues = f"{view.palette} colours" if view.palette > 1 else own or "one colour"
    colors = f"{hues} of 8 bits" if _colored(recipe) else hues if view.palette > 1 else "black and white"
    colors += f" on {view.background}" * bool(view.background)
    seen = "".join(f"; `{modifier.whole()}`" for modifier in recipe.observe)
    return f"{view.size} x {view.size} pixels, style {styles}, {colors}; {' or '.join(cameras)}{seen}"


def source(text: str) -> str:
    """Links to a paper and to its entry in BibTeX."""
    paper = PAPERS[text]
    return f"[{paper.title}]({address(text)}), {paper.where} {paper.year} ([BibTeX](#{paper.key}))"


def _systems(recipe: Recipe) -> dict[type[System], list[SystemRecord]]:
    """The kinds of systems, and of each the values of its tasks."""
    found: dict[type[System], list[SystemRecord]] = {}
    for system, record in zip(recipe.tasks, to_stored(recipe).tasks, strict=True):
        found.setdefault(type(system), []).append(record)
    return found


def _balls(recipe: Recipe) -> bool:
    return type(recipe.tasks[0]).__name__ == "BallBox"


def _in(recipe: Recipe, *families: str) -> bool:
    return any(recipe.name in NAMES[family] for family in families)


def _colored(recipe: Recipe) -> bool:
    return recipe.has_frames() and recipe.view_of(0).color == "rgb"


def _mixed(recipe: Recipe) -> bool:
    return len(set(map(type, recipe.tasks))) > 1


if __name__ == "__main__":
    PAGE.write_text(page())
    folder = PAGE.parent / "pictures/datasets"
    folder.mkdir(exist_ok=True)
    for name in RECIPES:
        pictures.picture(name).quantize(64, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)
    print(PAGE)
