"""Networks that the baselines share: from frames (32 x 32 pixels) or signals to numbers, and back."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

EDGE = 32  # px, height and width of frames
SPREAD = 0.1  # deviation of a signal about what the model says, as a share of the deviation of all signals
GLANCE = slice(10, 20, 2)  # frames of a context sequence that its code is made of


def mlp(*sizes: int) -> nn.Sequential:
    """Layers of these sizes; the last one begins with smaller weights, so that states begin small."""
    layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.SiLU())][:-1]
    begin(layers[:-1])
    return nn.Sequential(*layers)


def convolutions(channels: int, out: int) -> nn.Sequential:
    """From frames [N channels H W] to numbers [N out]."""
    layers = [nn.Conv2d(channels, 16, 4, 2, 1), nn.SiLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.SiLU(), nn.Flatten()]
    layers.append(nn.Linear(32 * (EDGE // 4) ** 2, out))
    begin(layers)
    return nn.Sequential(*layers)


def begin(layers: Sequence[nn.Module]) -> None:
    """Draw weights that keep the size of what passes (He et al., 2015): frames are dark, and would fade with others."""
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.get_parameter("bias"))


class Frames(nn.Module):
    """Frames [B T C H W] as codes [B T K], each made with the frame before; latents [B T D] as chances of light."""

    name = "image"  # of the array, in a batch and in a forecast

    def __init__(self, colors: int, code: int, latent: int) -> None:
        super().__init__()
        self.encoder, self.decoder = convolutions(2 * colors, code), mlp(latent, 256, colors * EDGE * EDGE)

    def encode(self, frames: Tensor) -> Tensor:
        """Codes [B T K]; with the frame before, they can hold velocities."""
        before = torch.cat([torch.zeros_like(frames[:, :1]), frames[:, :-1]], 1)
        return self.encoder(torch.cat([frames, before], 2).flatten(0, 1)).unflatten(0, frames.shape[:2])

    def decode(self, latents: Tensor) -> Tensor:
        """Logits [B T C H W]."""
        return self.decoder(latents).unflatten(2, (-1, EDGE, EDGE))

    def missed(self, decoded: Tensor, frames: Tensor) -> Tensor:
        """Negative log-likelihood [B T] of frames."""
        missed = nn.functional.binary_cross_entropy_with_logits(decoded, frames, reduction="none")
        return missed.sum((2, 3, 4))

    def shown(self, decoded: Tensor) -> Tensor:
        """The mean, as a forecast has it."""
        return decoded.sigmoid()


class Signals(nn.Module):
    """Signals [B T S] as codes [B T K], and latents [B T D] as the mean of signals."""

    middle: Tensor
    scale: Tensor

    def __init__(self, name: str, examples: Tensor, code: int, latent: int) -> None:
        super().__init__()
        channels = examples.shape[-1]
        self.name = name
        self.encoder, self.decoder = mlp(channels, 64, code), mlp(latent, 64, channels)
        self.register_buffer("middle", examples.flatten(0, -2).mean(0))
        self.register_buffer("scale", examples.flatten(0, -2).std(0))

    def encode(self, signals: Tensor) -> Tensor:
        """Codes [B T K]."""
        return self.encoder((signals - self.middle) / self.scale)

    def decode(self, latents: Tensor) -> Tensor:
        """Means [B T S]."""
        return self.decoder(latents) * self.scale + self.middle

    def missed(self, decoded: Tensor, signals: Tensor) -> Tensor:
        """Negative log-likelihood [B T] of signals, without its constant."""
        return 0.5 * ((decoded - signals) / (SPREAD * self.scale)).square().sum(2)

    def shown(self, decoded: Tensor) -> Tensor:
        """The mean, as a forecast has it."""
        return decoded


def observation(name: str, examples: Tensor, code: int, latent: int) -> Frames | Signals:
    """How a model sees what has this name in a batch, of which there are examples [N T …]."""
    if name == Frames.name:
        return Frames(examples.shape[2], code, latent)
    return Signals(name, examples, code, latent)


class Model(nn.Module):
    """What can be trained: from a batch, the frames [B T] that are given of it, and the number of frames to see.

    It returns what is decoded [B T …], latents [B T D], and the divergence [B] of posteriors from priors.
    """

    observation: Frames | Signals


class Summary(nn.Module):
    """What sequences of one task have in common: the mean [B K] of a code of each of them."""

    def __init__(self, colors: int, code: int) -> None:
        super().__init__()
        self.code = convolutions(colors * len(range(*GLANCE.indices(GLANCE.stop))), code)

    def forward(self, context: Tensor) -> Tensor:
        """From a context [B k T C H W]."""
        frames = context[:, :, GLANCE].flatten(2, 3)
        return self.code(frames.flatten(0, 1)).unflatten(0, frames.shape[:2]).mean(1)


def normal(parameters: Tensor, sample: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, logarithm of the deviation, and a sample of a normal distribution, each [… D], from numbers [… 2D]."""
    mean, log_scale = parameters.chunk(2, dim=-1)
    return mean, log_scale, mean + torch.randn_like(mean) * log_scale.exp() if sample else mean


def divergence(posterior: Tensor, prior: Tensor) -> Tensor:
    """Kullback-Leibler divergence [B …] of two normal distributions, each given by its numbers [B … 2D]."""
    (mean, log_scale, _), (other, other_log_scale, _) = normal(posterior, False), normal(prior, False)
    squares = (2 * (log_scale - other_log_scale)).exp() + ((mean - other) / other_log_scale.exp()).square()
    return (0.5 * (squares - 1) + other_log_scale - log_scale).sum(-1)
