"""Windows of switching dynamics: a query, and the windows before it as context.

slvm-data generate nascar
python3 dataloader_switching.py nascar
"""

import sys

from torch.utils.data import DataLoader

from slvm_data.load import Windows

folder = sys.argv[1] if len(sys.argv) > 1 else "nascar"
train = Windows(folder, "train", fields=("index", "queries", "domains", "labels"))

for index, queries, domains, labels in DataLoader(train, batch_size=64, shuffle=True):
    print(f"windows {index[:3].tolist()} …: queries {list(queries.shape)}, domains {list(domains.shape)}")
    print(f"regimes of the first: {labels[0].tolist()}")
    break
