"""Sequences for standard training.

slvm-data generate pendulum
python3 dataloader.py pendulum
"""

import sys

import torch
from torch.utils.data import DataLoader

from slvm_data.load import Sequences

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"  # where the data are kept, and batches are made


def get_dataloader(folder: str, split: str = "train", batch_size: int = 64, fields: tuple[str, ...] | None = None):
    """Batches of a split: shuffled for training, in order for validation and test."""
    sequences = Sequences(folder, split, fields=fields).to(DEVICE)
    return DataLoader(sequences, batch_size=batch_size, shuffle=split == "train")


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "pendulum"

    for batch in get_dataloader(folder):
        image = batch["image"]  # [B T C H W] float32
        state = batch["state"]  # [B T D], positions then momenta: frame t shows state t
        print(", ".join(f"{name} {list(array.shape)}" for name, array in batch.items()))
        break

    test = get_dataloader(folder, "test", fields=("image", "state", "label"))
    for image, state, label in test:  # noqa: B007
        print(f"{len(test.dataset)} sequences to test on, in batches of {list(image.shape)}")  # pyright: ignore
        break
