"""Linear dynamics of the principal components of frames, fitted by least squares: dynamic mode decomposition.

slvm-data generate pendulum
python3 examples/baselines/dmd.py pendulum --out forecast
slvm-data evaluate forecast pendulum

A frame [F] is z [K] in its principal components. The next one is z(t) = A [z(t-1), …, z(t-L), 1]: one frame does not
show velocities, so the state has several. Frames that are missing or not shown are the model's own forecasts.

Schmid, 2010, doi:10.1017/S0022112010001217; with delays, Arbabi and Mezić, 2017, doi:10.1137/17M1125236.
"""

from dataclasses import dataclass

import numpy as np
import torch
from training import Batch, arguments, observed, sequences, there, write

COMPONENTS, LAGS = 64, 5  # numbers of a frame, at most, and frames of a state
SEQUENCES = 1000  # that are fitted, at most: all their frames are in memory
RIDGE = 1e-3  # weight of the squares of A, relative to the mean square of z


@dataclass(frozen=True)
class Linear:
    """Principal components, and a linear map from several frames to the next."""

    mean: np.ndarray  # [F]
    components: np.ndarray  # [K F]
    motion: np.ndarray  # [L K + 1, K]

    def __call__(self, batch: Batch, seen: int) -> dict[str, np.ndarray]:
        """Forecast a batch: frames, and their components as latents."""
        del seen  # frames after it are not in the mask
        name = observed(batch)
        frames, mask = batch[name].numpy(), there(batch).numpy()
        z = self.reduced(frames)
        for t in range(1, z.shape[1]):
            forecast = state(z, t) @ self.motion
            z[:, t] = np.where(mask[:, t, None], z[:, t], forecast)
        found = (z @ self.components + self.mean).reshape(frames.shape)
        found = found.clip(0, 1) if name == "image" else found
        return {name: found.astype(np.float32), "latent": z.astype(np.float32)}

    def reduced(self, frames: np.ndarray) -> np.ndarray:
        """Components [B T K] of frames [B T …]."""
        return (frames.reshape(*frames.shape[:2], -1) - self.mean) @ self.components.T


def state(z: np.ndarray, t: int) -> np.ndarray:
    """What the frame at t follows from [B L K + 1]; before the first frame, the first one is repeated."""
    lags = [z[:, max(0, t - lag)] for lag in range(1, LAGS + 1)]
    return np.concatenate([*lags, np.ones((len(z), 1))], axis=1)


def fit(frames: np.ndarray, mask: np.ndarray) -> Linear:
    """Fit components and motion to sequences [N T …], of which the mask [N T] says which frames are there."""
    rows = frames[mask].reshape(mask.sum(), -1)
    mean = rows.mean(axis=0)
    _, vectors = np.linalg.eigh(rows.T @ rows / len(rows) - np.outer(mean, mean))  # in single precision, to save memory
    linear = Linear(mean, vectors.T[::-1][:COMPONENTS], np.zeros(0))
    return Linear(mean, linear.components, least_squares(linear.reduced(frames).astype(np.float64), mask))


def least_squares(z: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The map from states to the next frame, of all frames that are there with those before them."""
    squares, products = 0.0, 0.0
    for t in range(LAGS, z.shape[1]):
        whole = mask[:, t - LAGS : t + 1].all(axis=1)
        x, y = state(z[whole], t), z[whole, t]
        squares, products = squares + x.T @ x, products + x.T @ y
    ridge = RIDGE * (z[mask] ** 2).mean() * mask.sum() * np.eye(LAGS * z.shape[2] + 1)
    return np.linalg.solve(squares + ridge, products)


if __name__ == "__main__":
    options = arguments(__doc__)
    torch.set_num_threads(1)
    every = sequences(options.folder)
    train = every[torch.randperm(len(every))[:SEQUENCES]]
    write(fit(train[observed(train)].numpy(), there(train).numpy()), options)
