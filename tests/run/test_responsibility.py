"""The responsible-AI fields of a description, from recipes alone."""

import pytest

from slvm_data import RECIPES
from slvm_data.export.responsibility import responsibility
from slvm_data.observe.modifiers import Missing
from slvm_data.recipe.overrides import override
from slvm_data.recipe.serialisation import to_stored
from slvm_data.systems.timing import Jittered

ASKED = (
    *("dataCollection", "dataCollectionType", "dataAnnotationProtocol", "personalSensitiveInformation", "dataBiases"),
    *("dataLimitations", "dataUseCases", "dataSocialImpact", "dataReleaseMaintenancePlan"),
)


@pytest.mark.parametrize("name", RECIPES)
def test_every_dataset_has_every_field(name):
    recipe = RECIPES[name]
    found = responsibility(to_stored(recipe), "1.2.3")
    assert found.pop("rai:hasSyntheticData") is True
    assert found.keys() == {f"rai:{field}" for field in ASKED}
    assert all(20 < len(text) < 1000 or text == "Software Collection" for text in found.values())
    assert not [text for text in found.values() if "None," in text or "inf" in text.split() or ".." in text]
    for system in recipe.tasks:
        assert type(system).__name__ in found["rai:dataCollection"]
        assert all(f" {parameter} " in found["rai:dataLimitations"] for parameter in system.parameters())


def test_limits_are_the_ends_of_all_ranges():
    recipe = override(RECIPES["pendulum"], ["m=0.5..0.75,1..2", "g=3"], {"splits": ("far: 9 g=4..5",), "steps": 7})
    found = responsibility(to_stored(recipe), "1.2.3")
    for text in ("m 0.5 to 2,", "g 3,", "of 7 steps, dt 0.1 s;", "32 x 32", "splits may have other"):
        assert text in found["rai:dataLimitations"]
    assert "test 3000, far 9." in found["rai:dataBiases"]


def test_the_collection_names_what_the_recipe_does():
    options = {"seed": 5, "observe": (Missing(p=0.25),), "time": Jittered(share=0.3)}
    found = responsibility(to_stored(override(RECIPES["pendulum"], [], options)), "1.2.3")["rai:dataCollection"]
    for text in ("slvm-data 1.2.3", "seed 5", "times of frames jittered(share=0.3", "changed by missing(p=0.25"):
        assert text in found
