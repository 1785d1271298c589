"""The responsible-AI fields of a Croissant description, by rule from the recipe and the version of slvm-data.

Vocabulary: Croissant RAI 1.0, https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html; the fields are those
that NeurIPS asks for.
"""

from __future__ import annotations

from collections.abc import Iterator

from slvm_data.core.json_tree import Json
from slvm_data.recipe.outline import StoredRecipe, SystemRecord

Span = tuple[float, float]  # the least and the greatest of some numbers


def responsibility(recipe: StoredRecipe, version: str) -> dict[str, Json]:
    """The fields by their names in the vocabulary: how the data came to be, what they are for, and what not."""
    return {
        "rai:dataCollection": _collection(recipe, version),
        "rai:dataCollectionType": "Software Collection",
        "rai:dataAnnotationProtocol": "Nobody labels the data: the states, parameters and labels of a sequence are the "
        "numbers that it was simulated with.",
        "rai:personalSensitiveInformation": "None: the data show simulated systems, and no person, place or text.",
        "rai:dataBiases": f"{_shares(recipe)} Parameters and initial states follow the distributions of the recipe, "
        "which are not those of any population of real systems.",
        "rai:dataLimitations": _limitations(recipe),
        "rai:dataUseCases": "To train, test and compare sequential latent-variable models: their forecasts, and the "
        "states, parameters and regimes that they infer. A score on these data does not show that a model is fit for "
        "real videos or measurements, nor for decisions about people or machines.",
        "rai:dataSocialImpact": "None that is known: the data describe no people and no places.",
        "rai:hasSyntheticData": True,
        "rai:dataReleaseMaintenancePlan": "The files do not change: dataset.json holds their checksums, and makes them "
        "again with the versions of software that it names. A correction is a new version of slvm-data, and its "
        "CHANGELOG.md says which numbers differ.",
    }


def _collection(recipe: StoredRecipe, version: str) -> str:
    """The recipe as a process, in order."""
    systems = ", ".join(dict.fromkeys(task.system for task in recipe.tasks))
    steps = [
        f"All data are synthetic: slvm-data {version} simulated them by the recipe in dataset.json, with seed "
        f"{recipe.seed}. Parameters and initial states were drawn at random, and {systems} simulated in double "
        "precision" + "".join(f", with {name} {rule}" for name, rule in recipe.rules().items()),
        "The states were drawn as frames" if recipe.has_frames() else "The signals were computed from the states",
        *(["The observation was then changed by " + ", ".join(map(str, recipe.observe))] if recipe.observe else []),
        *(["Sequences are windows that were cut from long trajectories"] if recipe.windows else []),
    ]
    return ". ".join(steps) + "."


def _shares(recipe: StoredRecipe) -> str:
    counts = ", ".join(f"{split} {recipe.count(split)}" for split in recipe.split_names())
    return f"All tasks of a split have equally many sequences: {counts}."


def _limitations(recipe: StoredRecipe) -> str:
    """What the data do not hold: all that is outside of the ranges of the recipe."""
    dt = [recipe.dt_of(task) for task in range(len(recipe.tasks))]
    sizes = sorted({recipe.view_of(task).size for task in range(len(recipe.tasks))} if recipe.has_frames() else ())
    frames = f"frames of {' or '.join(f'{n} x {n}' for n in sizes)} pixels" if sizes else "signals, without frames"
    held = "; ".join(
        f"{system} with {', '.join(_written(name, *span) for name, span in spans.items()) or 'no parameters'}"
        for system, spans in _spans(recipe.tasks).items()
    )
    others = " Its named splits may have other limits, which the recipe states." if recipe.splits else ""
    return (
        f"Only the idealised systems of the equation, within these limits: {held}; sequences of {recipe.length()} "
        f"steps, {_written('dt', min(dt), max(dt))} s; {frames}.{others}"
    )


def _written(name: str, low: float, high: float) -> str:
    return f"{name} {low:g}" if low == high else f"{name} {low:g} to {high:g}"


def _spans(tasks: tuple[SystemRecord, ...]) -> dict[str, dict[str, Span]]:
    """For each system, the least and the greatest value that each of its parameters may have in any task."""
    found: dict[str, dict[str, list[float]]] = {}
    for task in tasks:
        for name, value in task.values.items():
            found.setdefault(task.system, {}).setdefault(name, []).extend(_numbers(value))
    return {
        system: {name: (min(numbers), max(numbers)) for name, numbers in values.items() if numbers}
        for system, values in found.items()
    }


def _numbers(value: Json) -> Iterator[float]:
    """The numbers in a parameter, however deep; the ends of its ranges."""
    if isinstance(value, list | tuple):
        for own in value:
            yield from _numbers(own)
    elif isinstance(value, dict):  # a range
        yield from (value["low"], value["high"])
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value
