"""Sequences for standard training.

slvm-data generate pendulum
python3 dataloader.py pendulum
"""

import sys

from torch.utils.data import DataLoader

from slvm_data.load import Sequences

folder = sys.argv[1] if len(sys.argv) > 1 else "pendulum"
train = Sequences(folder, "train")
test = Sequences(folder, "test", fields=("image", "state", "label"))

for batch in DataLoader(train, batch_size=64, shuffle=True):
    image = batch["image"]  # [B T C H W] float32
    state = batch["state"]  # [B T D], positions then momenta: frame t shows state t
    print(", ".join(f"{name} {list(array.shape)}" for name, array in batch.items()))
    break

for image, state, label in DataLoader(test, batch_size=64):  # noqa: B007
    print(f"{len(test)} sequences to test on, in batches of {list(image.shape)}")
    break
