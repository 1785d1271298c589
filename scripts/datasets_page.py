"""Write docs/datasets.md from the recipes, and the picture of each dataset, docs/pictures/datasets/NAME.png."""

import inspect
import re
from pathlib import Path

import pictures
from PIL import Image

from slvm_data import RECIPES, Recipe, Switching, System
from slvm_data.core.types import SPLITS
from slvm_data.recipe.serialisation import as_json
from slvm_data.run.description import equation
from slvm_data.store.card import constant, of_windows

PAGE = Path(__file__).parents[1] / "docs/datasets.md"
GROUPS = {
    "Pendulums, springs, and bodies that attract each other": lambda r: not (_balls(r) or _mixed(r) or r.windows),
    "Balls in a box": lambda r: _balls(r) and not _mixed(r),
    "Mixed": lambda r: _mixed(r),
    "Switching dynamics": lambda r: bool(r.windows),
}
LONG = 8  # settings; of more the ends are shown
HEAD = """# The datasets

Written by `scripts/datasets_page.py` from the recipes themselves. Of films, a picture shows three frames, then four
films as trails, from dark to bright; of switching dynamics two frames, a path and the end of its signal, coloured by
regime. What the files hold is in [File format](format.md); constants and settings can be
[changed](../README.md#how-you-ask-for-it), each as `NAME=VALUE`.
"""


def page() -> str:
    """The page in Markdown."""
    parts = [HEAD]
    for title, belongs in GROUPS.items():
        parts.append(f"## {title}\n")
        parts += [entry(recipe) for recipe in RECIPES.values() if belongs(recipe)]
    return "\n".join(parts)


def entry(recipe: Recipe) -> str:
    """One dataset."""
    rows = {
        "state": "; ".join(dict.fromkeys(map(state, recipe.tasks))),
        **dict(constants(recipe)),
        "settings": settings(recipe),
        "sequences": sizes(recipe),
        "time": time(recipe),
        "seen as": seen(recipe),
        "windows": of_windows(as_json(recipe)["windows"]) if recipe.windows else "",
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
    names = [f"{n} [{u}]" for n, u in zip(system.state, system.units, strict=True)] if system.units else system.state
    seen_by = isinstance(system, Switching) and system.latents
    return ", ".join(names) + (f"; latents {', '.join(system.latents)}" if seen_by else "")


def constants(recipe: Recipe) -> list[tuple[str, str]]:
    """For each constant and range its name, its value or values and its unit, system by system."""
    found = []
    for kind in dict.fromkeys(map(type, recipe.tasks)):
        tasks = [task for task, s in zip(as_json(recipe)["tasks"], recipe.tasks, strict=True) if type(s) is kind]
        several = f" of {kind.__name__}" if _mixed(recipe) else ""
        for name in kind.domains():
            values = list(dict.fromkeys(constant(task[name]) for task in tasks))
            ends = values if len(values) <= LONG else [*values[:2], "…", values[-1]]
            if values != ["0"]:
                found.append((f"`{name}`{several}", f"{'; '.join(ends)} {unit(kind, name)}".rstrip()))
    return found


def settings(recipe: Recipe) -> str:
    """What is fixed for a population."""
    found = []
    for kind in dict.fromkeys(map(type, recipe.tasks)):
        names = [n for n in kind.settings() if n not in (*kind.parameter_names(), "substep", "channels", "durations")]
        tasks = [task for task, s in zip(as_json(recipe)["tasks"], recipe.tasks, strict=True) if type(s) is kind]
        words = [f"`{name}` {' or '.join(dict.fromkeys(constant(task[name]) for task in tasks))}" for name in names]
        found.append(f"{kind.__name__}: " * _mixed(recipe) + ", ".join(words))
    return "; ".join(found)


def unit(kind: type[System], name: str) -> str:
    """Unit of a constant, from the comment beside its declaration."""
    for base in kind.__mro__:
        if name in vars(base).get("__annotations__", ()):
            line = re.search(rf"^    {name}: Constant = .*#\s*(.*)$", inspect.getsource(base), re.M)
            return line[1].split(" (")[0] if line else ""
    return ""


def sizes(recipe: Recipe) -> str:
    """How many sequences there are."""
    each = ", ".join(f"{recipe.count(split):,} {split}" for split in SPLITS)
    return f"{each}{', for each of ' + str(len(recipe.tasks)) + ' settings' if len(recipe.tasks) > 1 else ''}"


def time(recipe: Recipe) -> str:
    """Frames, and the time between them."""
    dt = " or ".join(f"{x:g}" for x in sorted({recipe.dt_of(task) for task in range(len(recipe.tasks))}))
    return f"{recipe.steps:,} frames{' of a path' * bool(recipe.windows)}, dt = {dt} s"


def seen(recipe: Recipe) -> str:
    """Frames or signals."""
    systems, view = recipe.tasks, recipe.view_of(0)
    if isinstance(systems[0], Switching) and view.kind == "signals":
        return f"signal of {systems[0].channels}, {systems[0].regimes()} regimes; or frames, with `--view pixels`"
    shifted = {recipe.view_of(task).jitter > 0 for task in range(len(systems))}
    camera = {"a fixed camera": False in shifted, "a camera at random": True in shifted}
    colors = f"{view.palette} colours" if view.palette > 1 else "black and white"
    return f"{view.size} x {view.size} pixels, {colors}; {' or '.join(name for name, is_so in camera.items() if is_so)}"


def source(text: str) -> str:
    """A link."""
    url = f"https://arxiv.org/abs/{text.removeprefix('arXiv:')}" if text.startswith("arXiv:") else text
    return f"[{text.removeprefix('https://')}]({url})"


def _balls(recipe: Recipe) -> bool:
    return type(recipe.tasks[0]).__name__ == "BallBox"


def _mixed(recipe: Recipe) -> bool:
    return len(set(map(type, recipe.tasks))) > 1


if __name__ == "__main__":
    PAGE.write_text(page())
    folder = PAGE.parent / "pictures/datasets"
    folder.mkdir(exist_ok=True)
    for name in RECIPES:
        pictures.picture(name).quantize(64, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)
    print(PAGE)
