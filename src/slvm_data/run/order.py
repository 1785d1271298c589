"""The order of arrays in files that are derived from a dataset: that in which they were generated."""

from __future__ import annotations

from dataclasses import replace

from slvm_data.arrays import TABLE
from slvm_data.recipe.outline import StoredRecipe
from slvm_data.recipe.serialisation import from_stored, to_stored
from slvm_data.run.plan import Plan
from slvm_data.store.formats import Format
from slvm_data.store.manifest import FileEntry, Manifest


def in_order(content: Manifest) -> Manifest:
    """The manifest with the arrays of each file as they were generated, if the keys of its JSON were put in an order.

    Else a tool that sorts keys would change the bytes of copies. If the systems are of the user's own, whose order of
    parameters nobody knows here, arrays are in the order of the table, and parameters in that of their names.
    """
    known = [name for name in TABLE if name in content.arrays]
    if not content.format.own or [name for name in content.arrays if name in TABLE] == known:
        return content
    recipe, orders = _generated(content.recipe, content.format)

    def sorted_(files: dict[str, FileEntry]) -> dict[str, FileEntry]:
        every = {name: orders.get(name) or [*known, *sorted(entry.arrays)] for name, entry in files.items()}
        return {
            name: replace(entry, arrays={array: entry.arrays[array] for array in every[name] if array in entry.arrays})
            for name, entry in files.items()
        }

    files, series = sorted_(content.files), sorted_(content.series)
    names = dict.fromkeys([*known, *(array for entry in files.values() for array in entry.arrays)])
    described = {name: content.arrays[name] for name in names}
    return replace(content, recipe=recipe, arrays=described, files=files, series=series)


def _generated(stored: StoredRecipe, written: Format) -> tuple[StoredRecipe, dict[str, list[str]]]:
    """The recipe with fields in their order, and the names of the arrays of each file in theirs; as far as known."""
    try:
        recipe = from_stored(stored)
    except ValueError:
        return stored, {}
    layouts = Plan(recipe, written).layouts
    same = to_stored(recipe)
    return same if same == stored else stored, {
        file.path.as_posix(): list(layout.forms) for file, layout in layouts.items()
    }
