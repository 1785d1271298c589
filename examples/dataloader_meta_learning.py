"""Episodes for meta-learning: a query, and other sequences of its task as context.

slvm-data generate pendulum3
python3 dataloader_meta_learning.py pendulum3
"""

import sys

from torch.utils.data import DataLoader

from slvm_data.load import Episodes, EpisodeSampler

folder = sys.argv[1] if len(sys.argv) > 1 else "pendulum3"
train = Episodes(folder, "train", context=15)
sampler = EpisodeSampler(train, batch_size=16, steps=100)  # draws context and query anew for each batch

for epoch in range(2):  # other episodes in each epoch
    for batch in DataLoader(train, batch_sampler=sampler):
        query = batch["image"]  # [B T C H W]
        context = batch["context_image"]  # [B 15 T C H W], of the same task
        task = batch["label"]  # [B 1]
        print(f"epoch {epoch}: episode {batch['episode'][0]}, query {list(query.shape)}, context {list(context.shape)}")
        break

# Three tasks, five queries of each, in every batch:
ways = Episodes(folder, "train", context=15, ways=3, queries=5)
labels = next(iter(DataLoader(ways, batch_sampler=EpisodeSampler(ways))))["label"]
print(f"labels of one episode: {labels.flatten().tolist()}")

# By hand, as loaders of the field do, without workers:
for _ in range(2):
    train.split_()
    for batch in DataLoader(train, batch_size=16, shuffle=True):
        print(f"split {batch['episode'][0]}: {len(train)} queries")
        break

# For evaluation the same episode always, each query once:
test = Episodes(folder, "test", context=15)
print(f"{len(test)} queries to test on")
