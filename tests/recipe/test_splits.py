"""Named splits of a recipe: what they change, what they are held out from, and how they are written."""

import dataclasses
import json

import pytest

from slvm_data import RECIPES, Pendulum, Recipe, Split, View, corner, hole, ring, shell, times, uniform, worlds
from slvm_data.core.json_tree import from_json, to_json
from slvm_data.observe.modifiers import Missing, PixelNoise
from slvm_data.recipe.outline import StoredRecipe
from slvm_data.recipe.overrides import override
from slvm_data.recipe.serialisation import from_stored, to_stored
from slvm_data.recipe.split import Hole, Ring, Shell
from slvm_data.recipe.split_words import written
from slvm_data.systems import MassSpring
from slvm_data.systems.control import Held
from slvm_data.systems.drift import Jump
from slvm_data.systems.timing import Jittered

SYSTEM = Pendulum(l=uniform(0.8, 1.2), g=uniform(2.0, 4.0))
BASE = Recipe(name="own", tasks=(SYSTEM,), view=View(extent=2.5))


def with_splits(recipe: Recipe = BASE, **splits: Split) -> Recipe:
    return dataclasses.replace(recipe, splits=splits)


def test_a_split_changes_what_it_names_and_nothing_else():
    recipe = with_splits(
        own=Split(
            count=7,
            change={"l": uniform(1.5, 1.6), "radii": uniform(2.4, 2.5)},
            steps=times(2.5),
            dt=0.05,
            observe=(Missing(),),
            drift=(Jump(of="g", to=2.5),),
            control=Held(),
        )
    )
    own = recipe.of_split("own")
    system = own.tasks[0]
    assert (system.l, system.radii) == (uniform(1.5, 1.6), uniform(2.4, 2.5))
    assert (own.steps, own.dt, own.observe, own.length()) == (75, 0.05, (Missing(),), 75)
    assert own.drift == (Jump(of="g", to=2.5),)
    assert own.control == Held()
    assert (own.count("own"), own.split_names()) == (7, ["own"])
    back = dataclasses.replace(system, l=SYSTEM.l, radii=SYSTEM.radii)
    assert back == SYSTEM
    assert recipe.of_split("train").tasks == BASE.tasks
    assert recipe.split_names() == ["train", "val", "test", "own"]
    assert own.of_split("own") is own


def test_splits_are_in_the_order_of_their_names():
    one = with_splits(b=Split(count=1, steps=3), a=Split(count=1, steps=2))
    other = with_splits(a=Split(count=1, steps=2), b=Split(count=1, steps=3))
    assert one == other
    assert list(one.splits) == ["a", "b"]
    assert json.dumps(to_json(to_stored(one))) == json.dumps(to_json(to_stored(other)))


@pytest.mark.parametrize(
    ("rule", "training", "expected"),
    [
        (shell(0.0, 0.1), uniform(1, 2), uniform(0.9, 2.1, (1, 2))),
        (shell(0.1, 0.2), uniform(1, 2), uniform(0.8, 2.2, (0.9, 2.1))),
        (ring(0.0, 0.5), uniform(1, 2), uniform(2, 2.5)),
        (ring(0.5, 1.0), uniform(1, 2), uniform(2.5, 3)),
        (hole(0.5), uniform(1, 2), uniform(1.25, 1.75)),
        (hole(0.5), uniform(1, 2, (1.25, 1.75)), uniform(1.25, 1.75)),
        (shell(0.0, 0.1), uniform(1, 2, (1.25, 1.75)), uniform(0.9, 2.1, (1, 2))),
    ],
    ids=str,
)
def test_rules_lie_where_they_say(rule, training, expected):
    assert rule.of(training) == expected


def test_a_hole_is_left_out_of_training():
    recipe = with_splits(gap=Split(count=9, change={"g": hole(0.2)}))
    assert recipe.tasks[0].g == uniform(2, 4, (2.8, 3.2))
    assert recipe.of_split("train").tasks[0].g == uniform(2, 4, (2.8, 3.2))
    assert recipe.of_split("gap").tasks[0].g == uniform(2.8, 3.2)
    wider = dataclasses.replace(recipe, splits={**recipe.splits, "wide": Split(count=9, change={"g": hole(0.1)})})
    assert wider.tasks == recipe.tasks
    moved = override(recipe, ["g=3..5"])
    assert moved.tasks[0].g == uniform(3, 5, (3.8, 4.2))
    assert dataclasses.replace(recipe, splits={}).tasks == recipe.tasks


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"l": uniform(1.0, 1.5)}, "l = 1..1.2"),
        ({"l": 0.9}, "l = 0.9"),
        ({"l": 1.2}, "l = 1.2"),
        ({"l": uniform(0.7, 1.3, (0.8, 1.1))}, "l = 1.1..1.2"),
        ({"m": 0.5}, "m = 0.5"),
        ({"l": uniform(0.9, 1.0), "g": uniform(1.0, 2.5)}, "g = 2..2.5, l = 0.9..1"),
        ({"radii": uniform(2.0, 3.0)}, "radii = 2..2.3"),
    ],
    ids=str,
)
def test_a_split_that_overlaps_train_is_refused(change, where):
    message = rf"split far overlaps train \(task 0\) in {where}: choose values apart from it, or say overlap=true"
    with pytest.raises(ValueError, match=message):
        with_splits(far=Split(count=9, change=change))
    assert with_splits(far=Split(count=9, change=change, overlap=True)).of_split("far").count("far") == 9


@pytest.mark.parametrize(
    "change",
    [
        {"l": uniform(1.2, 1.5)},
        {"l": uniform(1.0, 1.1), "g": 1.0},
        {"m": 0.6},
        {"uniform_annulus": False},
        {"l": shell(0.0, 0.1)},
        {"radii": ring(0.0, 0.1)},
    ],
    ids=str,
)
def test_a_split_that_one_field_keeps_apart_is_taken(change):
    assert with_splits(far=Split(count=9, change=change)).splits["far"].count == 9


def test_all_trained_tasks_count_for_an_overlap():
    recipe = dataclasses.replace(RECIPES["pendulum3"], view=View(extent=3.0, jitter=0.4))
    with pytest.raises(ValueError, match=r"overlaps train \(task 1\) in g = 3"):
        with_splits(recipe, far=Split(count=9, change={"g": 3.0}))
    with_splits(recipe, far=Split(count=9, change={"g": 3.5}))


@pytest.mark.parametrize(
    ("recipe", "splits", "message"),
    [
        (BASE, {"Far": Split(count=1, steps=9)}, "the name 'Far' cannot be a split: use up to 40 small letters"),
        (BASE, {"a b": Split(count=1, steps=9)}, "the name 'a b' cannot be a split"),
        (BASE, {"9": Split(count=1, steps=9)}, "the name '9' cannot be a split"),
        (BASE, {"x" * 41: Split(count=1, steps=9)}, "cannot be a split"),
        (BASE, {"train": Split(count=1)}, "the name 'train' of a split is taken: choose another one"),
        (BASE, {"all": Split(count=1)}, "the name 'all' of a split is taken"),
        (BASE, {"validation": Split(count=1)}, "the name 'validation' of a split is taken"),
        (BASE, {"combined_train": Split(count=1)}, "the name 'combined_train' of a split is taken"),
        (BASE, {"far": 9}, r"splits = .* has to be a dict of Splits"),
        (BASE, [1], r"splits = .* has to be a dict of Splits"),
        (BASE, {"far": Split(count=1, change={"k": 1})}, "split far: no system has a parameter 'k'; there are "),
        (BASE, {"far": Split(count=1, change={"radi": 1})}, "no system has a parameter 'radi'; did you mean radii?"),
        (BASE, {"far": Split(count=1, change={"l": -1.0})}, r"split far: Pendulum: l = -1\.0 has to be above 0"),
        (BASE, {"far": Split(count=1, change={"m": shell(0, 1)})}, "split far: .* needs a range in training, and this"),
        (BASE, {"far": Split(count=1, tasks=(1,))}, "tasks of far = 1 does not exist; labels of tasks are 0"),
        (BASE, {"far": Split(count=1, paired="tests")}, "split far: paired = 'tests' is not among train, val, test"),
        (BASE, {"far": Split(count=1, paired="far")}, "split far: paired = 'far' leads back to far"),
        (
            BASE,
            {"far": Split(count=1, change={"l": uniform(2.4, 2.5)})},
            r"split far: the scene is shown to ±2\.5 m, and",
        ),
        (RECIPES["nascar"], {"far": Split(count=1)}, "nascar is cut into windows: only datasets of whole trajectories"),
        (
            dataclasses.replace(RECIPES["pendulum"], original=True),
            {"far": Split(count=1, steps=9)},
            "the original scripts have train, val and test alone",
        ),
    ],
    ids=str,
)
def test_what_a_recipe_refuses(recipe, splits, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(recipe, splits=splits)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"count": 0}, "count = 0 of a split has to be a whole number from 1"),
        ({"count": 1.5}, "count = 1.5 of a split has to be a whole number"),
        ({"steps": 0}, r"steps = 0 of a split has to be a whole number above 0, or times\(2\)"),
        ({"steps": shell(0, 1)}, "steps = .* of a split has to be a whole number above 0"),
        ({"dt": -1}, "dt = -1.0 of a split has to be a time above 0 s"),
        ({"support": 9}, "support = 9 leaves none of 9 sequences to be asked for"),
        ({"change": {"l": None}}, "change: l = None has to be a number, a range, a vector of these, or a rule"),
        ({"observe": Missing()}, "observe = .* of a split has to be a tuple of modifiers"),
        ({"control": Missing()}, "control = .* of a split has to be a control"),
        ({"view": 3}, "view = 3 of a split has to be a View"),
        ({"overlap": 1}, "overlap = 1 has to be True or False"),
    ],
    ids=str,
)
def test_what_a_split_refuses(fields, message):
    with pytest.raises(ValueError, match=message):
        Split(**{"count": 9, **fields})


@pytest.mark.parametrize(("kind", "inner", "outer"), [(Shell, 0.1, 0.1), (Ring, 0.2, 0.1)])
def test_rules_have_a_width(kind, inner, outer):
    with pytest.raises(ValueError, match=f"inner = {inner} has to be below outer = {outer}"):
        kind(inner=inner, outer=outer)


def test_gaps_are_for_parameters_alone():
    with pytest.raises(ValueError, match=r"radii = .* has a gap, which only the range of a parameter of a system may"):
        Pendulum(radii=uniform(1, 2, (1.2, 1.5)))
    with pytest.raises(ValueError, match=r"has a gap"):
        Jump(of="g", to=uniform(1, 2, (1.2, 1.5)))
    with pytest.raises(ValueError, match=r"gap = 0.5..1.5 has to lie within the range 1..2"):
        uniform(1, 2, (0.5, 1.5))


def test_a_hole_in_a_range_with_another_gap_is_refused():
    system = dataclasses.replace(SYSTEM, g=uniform(2, 4, (2.1, 2.2)))
    with pytest.raises(ValueError, match=r"is not in the gap of 2\.\.2\.1\|2\.2\.\.4, and a range has one gap"):
        dataclasses.replace(BASE, tasks=(system,), splits={"gap": Split(count=1, change={"g": Hole()})})


WORDS = [
    ("far: 1000 l=1.5..1.6", Split(count=1000, change={"l": uniform(1.5, 1.6)})),
    ("far: 9 l=0.7..0.8|1.2..1.3", Split(count=9, change={"l": uniform(0.7, 1.3, (0.8, 1.2))})),
    ("far: 9 l=shell(inner=0.1,outer=0.2) m=0.7", Split(count=9, change={"l": shell(0.1, 0.2), "m": 0.7})),
    ("far:9 radii=ring(inner=0.0,outer=0.1)", Split(count=9, change={"radii": ring(0.0, 0.1)})),
    ("long: 9 steps=times(k=2.0) paired=test", Split(count=9, steps=times(2), paired="test")),
    ("long: 9 steps=60 dt=0.05 overlap=true", Split(count=9, steps=60, dt=0.05, overlap=True)),
    ("late: 9 time=jittered(share=0.2)", Split(count=9, time=Jittered(share=0.2))),
    ("pushed: 9 control=held(high=2)", Split(count=9, control=Held(high=2.0))),
    (
        "noisy: 9 observe=missing(p=0.2) observe=pixel_noise(sigma=0.2)",
        Split(count=9, observe=(Missing(p=0.2), PixelNoise(sigma=0.2))),
    ),
    ("moved: 9 drift=jump(of=g,to=2.5)", Split(count=9, drift=(Jump(of="g", to=2.5),))),
    ("large: 9 size=64", Split(count=9, view=View(size=64, extent=2.5))),
    (
        "light: 9 body_colors=[#00ff00] background=#ffffff",
        Split(count=9, view=View(extent=2.5, color="rgb", body_colors=("#00ff00",), background="#ffffff")),
    ),
    ("adapt: 9 support=2 tasks=[0]", Split(count=9, support=2, tasks=(0,))),
]


@pytest.mark.parametrize(("text", "split"), WORDS, ids=[text for text, _ in WORDS])
def test_a_split_is_read_and_written_as_text(text, split):
    color = "rgb" if split.view and split.view.body_colors else "grey"
    base = dataclasses.replace(BASE, view=View(extent=2.5, color=color))
    view = split.view and dataclasses.replace(split.view, color=color)
    split = dataclasses.replace(split, view=view)
    made = override(base, [], {"splits": [text]})
    (name,) = made.splits
    assert made.splits[name] == split
    again = override(base, [], {"splits": [written(name, split, made)]})
    assert again == made


def test_several_values_in_a_split_make_tasks_that_are_held_out():
    recipe = override(BASE, ["l=1"], {"splits": ["adapt: 9 g=1,5 m=0.5,0.6 support=2"], "train": 3})
    assert recipe.held_out == recipe.splits["adapt"].tasks == (1, 2, 3, 4)
    assert [(s.g, s.m) for s in recipe.tasks[1:]] == [(1, 0.5), (1, 0.6), (5, 0.5), (5, 0.6)]
    assert [str(path) for *_, path in recipe.files()][:4] == [
        *(f"dataset_0/{split}.npz" for split in ("train", "val", "test")),
        "dataset_1/adapt.npz",
    ]
    assert recipe.first_split(0) == "train"
    assert recipe.first_split(3) == "adapt"


def test_a_split_is_changed_in_number_or_left_out():
    recipe = RECIPES["pendulum_ood"]
    fewer = override(recipe, [], {"splits": ["far_length: 10", "long: 0"]})
    assert fewer.splits["far_length"] == dataclasses.replace(recipe.splits["far_length"], count=10)
    assert fewer.splits.keys() == recipe.splits.keys() - {"long"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("far", "split 'far' is not of the form NAME: COUNT KEY=VALUE"),
        ("far: l=1", "split 'far: l=1' is not of the form NAME"),
        ("far: x l=1", "'x' is not a whole number"),
        ("far: 9 l", "split far: 'l' is not of the form KEY=VALUE"),
        ("far: 9 l=shell(inner=0", "brackets that do not close"),
        ("far: 9 l=shel(inner=0)", r"split far: rule of a split 'shel' is unknown; did you mean shell\?"),
        ("far: 9 k=3", "split far: Pendulum has no parameter 'k'"),
        ("far: 9 steps=x", "split far: "),
        ("far: 9 overlap=yes", "split far: 'yes' has to be true or false"),
        ("far: -1", "count = -1 of a split has to be"),
        ("train: 9", "the name 'train' of a split is taken"),
    ],
)
def test_what_the_text_of_a_split_refuses(text, message):
    with pytest.raises(ValueError, match=message):
        override(BASE, [], {"splits": [text]})


def test_labels_and_several_values_do_not_mix():
    with pytest.raises(ValueError, match="these values make 32 tasks, and splits of gravity16_gap are of certain ones"):
        override(RECIPES["gravity16_gap"], ["side=32,40"])


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_stored_and_read(name):
    recipe = RECIPES[name]
    tree = json.loads(json.dumps(to_json(to_stored(recipe))))
    stored = from_json(StoredRecipe, tree, "recipe")
    assert from_stored(stored) == recipe
    for split in recipe.split_names():
        own, theirs = recipe.of_split(split), stored.of_split(split)
        assert (own.length(), own.tasks_of(split), own.count(split)) == (
            *(theirs.length(), theirs.tasks_of(split), theirs.count(split)),
        )
        values = {**to_json(to_stored(own)), "view": None}
        assert values == {**to_json(theirs), "view": None}  # readers need no camera


def test_worlds_are_a_grid_with_tasks_off_it():
    base = dataclasses.replace(BASE, tasks=(Pendulum(),), view=View())
    recipe = worlds(base, g=[2.0, 3.0, 5.0], l=[1.0, 1.5], adapt="both", support=5, count=20, paired=True)
    assert [(s.g, s.l) for s in recipe.tasks[:6]] == [(g, l) for g in (2, 3, 5) for l in (1, 1.5)]
    assert [(s.g, s.l) for s in recipe.tasks[6:8]] == [(2.5, 1.25), (4, 1.25)]  # inside
    assert [(s.g, s.l) for s in recipe.tasks[8:]] == [(1, 0.5), (1, 2), (7, 0.5), (7, 2)]  # outside
    assert recipe.held_out == recipe.splits["adapt"].tasks == tuple(range(6, 12))
    assert (recipe.splits["adapt"].support, recipe.splits["adapt"].count, recipe.paired) == (5, 20, True)
    assert recipe.view.extent == Pendulum(l=2.0).extent()


def test_worlds_refuse_what_makes_no_grid():
    base = dataclasses.replace(BASE, tasks=(MassSpring(),))
    for values, message in [
        ({}, "worlds need values of at least one parameter"),
        ({"g": [1, 2]}, "MassSpring has no parameter 'g'; it has friction, m, k"),
        ({"k": []}, r"k = \[\] has to be at least one value, and each once"),
        ({"k": [1, 1]}, "each once"),
        ({"k": [1], "adapt": "inside"}, "needs at least two values of each parameter"),
        ({"k": [1, 2], "adapt": "near"}, "adapt = 'near' has to be a dict of values, or one of inside, outside, both"),
        ({"k": [1, 2], "adapt": {"k": [2]}}, r"split adapt overlaps train \(task 1\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            worlds(base, **values)


def test_a_corner_has_values_that_are_trained_apart():
    base = worlds(dataclasses.replace(BASE, tasks=(Pendulum(),), view=View()), g=[2.0, 3.0, 4.0], l=[0.5, 1.0])
    recipe = corner(base, count=7)
    assert recipe.held_out == (5,)
    assert (recipe.tasks[5].g, recipe.tasks[5].l) == (4, 1)
    trained = [recipe.tasks[i] for i in recipe.tasks_of("train")]
    assert {4.0} <= {s.g for s in trained}
    assert {1.0} <= {s.l for s in trained}
    with pytest.raises(ValueError, match="a corner needs at least two parameters with more than 2 values each"):
        corner(base, share=2)


def test_signals_that_are_scaled_by_train_have_no_named_splits():
    message = "split far: the signals of Lorenz are scaled by those of train: set normalised=false"
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(RECIPES["lorenz"], windows=None, splits={"far": Split(count=1, change={"rho": 30.0})})
