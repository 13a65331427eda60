"""The mean embedding of each class: how it is estimated, kept, and used to classify."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from intarsia._check import check_least, fail
from intarsia.losses import ClassSums, class_sums

__all__ = ["ClassMeans", "ClassMeansConfig", "MeanSource", "nearest_mean_logits"]

MeanSource = Literal["batch", "ema", "online", "learned"]


@dataclass(frozen=True, kw_only=True)
class ClassMeansConfig:
    """How the mean of each class is estimated.

    Attributes:
        mean_source: "batch": the mean over the batch's pixels, with gradient, of which prediction uses a
            moving average. "ema": that moving average also in training, without gradient. "online": the
            average over all pixels so far. "learned": parameters.
        mean_momentum: Share that a stored mean keeps at an update by "batch" and "ema"; 0.95, so that a mean
            is of the last 20 batches or so.
        mean_reset_every: Updates after which "online" forgets its counts; 0 for never.

    Raises:
        ValueError: The source is unknown or the momentum out of range.
    """

    mean_source: MeanSource = "batch"
    mean_momentum: float = 0.95
    mean_reset_every: int = 0

    def __post_init__(self) -> None:
        if self.mean_source not in ("batch", "ema", "online", "learned"):
            fail("mean_source", '"batch", "ema", "online" or "learned"', repr(self.mean_source))
        if not 0 <= self.mean_momentum < 1:
            fail("mean_momentum", "in [0, 1)", self.mean_momentum)
        check_least("mean_reset_every", self.mean_reset_every, 0)


def nearest_mean_logits(
    features: Float[Tensor, "b d *p"], means: Float[Tensor, "k d"], log_lambda: Float[Tensor, " k"]
) -> Tensor:
    """Logits -λ |f - m|^2 of each class: their argmax is the nearest class mean.

    Source: Guerriero, Caputo and Mensink 2018 (DeepNCM), eq. (1); λ is ours.

    Args:
        features: One vector a pixel.
        means: One vector a class.
        log_lambda: Logarithm of λ = 1 / (2 σ^2) of each class.

    Returns:
        Float `b k *p`.

    Example:
        >>> means = torch.tensor([[0.0], [4.0]])
        >>> nearest_mean_logits(torch.tensor([[[1.0]]]), means, torch.zeros(2)).flatten().tolist()
        [-1.0, -9.0]
    """
    flat = features.flatten(2)  # b d p
    cross = torch.matmul(means, flat)  # b k p
    squared = flat.square().sum(1, keepdim=True) - 2 * cross + means.square().sum(1)[:, None]
    logits = -log_lambda.exp()[:, None] * squared.clamp(min=0)
    return logits.view(len(features), len(means), *features.shape[2:])


class ClassMeans(nn.Module):
    """A mean embedding for each class, in one of four ways; all keep the means that prediction uses.

    A class with too few points in the batch keeps its stored mean. Means begin orthogonal, so that classes
    start apart.

    Source: Guerriero, Caputo and Mensink 2018 for "online" (with condensation) and "ema" (decay); the
    gradient through "batch" is as in prototypical networks (Snell et al. 2017).

    Example:
        >>> means = ClassMeans(ClassMeansConfig(), 3, 4)
        >>> means(torch.zeros(1, 4, 2), torch.zeros(1, 2, dtype=torch.long)).shape
        torch.Size([3, 4])
    """

    stored: Tensor
    count: Tensor
    seen: Tensor
    updates: Tensor

    def __init__(
        self,
        config: ClassMeansConfig,
        num_classes: int,
        dims: int,
        *,
        radius: float = 3.0,
        min_class_points: int = 10,
    ) -> None:
        """Start the means.

        Args:
            config: How the means are estimated.
            num_classes: Number of classes.
            dims: Dimensions of a feature.
            radius: Length of the first means, in the unit of the features; two of them are sqrt(2) times that
                apart, at 3 more than the balls of two classes with σ = 1 reach.
            min_class_points: Grid points of the batch below which a class keeps its stored mean; of fewer
                than 10 a mean says little.
        """
        super().__init__()
        self.config = config
        self.min_class_points = min_class_points
        start = _spread_out(num_classes, dims) * radius
        self.prototypes = nn.Parameter(start.clone()) if config.mean_source == "learned" else None
        self.register_buffer("stored", start)
        self.register_buffer("count", torch.zeros(num_classes))
        self.register_buffer("seen", torch.zeros(num_classes, dtype=torch.bool))
        self.register_buffer("updates", torch.zeros((), dtype=torch.long))

    @property
    def means(self) -> Float[Tensor, "k d"]:
        """What prediction uses."""
        return self.stored if self.prototypes is None else self.prototypes

    @property
    def known(self) -> Bool[Tensor, " k"]:
        """The classes that training has shown; all of them before training."""
        return self.seen | ~self.seen.any()

    def forward(self, features: Float[Tensor, "b d p"], labels: Int[Tensor, "b p"]) -> Float[Tensor, "k d"]:
        """The means to train with; in training mode the stored ones take this batch in."""
        sums = class_sums(features, labels, len(self.stored), across_processes=self.training)
        enough = sums.counts >= self.min_class_points
        if self.training:
            self._store(sums, enough)
        if self.prototypes is not None:
            return self.prototypes
        stored = self.stored.to(features.dtype).clone()
        return (
            torch.where(enough[:, None], sums.means, stored) if self.config.mean_source == "batch" else stored
        )

    @torch.no_grad()
    def _store(self, sums: ClassSums, enough: Tensor) -> None:
        if self.config.mean_source == "online":
            if self.config.mean_reset_every and int(self.updates) % self.config.mean_reset_every == 0:
                self.count.zero_()
            share = self.count / (self.count + sums.counts).clamp(min=1)
            self.count += torch.where(enough, sums.counts, 0)
        else:
            share = torch.where(self.seen, self.config.mean_momentum, 0.0)
        mixed = torch.lerp(
            sums.means.to(self.stored.dtype), self.stored, share.to(self.stored.dtype)[:, None]
        )
        self.stored.copy_(torch.where(enough[:, None], mixed, self.stored))
        self.seen |= enough
        self.updates += 1


def _spread_out(count: int, dims: int) -> Float[Tensor, "k d"]:
    """Unit vectors: orthogonal as far as there are dimensions for it, the same each time."""
    generator = torch.Generator().manual_seed(0)
    blocks = [
        torch.linalg.qr(torch.randn(dims, dims, generator=generator))[0] for _ in range(-(-count // dims))
    ]
    signs = [(-1.0) ** number for number in range(len(blocks))]  # the second basis away from the first
    return F.normalize(torch.cat([sign * q for sign, q in zip(signs, blocks, strict=True)])[:count], dim=1)
