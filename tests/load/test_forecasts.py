"""A model is run over a split, and its forecast becomes a file: in order, whole or not at all."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from slvm_data import RECIPES, evaluate, generate
from slvm_data.load import Sequences, forecast
from slvm_data.observe.modifiers import Missing


class Last(torch.nn.Module):
    """The last frame that is seen, for ever; as latents, whether it was in the mode of training, and a parameter."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.dropout = torch.nn.Dropout()
        self.batches = []

    def forward(self, batch, seen):
        self.batches.append(batch)
        image = batch["image"]
        last = image[:, seen - 1 : seen].expand(-1, image.shape[1] - seen, -1, -1, -1)
        state = self.weight * torch.ones(*image.shape[:2], 1)
        return {"image": torch.cat([image[:, :seen], last], dim=1), "latent": self.dropout(state)}


def test_a_forecast_is_in_the_order_of_the_split(pendulums, tmp_path):
    model = Last()
    model.dropout.eval()  # and the rest in the mode of training
    assert forecast(model, pendulums, tmp_path / "new/last", seen=2, batch_size=7) == tmp_path / "new/last"
    assert model.training
    assert not model.dropout.training
    assert [len(batch["image"]) for batch in model.batches[:3]] == [7, 7, 6]
    for task in range(3):
        with np.load(tmp_path / f"new/last/dataset_{task}/test.npz", allow_pickle=False) as data:
            found = dict(data)
        image = Sequences(pendulums, "test", tasks=[task])[:]["image"].numpy()
        np.testing.assert_array_equal(found["image"][:, :2], image[:, :2])
        np.testing.assert_array_equal(found["image"][:, 3], image[:, 1])
        assert (found["latent"] == 1).all()  # nothing is dropped
        assert found["index"].tolist() == list(range(20))
        assert (found["seen"] == 2).all()
    assert evaluate(tmp_path / "new/last", pendulums).columns["test"].frames == range(2, 4)


def test_a_model_does_not_see_what_it_forecasts(make, tmp_path):
    for name in ("pendulum", "nascar", "nascar-pixels"):
        batches = []
        forecast(lambda b, n, kept=batches: kept.append(b) or {"latent": np.zeros((len(b["index"]), 1))}, make(name),
                 tmp_path, seen=3)  # fmt: skip
        for observed in ("image", "queries"):
            if observed in batches[0]:
                assert batches[0][observed][:, :3].any()
                assert not batches[0][observed][:, 3:].any()
        assert batches[0]["mask"][:, :3].all()
        assert not batches[0]["mask"][:, 3:].any()


def test_missing_frames_stay_missing_in_the_mask(tmp_path):
    recipe = replace(RECIPES["pendulum"], observe=(Missing(p=0.5, keep=1),), train=0, val=0, test=12, steps=9)
    root, masks = generate(recipe, tmp_path / "gaps"), []
    forecast(lambda batch, _: masks.append(batch["mask"]) or batch["image"], root, tmp_path, seen=6)
    expected = Sequences(root, "test")[:]["mask"]
    np.testing.assert_array_equal(masks[0][:, :6], expected[:, :6])
    assert not expected[:, :6].all()


def test_a_file_is_whole_or_not_there(pendulums, tmp_path):
    class Fails(Last):
        def forward(self, batch, seen):
            if len(self.batches) == 2:
                raise RuntimeError("no more")
            return super().forward(batch, seen)

    model = Fails()
    before = tmp_path / "a/dataset_0/test.npz"
    before.parent.mkdir(parents=True)
    before.write_bytes(b"of another model")
    with pytest.raises(RuntimeError, match="no more"):
        forecast(model, pendulums, tmp_path / "a", seen=2, batch_size=8)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [before]
    assert before.read_bytes() == b"of another model"
    assert model.training
    assert torch.is_grad_enabled()


def test_gradients_are_not_kept_and_a_tensor_is_the_frames(make, tmp_path):
    weight = torch.nn.Linear(1, 1)

    def model(batch, seen):
        found = weight(batch["image"][..., None])[..., 0].bfloat16()
        assert not found.requires_grad
        return found

    path = forecast(model, make("pendulum"), tmp_path / "f.npz", seen=1, split="val", device="cpu")
    with np.load(path) as data:
        assert data["image"].dtype == np.float32
        assert data["image"].shape == (3, 30, 1, 32, 32)
    report = evaluate(path, make("pendulum"), splits=["val"])
    assert report.columns["val"].sequences == 3


def test_a_method_of_a_module_is_run_in_the_mode_of_evaluation(make, tmp_path):
    class Model(Last):
        def predict(self, batch, seen):
            assert not self.training
            return batch["image"]

    model = Model()
    forecast(model.predict, make("pendulum"), tmp_path, seen=1)
    assert model.training


def test_samples_lie_before_sequences(make, tmp_path):
    def model(batch, seen):
        image = batch["image"]
        return {
            "image": torch.stack([image, 0.5 * image, 0 * image]),
            "state": torch.stack([batch["state"], batch["state"] + batch["index"][:, None, None]]),
            "param_g": torch.stack([batch["param_g"]] * 4),
        }

    path = forecast(model, make("pendulum"), tmp_path / "f.npz", seen=30, batch_size=1)
    state = Sequences(make("pendulum"), "test")[:]["state"].numpy()
    with np.load(path) as data:
        assert data["image"].shape == (3, 2, 30, 1, 32, 32)
        assert data["param_g"].shape == (4, 2)
        np.testing.assert_array_equal(data["state"], np.stack([state, state + np.float32([[[0]], [[1]]])]))


def test_a_model_with_a_context(pendulums, make, tmp_path):
    """The context is of the same task, is seen whole, and is no part of what is forecast."""
    batches = []

    def model(batch, seen):
        batches.append(batch)
        return {"image": batch["image"]}

    forecast(model, pendulums, tmp_path, seen=2, context=3, batch_size=10)
    assert [tuple(batch["context_image"].shape) for batch in batches[:2]] == [
        (10, 3, 4, 1, 32, 32),
        (7, 3, 4, 1, 32, 32),
    ]
    for batch in batches:
        assert (batch["context_label"] == batch["label"][:, None]).all()
        assert batch["context_image"][:, :, 3].any()
        assert not batch["image"][:, 2:].any()
    for task in range(3):
        with np.load(tmp_path / f"dataset_{task}/test.npz", allow_pickle=False) as data:
            found = dict(data)
        context = set(batches[2 * task]["context_index"][0].tolist())
        assert set(found["index"].tolist()) == set(range(20)) - context
        image = Sequences(pendulums, "test", tasks=[task])[found["index"]]["image"].numpy()
        np.testing.assert_array_equal(found["image"][:, :2], image[:, :2])
    assert evaluate(tmp_path, pendulums).columns["test"].sequences == 51
    with pytest.raises(ValueError, match="each window has its own context"):
        forecast(model, make("nascar"), tmp_path, seen=2, context=3)


def test_models_that_give_something_else(pendulums, make, tmp_path):
    def refused(model, root=None, **options):
        usual = {"out": tmp_path / "f.npz", "seen": 2, "split": "val"}
        with pytest.raises(ValueError) as error:
            forecast(model, root or make("pendulum"), **usual | options)
        return str(error.value)

    expected = "for a batch of 3 sequences: it has to be [3 …], or [S 3 …] with samples"
    found = refused(lambda *_: {"latent": torch.zeros(5, 30, 2)})
    assert found == f"the model gives latent of the shape [5, 30, 2] {expected}"
    assert refused(lambda *_: [1]) == "the model gives image as list, and it has to be an array or a tensor"
    unlike = iter([{"state": np.zeros((2, 30, 2))}, {"state": np.zeros((1, 30, 3))}])
    expected = "the model gives state of another type or shape in another batch, or not at all"
    assert refused(lambda *_: next(unlike), batch_size=2) == expected
    model = Last()
    assert refused(model, seen=0) == "seen = 0 has to be between 1 and 30 frames"
    assert refused(model, split="ood").startswith("split = 'ood' ")
    several = f"{tmp_path / 'f.npz'} is one file, and {pendulums} has several tasks: give a folder"
    assert refused(model, pendulums) == several
    assert not list(tmp_path.iterdir())
