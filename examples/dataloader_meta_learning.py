"""Episodes for meta-learning: a query, and other sequences of its task as context.

slvm-data generate pendulum3
python3 dataloader_meta_learning.py pendulum3
"""

import sys

import torch
from torch.utils.data import DataLoader

from slvm_data.load import Episodes, EpisodeSampler

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"  # where the data are kept, and batches are made


def get_dataloader(folder: str, split: str = "train", batch_size: int = 16, steps: int = 100):
    """Batches for which context and queries are drawn anew; for validation and test, one episode in order."""
    episodes = Episodes(folder, split, context=15).to(DEVICE)
    if split != "train":
        return DataLoader(episodes, batch_size=batch_size)
    return DataLoader(episodes, batch_sampler=EpisodeSampler(episodes, batch_size=batch_size, steps=steps))


def get_dataloader_by_hand(folder: str, batch_size: int = 16):
    """Batches of a split that you draw with `split_()`, as loaders of the field do; without workers."""
    return DataLoader(Episodes(folder, "train", context=15), batch_size=batch_size, shuffle=True)


def get_ways(folder: str, ways: int = 3, queries: int = 5):
    """Whole episodes as batches: so many tasks, with so many queries of each."""
    episodes = Episodes(folder, "train", context=15, ways=ways, queries=queries)
    return DataLoader(episodes, batch_sampler=EpisodeSampler(episodes))


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "pendulum3"

    train = get_dataloader(folder)
    for label, indices in train.dataset.groups.items():  # pyright: ignore[reportAttributeAccessIssue]
        print(f"task {label}: {len(indices)} sequences, {indices[0]} to {indices[-1]}")

    for epoch in range(2):  # other episodes in each epoch
        for batch in train:
            query = batch["image"]  # [B T C H W]
            context = batch["context_image"]  # [B 15 T C H W], of the same task
            task = batch["label"]  # [B 1]
            number = batch["episode"][0]
            print(f"epoch {epoch}: episode {number}, query {list(query.shape)}, context {list(context.shape)}")
            break

    labels = next(iter(get_ways(folder)))["label"]
    print(f"labels of one episode: {labels.flatten().tolist()}")

    by_hand = get_dataloader_by_hand(folder)
    for _ in range(2):
        by_hand.dataset.split_()  # pyright: ignore[reportAttributeAccessIssue]
        for batch in by_hand:
            print(f"split {batch['episode'][0]}: {len(by_hand.dataset)} queries")  # pyright: ignore[reportArgumentType]
            break

    print(f"{len(get_dataloader(folder, 'test').dataset)} queries to test on")  # pyright: ignore[reportArgumentType]
