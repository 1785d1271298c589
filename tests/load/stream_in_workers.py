"""A stream in two workers. Prints as JSON what they gave."""

import dataclasses
import itertools
import json
import multiprocessing
import warnings

from torch.utils.data import DataLoader

from slvm_data import RECIPES
from slvm_data.load import Stream

if __name__ == "__main__":
    recipe = RECIPES["pendulum3"]
    recipe = dataclasses.replace(recipe, record=recipe.recordable())  # which whoever begins this has compiled
    stream = Stream(recipe, batch=8, fields=("index", "image"))
    half = Stream(stream.recipe, batch=8, fields=("index",), rank=1, ranks=2)
    spawned = DataLoader(half, batch_size=None, num_workers=2, multiprocessing_context="spawn")
    found = {"ranks and workers": [batch["index"].tolist() for batch in itertools.islice(spawned, 4)]}
    next(iter(stream))
    warnings.filterwarnings("ignore", "os.fork")
    for context in ("fork", None):  # None is fork too, on Linux before Python 3.14
        if context or multiprocessing.get_start_method() == "fork":
            try:
                next(iter(DataLoader(stream, batch_size=None, num_workers=1, multiprocessing_context=context)))
            except RuntimeError as error:
                found["fork"] = str(error)
            else:
                found["fork"] = "nothing"
    print(json.dumps(found))
