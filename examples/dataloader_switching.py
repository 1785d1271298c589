"""Windows of switching dynamics: a query, and the windows before it as context.

slvm-data generate nascar
python3 dataloader_switching.py nascar
"""

import sys

import torch
from torch.utils.data import DataLoader

from slvm_data.load import Windows

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"  # where the data are kept, and batches are made


def get_dataloader(folder: str, split: str = "train", batch_size: int = 64):
    """Batches of windows: their number, the query, its context, its regimes."""
    windows = Windows(folder, split, fields=("index", "queries", "domains", "labels")).to(DEVICE)
    return DataLoader(windows, batch_size=batch_size, shuffle=split == "train")


if __name__ == "__main__":
    for index, queries, domains, labels in get_dataloader(sys.argv[1] if len(sys.argv) > 1 else "nascar"):
        print(f"windows {index[:3].tolist()} …: queries {list(queries.shape)}, domains {list(domains.shape)}")
        print(f"regimes of the first: {labels[0].tolist()}")
        break
