"""The hooks of mkdocs: pages that are not in docs/, and links that lead out of it."""

import importlib
import inspect
import posixpath
import re
from functools import partial
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from slvm_data.observe.modifiers import Modifier
from slvm_data.systems.control import Control
from slvm_data.systems.drift import Drift
from slvm_data.systems.timing import TimeRule

ROOT = Path(__file__).parents[1]
OF_ROOT = {name: f"{name.removesuffix('.md').lower()}.md" for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")}
LINK = re.compile(r"(?:(!?)\[([^\[\]]*))?\]\(([^)\s#:]+)(#[^)\s]*)?\)")  # of a picture that is a link, the end alone
WITHOUT_MEMBERS = "::: {}\n    options:\n      members: false"


def on_files(files: Files, config: Any) -> Files:
    """Add pages from the root of the repository, and those of the reference."""
    for name, place in OF_ROOT.items():
        files.append(File.generated(config, place, content=(ROOT / name).read_text()))
    for title, entries in reference().items():
        content = "\n\n".join([f"# {title}", *entries]) + "\n"
        files.append(File.generated(config, f"reference/{title.split()[0].lower()}.md", content=content))
    return files


def reference() -> dict[str, list[str]]:
    """The entries of each page of the reference, in the words of mkdocstrings."""
    systems = [one for one in _public("slvm_data.systems") if inspect.isclass(one)]
    general = [one for one in _public("slvm_data") if one not in systems]
    return {
        "Recipes and sequences": [*map(_entry, general), "::: slvm_data.recipe.outline.Outline"],
        "Systems": [_entry(one, members=inspect.isabstract(one)) for one in systems],
        "Observation": _family(Modifier),
        "Motion": [*_family(TimeRule), *_family(Control), *_family(Drift)],
        "Loaders": [
            *map(_entry, _public("slvm_data.load")),
            "::: slvm_data.load.data_module.DataModule",
            "::: slvm_data.load.stream.Stream",
            "::: slvm_data.cache.cached",
        ],
        "Metrics and scores": ["::: slvm_data.evaluation.scoring.evaluate", *map(_entry, _public("slvm_data.metrics"))],
        "Figures": [*map(_entry, _public("slvm_data.view"))],
    }


def _public(package: str) -> list[Any]:
    """The public classes and functions of a package, in the order of their names."""
    module = importlib.import_module(package)
    names = getattr(module, "__all__", None) or sorted(vars(module))
    found = [getattr(module, name) for name in names if not name.startswith("_")]
    return [one for one in found if inspect.isclass(one) or inspect.isfunction(one)]


def _family(base: Any) -> list[str]:
    return [_entry(base), *(_entry(one, members=False) for one in base.members.values())]


def _entry(one: Any, members: bool = True) -> str:
    name = f"{one.__module__}.{one.__qualname__}"
    return f"::: {name}" if members else WITHOUT_MEMBERS.format(name)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links between docs/ and the rest of the repository lead to pages of the site, or name the file."""
    place = page.file.src_uri
    if place == "datasets.md":
        page.meta["search"] = {"boost": 3}  # a dataset is found before the class of its system
    home = next((name for name, there in OF_ROOT.items() if there == place), f"docs/{place}")
    return LINK.sub(partial(_led, home, place), markdown)


def _led(home: str, place: str, link: re.Match[str]) -> str:
    """A link of a page that is at `home` in the repository and at `place` on the site."""
    picture, text, target, anchor = link.groups()
    path = posixpath.normpath(posixpath.join(posixpath.dirname(home), target))
    if not (ROOT / path).exists():
        return link[0]  # no link, or one that mkdocs complains of
    if path.startswith("docs/") or path in OF_ROOT:
        there = OF_ROOT.get(path) or path.removeprefix("docs/")
        beginning = "" if text is None else f"{picture}[{text}"
        return f"{beginning}]({posixpath.relpath(there, posixpath.dirname(place) or '.')}{anchor or ''})"
    return text if path in text else f"{text} (`{path}` in the repository)"
