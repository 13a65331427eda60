"""Sums of features over the pixels of each class."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from intarsia.losses._segment_spread import NO_SPREAD, segment_spread

__all__ = ["ClassSums", "class_sums"]


@dataclass(frozen=True, eq=False)
class ClassSums:
    """What the pixels of each class add up to.

    Attributes:
        sums: Of the features, with their gradient.
        counts: How many pixels each class has.

    Example:
        >>> ClassSums(torch.tensor([[6.0], [0.0]]), torch.tensor([3.0, 0.0])).means.tolist()
        [[2.0], [0.0]]
    """

    sums: Float[Tensor, "k d"]
    counts: Float[Tensor, " k"]

    @property
    def means(self) -> Float[Tensor, "k d"]:
        """Zero where a class has no pixel."""
        return self.sums / self.counts.clamp(min=1)[:, None]


def class_sums(
    features: Float[Tensor, "b d p"],
    labels: Int[Tensor, "b p"],
    num_classes: int,
    *,
    across_processes: bool = False,
) -> ClassSums:
    """Sum and count of each class over the batch.

    Args:
        features: One vector a pixel.
        labels: Class index; what is not in [0, num_classes) does not count.
        num_classes: Number of classes.
        across_processes: Over the batches of all processes where there are several; each must take part.

    Example:
        >>> sums = class_sums(torch.tensor([[[1.0, 3.0, 9.0]]]), torch.tensor([[1, 1, 255]]), 2)
        >>> sums.means, sums.counts
        (tensor([[0.],
                [2.]]), tensor([0., 2.]))
    """
    in_range = (labels >= 0) & (labels < num_classes)
    image = torch.arange(len(labels), device=labels.device)[:, None] * num_classes
    key = torch.where(in_range, labels + image, -1)  # a segment for each image and class
    area = key[in_range].bincount(minlength=len(labels) * num_classes)
    present = area.nonzero()[:, 0]
    index = torch.where(in_range, F.pad((area > 0).cumsum(0), (0, 1))[key] - 1, -1)
    means, _ = segment_spread(features, index, len(present), margin=NO_SPREAD, norm=2)
    # Means of the segments, times their pixels, added up to the classes.
    pixels = area[present].to(features.dtype)
    sums = features.new_zeros(num_classes, features.shape[1])
    sums = sums.index_add(0, present % num_classes, means * pixels[:, None])
    counts = features.new_zeros(num_classes).index_add(0, present % num_classes, pixels)
    if across_processes and torch.distributed.is_available() and torch.distributed.is_initialized():
        sums, counts = _over_processes(sums), _over_processes(counts)
    return ClassSums(sums, counts)


def _over_processes(values: Tensor) -> Tensor:
    return _SumOverProcesses.apply(values)  # pyright: ignore[reportReturnType]


class _SumOverProcesses(torch.autograd.Function):
    """Every process's loss depends on every process's pixels, so gradients are summed as values are."""

    @staticmethod
    def forward(ctx, values: Tensor) -> Tensor:
        values = values.clone()
        torch.distributed.all_reduce(values)
        return values

    @staticmethod
    def backward(ctx, *grads: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        grad = grads[0].contiguous().clone()
        torch.distributed.all_reduce(grad)
        return grad
