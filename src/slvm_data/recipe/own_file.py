"""Execute a .py file of the user, which defines a recipe or the systems of one."""

from __future__ import annotations

import ast
import atexit
import hashlib
import importlib.util
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import ModuleType

from slvm_data.core.files import check_place
from slvm_data.core.names import check_name
from slvm_data.recipe.mistakes import PACKAGE, line_of, said

RECIPE = "slvm_recipe_"  # prefix of the names of modules that cannot be imported by name
_STANDARD = Path(sysconfig.get_path("stdlib"))


def module_name(path: Path) -> str:
    """Name of the module of a file, the same however the file is run."""
    return f"{RECIPE}{path.stem}"


@dataclass(frozen=True)
class OwnFile:
    """A file of the user's that a dataset was made with, as the dataset keeps it: its text, and the checksum of it."""

    file: str
    sha256: str
    text: str

    @staticmethod
    def of(path: Path) -> OwnFile:
        """The file at this path as it is now; bytes that are not UTF-8 are kept too."""
        data = path.read_bytes()
        return OwnFile(path.name, hashlib.sha256(data).hexdigest(), data.decode("utf-8", "surrogateescape"))

    def __post_init__(self) -> None:
        _check_part(self.file)
        if hashlib.sha256(self.data()).hexdigest() != self.sha256:
            raise ValueError(f"the text of {self.file} does not fit its checksum")

    def data(self) -> bytes:
        """The bytes of the file."""
        return self.text.encode("utf-8", "surrogateescape")


OwnFiles = dict[str, OwnFile]
"""Files by the names of their modules."""


def own_files(modules: Iterable[str]) -> OwnFiles:
    """The files of those modules that are not part of this package, and of what they import from beside them."""
    found: OwnFiles = {}
    waiting = sorted({name for name in modules if not name.startswith(PACKAGE)})
    while waiting:
        name = waiting.pop()
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and not _is_installed(Path(file)) and (key := _key(name, Path(file))) not in found:
            found[key] = OwnFile.of(Path(file))
            waiting += _imported(found[key], name)
    return dict(sorted(found.items()))


def _key(name: str, file: Path) -> str:
    """Name of a module, the same however its file is run."""
    return module_name(file) if name == "__main__" else name


def _is_installed(file: Path) -> bool:
    """Whether a module is one of Python or of a package that was installed."""
    folders = ("site-packages", "dist-packages")
    return file.suffix != ".py" or file.is_relative_to(_STANDARD) or not set(folders).isdisjoint(file.parts)


def _imported(own: OwnFile, name: str) -> list[str]:
    """Names of the modules that a file imports, and of the packages they are in, as far as they are loaded."""
    try:
        nodes = list(ast.walk(ast.parse(own.data())))
    except SyntaxError:  # it has changed since it was loaded
        return []
    package = sys.modules[name].__package__ or ""
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            module = importlib.util.resolve_name("." * node.level + (node.module or ""), package or None)
            names += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    every = {".".join(parts[: i + 1]) for parts in (word.split(".") for word in names) for i in range(len(parts))}
    return sorted(word for word in every if word in sys.modules and not f"{word}.".startswith(PACKAGE))


def differing(own: OwnFiles, kept: OwnFiles) -> str | None:
    """Name of the first file whose text is another one than the one that a dataset keeps; None if none is."""
    texts = {one.file: one.sha256 for one in kept.values()}
    return next((one.file for one in own.values() if one.sha256 != texts.get(one.file, one.sha256)), None)


def run_stored(kept: OwnFiles, names: Iterable[str]) -> list[type]:
    """Run the texts that a dataset keeps, and return the classes with these names; only when the user asks for it.

    Raises ValueError if a text cannot be run, or if a class is in none of them.
    """
    folder = Path(tempfile.mkdtemp(prefix="slvm-data-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # what runs may import more of it later
    for module, own in kept.items():
        place = folder / _place(module, own)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(own.data())
    sys.path.append(str(folder))
    return [_stored_class(folder, kept, *name.rpartition(".")[::2]) for name in dict.fromkeys(names)]


def _place(module: str, own: OwnFile) -> Path:
    """Where a text stands below a folder, so that its module has the same name again."""
    if module.startswith(RECIPE):
        return Path(own.file)
    parts = module.split(".")
    for part in parts:
        _check_part(part)
    return Path(*(parts if own.file == "__init__.py" else parts[:-1]), own.file)


def _check_part(name: str) -> None:
    """Raise ValueError unless a name is that of a file or folder, and cannot point to another folder."""
    if name in ("", ".", "..") or not {*"/\\:\0"}.isdisjoint(name):
        raise ValueError(f"{name!a} is not the name of a file")


def _stored_class(folder: Path, kept: OwnFiles, module: str, name: str) -> type:
    if module not in kept:
        raise ValueError(f"the dataset keeps no text of {module}.{name}: give the file that defines it with --recipe")
    found = getattr(load(folder / _place(module, kept[module]), module), name, None)
    if not isinstance(found, type):
        raise ValueError(f"{kept[module].file} has no class {name}")
    return found


def write_template(path: Path) -> None:
    """Write a file with a system that runs as it is; raises ValueError if something is there, or the name is none."""
    if path.suffix != ".py":
        raise ValueError(f"{path} has to end in .py, such as my_system.py")
    check_name(path.stem)
    check_place(path)
    text = files("slvm_data.recipe").joinpath("template.txt").read_text("utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text.replace("NAME", path.stem))
    except FileExistsError:
        raise ValueError(f"{path} is there already: choose another name") from None


def load(path: Path, name: str = "") -> ModuleType:
    """Execute a file and return its module, which has the name of the file unless `name` is given.

    Raises ValueError, with file and line, if it cannot be run.
    """
    if not path.is_file():
        raise ValueError(f"{path} is not there")
    spec = importlib.util.spec_from_file_location(name or module_name(path), path)
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
