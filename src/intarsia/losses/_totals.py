"""Sums an image with the counts to divide them by, so that a mean may be an image's or the whole batch's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

Mean = Callable[["Totals"], Float[Tensor, "*b"]]
"""`image_means` or `batch_mean`."""


@dataclass(frozen=True, eq=False)
class Totals:
    """Of each image a sum, and of how many things it is the sum."""

    sums: Float[Tensor, " b"]
    counts: Float[Tensor, " b"]

    @classmethod
    def of(cls, values: Float[Tensor, " s"], image: Int[Tensor, " s"], num_images: int) -> Totals:
        """The totals of values that lie in these images."""
        sums = values.new_zeros(num_images).index_add(0, image, values)
        return cls(sums, values.new_zeros(num_images).index_add(0, image, torch.ones_like(values)))


def image_means(totals: Totals) -> Float[Tensor, " b"]:
    """The mean of each image, 0 where it is of nothing.

    Example:
        >>> image_means(Totals(torch.tensor([6.0, 1.0, 0.0]), torch.tensor([2.0, 1.0, 0.0])))
        tensor([3., 1., 0.])
    """
    return totals.sums / totals.counts.clamp(min=1)


def batch_mean(totals: Totals) -> Float[Tensor, ""]:
    """The mean over all things of the batch, 0 where there is none.

    Example:
        >>> batch_mean(Totals(torch.tensor([6.0, 1.0, 0.0]), torch.tensor([2.0, 1.0, 0.0]))).round(decimals=4)
        tensor(2.3333)
    """
    return totals.sums.sum() / totals.counts.sum().clamp(min=1)
