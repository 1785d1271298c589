"""A latent ODE: the frames that are shown become a random z(0), which moves by dz/dt = f(z).

slvm-data generate pendulum
python3 examples/baselines/latent_ode.py pendulum --out forecast
slvm-data evaluate forecast pendulum

A recurrent network reads the codes of the frames that are shown, the last one first, and gives the distribution of
z(0) [D]; each z(t) is read as a frame. Times need not be regular. With --context, f also sees what other sequences of
the same task have in common: f(z, c), c from the context of an episode.

Kingma and Welling, 2014, arXiv:1312.6114; Chen et al., 2018, arXiv:1806.07366; Jiang et al., 2023 (meta-learning).
"""

from itertools import accumulate

import torch
from networks import Model, Summary, divergence, mlp, normal, observation
from torch import Tensor, nn
from training import Batch, arguments, forecaster, observed, sequences, train, write

CODE, MEMORY, LATENT, SUMMARY = 64, 128, 12, 8  # numbers in the code of a frame, in the reader, in z and in c
UNIT = 2.0  # mean intervals between frames that make the unit of time


class LatentODE(Model):
    """A variational autoencoder whose latent moves by itself."""

    def __init__(self, batch: Batch, context: bool = False) -> None:
        super().__init__()
        name = observed(batch)
        self.observation = observation(name, batch[name], CODE, LATENT)
        self.summary = Summary(batch[name].shape[2], SUMMARY) if context else None
        self.unit = UNIT * batch["time"].diff().mean().item()  # s
        self.reader = nn.GRUCell(CODE + 1, MEMORY)
        self.start = mlp(MEMORY, 128, 2 * LATENT)
        self.motion = mlp(LATENT + SUMMARY * context, 128, 128, LATENT)
        nn.init.zeros_(self.motion[-1].get_parameter("weight"))  # z begins at rest: a long random motion would explode

    def forward(self, batch: Batch, given: Tensor, seen: int) -> tuple[Tensor, Tensor, Tensor]:
        """What is decoded [B T …], the latents [B T D], and the divergence [B] of z(0) from a standard normal."""
        time = (batch["time"] / self.unit).float()
        start = self._read(self.observation.encode(batch[self.observation.name][:, :seen]), given, time)
        z = normal(start, self.training)[2]
        code = [] if self.summary is None else [self.summary(batch["context_image"])]
        steps = time.diff(dim=1).unbind(1)
        latents = torch.stack(list(accumulate(steps, lambda z, dt: self._step(z, dt[:, None], code), initial=z)), 1)
        return self.observation.decode(latents), latents, divergence(start, torch.zeros_like(start))

    def _read(self, codes: Tensor, given: Tensor, time: Tensor) -> Tensor:
        """The distribution of z(0) [B 2D] from codes [B S K] of the frames that are shown, the last one first."""
        h = codes.new_zeros(len(codes), MEMORY)
        for t in reversed(range(codes.shape[1])):
            seen = self.reader(torch.cat([codes[:, t], time[:, t, None]], 1), h)
            h = torch.where(given[:, t, None], seen, h)
        return self.start(h)

    def _step(self, z: Tensor, dt: Tensor, code: list[Tensor]) -> Tensor:
        """A step by the midpoint method."""
        half = z + dt / 2 * self.motion(torch.cat([z, *code], 1))
        return z + dt * self.motion(torch.cat([half, *code], 1))


if __name__ == "__main__":
    options = arguments(__doc__, steps=1200)
    model = LatentODE(sequences(options.folder)[:100], options.context > 0)
    train(model, options)
    write(forecaster(model), options)
