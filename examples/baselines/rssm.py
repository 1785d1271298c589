"""A recurrent state-space model: a deterministic memory and a random state, trained by the evidence bound.

slvm-data generate pendulum
python3 examples/baselines/rssm.py pendulum --out forecast
slvm-data evaluate forecast pendulum

The memory moves by h(t) = GRU(h(t-1), [s(t-1), Δt, c]), the state has the prior s(t) ~ p(s | h(t)), and where a frame
is shown, the posterior s(t) ~ q(s | h(t), frame). Frames are read from h and s. With --context, c is what other
sequences of the same task have in common; without, it is empty. In training all frames count for the bound, also those
that are not shown: of these the posterior is the prior.

Hafner et al., 2019, arXiv:1811.04551.
"""

import torch
from networks import Model, Summary, divergence, mlp, normal, observation
from torch import Tensor, nn
from training import Batch, arguments, forecaster, observed, sequences, train, write

CODE, MEMORY, STATE, SUMMARY = 64, 128, 16, 8  # numbers in the code of a frame, in h, s and c


class RSSM(Model):
    """A recurrent state-space model of frames or signals."""

    def __init__(self, batch: Batch, context: bool = False) -> None:
        super().__init__()
        name = observed(batch)
        self.observation = observation(name, batch[name], CODE, MEMORY + STATE)
        self.summary = Summary(batch[name].shape[2], SUMMARY) if context else None
        self.interval = batch["time"].diff().mean().item()  # s
        self.memory = nn.GRUCell(STATE + 1 + SUMMARY * context, MEMORY)
        self.prior = mlp(MEMORY, 128, 2 * STATE)
        self.posterior = mlp(MEMORY + CODE, 128, 2 * STATE)

    def forward(self, batch: Batch, given: Tensor, seen: int) -> tuple[Tensor, Tensor, Tensor]:
        """What is decoded [B T …], the latents [B T D], and the divergence [B] of posteriors from priors."""
        codes = self.observation.encode(batch[self.observation.name][:, :seen])
        steps = self._steps(batch)
        h, s = codes.new_zeros(len(codes), MEMORY), codes.new_zeros(len(codes), STATE)
        latents, apart = [], codes.new_zeros(len(codes))
        for t in range(steps.shape[1]):
            h = self.memory(torch.cat([s, steps[:, t]], 1), h)
            prior = self.prior(h)
            if t < seen:
                posterior = self.posterior(torch.cat([h, codes[:, t]], 1))
                apart = apart + divergence(posterior, prior) * given[:, t]
                prior = torch.where(given[:, t, None], posterior, prior)
            s = normal(prior, self.training)[2]
            latents.append(torch.cat([h, s], 1))
        latent = torch.stack(latents, 1)
        return self.observation.decode(latent), latent, apart

    def _steps(self, batch: Batch) -> Tensor:
        """What drives each step beside the state [B T 1+K]: the time since the last frame, and c."""
        apart = batch["time"].diff(dim=1, prepend=batch["time"][:, :1]).float()[..., None] / self.interval
        if self.summary is None:
            return apart
        code = self.summary(batch["context_image"])
        return torch.cat([apart, code[:, None].expand(-1, apart.shape[1], -1)], 2)


if __name__ == "__main__":
    options = arguments(__doc__, steps=1200)
    model = RSSM(sequences(options.folder)[:100], options.context > 0)
    train(model, options)
    write(forecaster(model), options)
