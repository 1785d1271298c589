"""A stream in two workers. Prints as JSON what they gave."""

import dataclasses
import itertools
import json

from torch.utils.data import DataLoader

from slvm_data import RECIPES
from slvm_data.load import Stream

if __name__ == "__main__":
    stream = Stream(dataclasses.replace(RECIPES["pendulum3"], steps=4), batch=8, fields=("index", "image"))
    spawned = DataLoader(stream, batch_size=None, num_workers=2, multiprocessing_context="spawn")
    found = {"spawn": [batch["index"].tolist() for batch in itertools.islice(spawned, 6)]}
    try:
        next(iter(DataLoader(stream, batch_size=None, num_workers=1, multiprocessing_context="fork")))
    except RuntimeError as error:
        found["fork"] = str(error)
    print(json.dumps(found))
