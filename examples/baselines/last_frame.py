"""The last frame that was seen, for ever: what every forecast should beat.

slvm-data generate pendulum
python3 examples/baselines/last_frame.py pendulum --out forecast
slvm-data evaluate forecast pendulum

A missing frame is the last one before it that is there. Signals are repeated as frames are.
"""

import torch
from torch import Tensor
from training import arguments, observed, there, write


def last(batch: dict[str, Tensor], seen: int) -> dict[str, Tensor]:
    """Of each frame, the last one up to it that is shown; the first one where none is."""
    del seen  # frames after it are not in the mask
    name = observed(batch)
    frames, mask = batch[name], there(batch)
    number = torch.where(mask, torch.arange(mask.shape[1]), 0).cummax(1).values  # [B T]
    return {name: frames[torch.arange(len(frames))[:, None], number]}


if __name__ == "__main__":
    write(last, arguments(__doc__))
