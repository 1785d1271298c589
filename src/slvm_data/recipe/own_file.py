"""Execute a .py file of the user, which defines a recipe or the systems of one."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from slvm_data.core.files import sha256
from slvm_data.recipe.mistakes import line_of, said

RECIPE = "slvm_recipe_"  # prefix of the names of modules that cannot be imported by name


def module_name(path: Path) -> str:
    """Name of the module of a file, the same however the file is run."""
    return f"{RECIPE}{path.stem}"


def digests(modules: Iterable[str]) -> dict[str, str]:
    """Checksums, by file name, of the files of those modules that are not part of this package."""
    own = [sys.modules[name] for name in modules if not name.startswith("slvm_data.")]
    files = [Path(file) for module in own if (file := getattr(module, "__file__", None))]
    return {file.name: sha256(file) for file in files}


def load(path: Path) -> ModuleType:
    """Execute a file and return its module; raises ValueError, with file and line, if it cannot be run."""
    if not path.is_file():
        raise ValueError(f"{path} is not there")
    spec = importlib.util.spec_from_file_location(module_name(path), path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    sys.path.append(str(path.resolve().parent))  # last, so that nothing beside the file hides a library
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the file is the user's: anything may go wrong in it
        line = line_of(error, spec.origin)
        where = f", line {line}," if line else ""
        raise ValueError(f"{path}{where} cannot be run: {said(error)}") from error
    return module
