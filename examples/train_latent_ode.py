"""A latent ODE that learns to forecast the frames of pendulums: the first frames in, the others out.

slvm-data generate pendulum
python3 train_latent_ode.py pendulum
slvm-data generate pendulum3
python3 train_latent_ode.py pendulum3 --meta

Frames 0 … 4 are encoded as a random z(0) [D]; z moves by dz/dt = f(z), and each z(t) is decoded as a frame. With
--meta, f also sees what other sequences of the same task have in common: f(z, c), c from the context of an episode.

Kingma and Welling, 2014, arXiv:1312.6114; Chen et al., 2018, arXiv:1806.07366; Jiang et al., 2023 (meta-learning).
"""

import argparse
import time
from itertools import accumulate, pairwise, repeat

import torch
from torch import nn
from torch.utils.data import DataLoader

from slvm_data.load import Episodes, EpisodeSampler, Sequences

SEEN, LATENT, CODE = 5, 12, 8  # frames that are given; numbers in z and in c


def mlp(*sizes: int) -> nn.Sequential:
    """Layers of these sizes."""
    layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.SiLU())]
    return nn.Sequential(*layers[:-1])


def convolutions(channels: int, out: int) -> nn.Sequential:
    """From frames [N channels 32 32] to numbers [N out]."""
    layers = [nn.Conv2d(channels, 16, 4, 2, 1), nn.SiLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.SiLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 8 * 8, out))


class LatentODE(nn.Module):
    """A variational autoencoder whose latent moves by itself."""

    def __init__(self, code: int = 0) -> None:
        super().__init__()
        self.encode = convolutions(SEEN, 2 * LATENT)
        self.summarise = convolutions(SEEN, code) if code else None
        self.motion = mlp(LATENT + code, 128, 128, LATENT)
        self.decode = mlp(LATENT, 256, 1024)

    def forward(self, image: torch.Tensor, context: torch.Tensor | None, steps: int) -> tuple[torch.Tensor, ...]:
        """Logits [B T H W] of all frames, and the divergence of z(0) from a standard normal."""
        mean, log_scale = self.encode(image[:, :SEEN, 0]).chunk(2, dim=1)
        z = mean + torch.randn_like(mean) * log_scale.exp() if self.training else mean
        code = self._code(context)
        trajectory = list(accumulate(repeat(code, steps - 1), self._step, initial=z))
        divergence = 0.5 * (mean**2 + (2 * log_scale).exp() - 1 - 2 * log_scale).sum(1).mean()
        return self.decode(torch.stack(trajectory, 1)).unflatten(2, (32, 32)), divergence

    def _code(self, context: torch.Tensor | None) -> list[torch.Tensor]:
        """The code [B code] of a context [B k T C H W]: the mean of those of its sequences."""
        if context is None or self.summarise is None:
            return []
        frames = context[:, :, 10 : 10 + 2 * SEEN : 2, 0]  # some of the middle
        return [self.summarise(frames.flatten(0, 1)).unflatten(0, frames.shape[:2]).mean(1)]

    def _step(self, z: torch.Tensor, code: list[torch.Tensor], dt: float = 0.5) -> torch.Tensor:
        """A step by the midpoint method; time is counted in frames, two to the unit."""
        half = z + dt / 2 * self.motion(torch.cat([z, *code], 1))
        return z + dt * self.motion(torch.cat([half, *code], 1))


def loss_of(model: LatentODE, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """The negative evidence bound per frame."""
    image, context = batch[0], batch[1] if len(batch) > 1 else None
    logits, divergence = model(image, context, image.shape[1])
    missed = nn.functional.binary_cross_entropy_with_logits(logits, image[:, :, 0], reduction="none")
    return missed.sum((2, 3)).mean() + 0.1 * divergence / image.shape[1]


@torch.no_grad()
def forecast(model: LatentODE, loader: DataLoader) -> tuple[float, float]:
    """Mean squared error of a pixel beyond the frames that are given: of the model, and of repeating the last."""
    model.eval()
    found = []
    for batch in loader:
        image, context = batch[0], batch[1] if len(batch) > 1 else None
        truth = image[:, SEEN:, 0]
        seen = torch.sigmoid(model(image, context, image.shape[1])[0][:, SEEN:])
        errors = ((seen - truth) ** 2).mean(), ((image[:, SEEN - 1 : SEEN, 0] - truth) ** 2).mean()
        found.append(torch.stack(errors))
    return tuple(torch.stack(found).mean(0).tolist())


def main() -> None:
    """Train, and print the error of the forecast."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", default="pendulum")
    parser.add_argument("--meta", action="store_true", help="condition the motion on other sequences of the task")
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()
    torch.manual_seed(0)
    if options.meta:
        fields = ("image", "context_image")
        train, test = (Episodes(options.folder, split, context=5, fields=fields) for split in ("train", "test"))
        batches = DataLoader(train, batch_sampler=EpisodeSampler(train, options.batch, steps=options.steps))
    else:
        train, test = (Sequences(options.folder, split, fields=("image",)) for split in ("train", "test"))
        batches = DataLoader(train, options.batch, shuffle=True)
    model = LatentODE(CODE if options.meta else 0)
    optimiser = torch.optim.Adam(model.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.steps)
    step, start = 0, time.monotonic()
    while step < options.steps:
        for batch in batches:
            optimiser.zero_grad()
            (loss := loss_of(model.train(), batch)).backward()
            optimiser.step()
            schedule.step()
            if (step := step + 1) in (1, options.steps) or step % (options.steps // 6 or 1) == 0:
                print(f"step {step:5d}: loss {loss.item():7.2f}, {time.monotonic() - start:4.0f} s", flush=True)
            if step == options.steps:
                break
    error, last = forecast(model, DataLoader(test, 100))
    print(f"forecast error {error:.4f}, of the last frame {last:.4f}: {error / last:.2f} of it")


if __name__ == "__main__":
    main()
