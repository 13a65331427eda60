"""The Lovász extension of the Jaccard loss: what the hinge and the softmax share, for many masks at once."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

import intarsia._native as _native
from intarsia.losses._gradients import gradient_beside_value


def lovasz_extension(
    scores: Float[Tensor, "m p"],
    labels: Bool[Tensor, "m p"],
    *,
    valid: Bool[Tensor, "m p"] | None = None,
    floor: float,
) -> Float[Tensor, " m"]:
    """Lovász extension of 1 - IoU at the errors 1 - score (labelled pixels) and floor + score (the others).

    Errors of at most zero cost nothing. With floor = 1 these are hinge errors of logits, with floor = 0 the
    errors of probabilities. All masks are sorted together; the sort carries no gradient, so only the weights
    it gives are kept for the backward pass: one number a pixel. On the CPU in float32 a native radix sort of
    the errors that matter replaces the general sort; both give the same loss and the same gradient.

    Source: Berman et al. 2018, eq. (9) and Algorithm 1. The closed form of the weights is ours.

    Args:
        scores: Logits or probabilities, float32 or float64.
        labels: Which pixels belong to the mask.
        valid: Pixels that count; all by default.
        floor: Error of an unlabelled pixel of score 0.

    Returns:
        One loss a mask, zero where no pixel counts. Without labelled pixels it is the largest error.

    Example:
        >>> lovasz_extension(torch.tensor([[0.5, -2.0]]), torch.tensor([[True, False]]), floor=1.0)
        tensor([0.5000])
    """
    needs_gradient = torch.is_grad_enabled() and scores.requires_grad
    return lovasz_operator(scores, labels, valid, floor, needs_gradient)[0]


@gradient_beside_value
@torch.library.custom_op(
    "intarsia::lovasz_extension",
    mutates_args=(),
    schema="(Tensor scores, Tensor labels, Tensor? valid, float floor, bool needs_gradient) "
    "-> (Tensor, Tensor)",
)
def lovasz_operator(
    scores: Tensor, labels: Tensor, valid: Tensor | None, floor: float, needs_gradient: bool
) -> tuple[Tensor, Tensor]:
    """The losses and, where it is needed, d losses / d scores: what a compiler sees of `lovasz_extension`."""
    losses, gradient = evaluate_masks(scores, labels, valid, floor, needs_gradient=needs_gradient)
    return losses, scores.new_empty(0) if gradient is None else gradient


@lovasz_operator.register_fake
def _(
    scores: Tensor, labels: Tensor, valid: Tensor | None, floor: float, needs_gradient: bool
) -> tuple[Tensor, Tensor]:
    losses = scores.new_empty(scores.shape[0])
    return losses, scores.new_empty(scores.shape if needs_gradient else 0)


def evaluate_masks(
    scores: Tensor, labels: Tensor, valid: Tensor | None, floor: float, *, needs_gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """Losses and d losses / d scores by the way that is fastest for the device and precision.

    Example:
        >>> evaluate_masks(torch.tensor([[0.25]]), torch.tensor([[True]]), None, 0.0, needs_gradient=False)
        (tensor([0.7500]), None)
    """
    on_cpu = scores.device.type == "cpu" and scores.dtype == torch.float32
    evaluate = _evaluate_native if on_cpu else evaluate_sorted
    return evaluate(scores, labels, valid, floor, needs_gradient=needs_gradient)


def _evaluate_native(
    scores: Tensor, labels: Tensor, valid: Tensor | None, floor: float, *, needs_gradient: bool
) -> tuple[Tensor, Tensor | None]:
    losses = np.zeros(len(scores))
    gradient = torch.zeros_like(scores, memory_format=torch.contiguous_format) if needs_gradient else None
    _native.lovasz_extension(
        _array(scores),
        _array(labels),
        None if valid is None else _array(valid),
        floor,
        losses,
        None if gradient is None else gradient.numpy(),
        torch.get_num_threads(),
    )
    return torch.from_numpy(losses).float(), gradient


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().contiguous().numpy()


def evaluate_sorted(
    scores: Tensor, labels: Tensor, valid: Tensor | None, floor: float, *, needs_gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """Losses and d losses / d scores with torch's own sort, for any device and precision.

    Example:
        >>> score, label = torch.tensor([[0.25]]), torch.tensor([[True]])
        >>> evaluate_sorted(score, label, None, 0.0, needs_gradient=True)
        (tensor([0.7500]), tensor([[-1.]]))
    """
    errors = torch.where(labels, 1 - scores, floor + scores)
    if valid is not None:
        errors = torch.where(valid, errors, 0)
        labels = labels & valid
    errors, order = errors.sort(dim=-1, descending=True, stable=True)
    weights = _weights(labels.gather(-1, order), errors.dtype) * ~(errors <= 0)
    losses = (weights * errors).sum(-1)
    if not needs_gradient:
        return losses, None
    gradient = torch.empty_like(weights).scatter_(-1, order, weights)
    return losses, torch.where(labels, -gradient, gradient)


def _weights(labels: Tensor, dtype: torch.dtype) -> Tensor:
    """J_j - J_(j-1) of the Jaccard loss J after each of the sorted pixels, in closed form."""
    positives_so_far = labels.cumsum(-1, dtype=torch.int32)
    num_positives = positives_so_far[:, -1:] if labels.shape[-1] else positives_so_far.sum(-1, keepdim=True)
    position = torch.arange(labels.shape[-1], device=labels.device, dtype=torch.int32)
    total = (num_positives + position - positives_so_far + labels).to(
        dtype
    )  # positives and the negatives before this pixel
    missed = (num_positives - positives_so_far).to(dtype)
    weights = torch.where(labels, 1 / total, missed / (total * (total + 1)))
    first = (position == 0).to(dtype)
    return torch.where(num_positives == 0, first, weights)
