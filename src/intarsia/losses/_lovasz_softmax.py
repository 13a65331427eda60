"""The Lovász softmax: a surrogate of 1 - mIoU for class probabilities."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from intarsia._check import fail
from intarsia.losses._gradients import gradient_beside_value
from intarsia.losses._lovasz_extension import evaluate_masks
from intarsia.panoptic import VOID_INDEX


def lovasz_softmax(
    probabilities: Float[Tensor, "b k *p"],
    labels: Int[Tensor, "b ..."],
    *,
    ignore: int = VOID_INDEX,
    classes: Literal["present", "all"] = "present",
) -> Float[Tensor, " b"]:
    """Lovász extension of the Jaccard loss of every class, averaged over the classes of each image.

    The error of class c at a pixel is |1[y = c] - P(c)|. Only (image, class) pairs that enter the average are
    computed, in one sort: 133 classes cost what the ten in the picture cost.

    Source: Berman et al. 2018, "The Lovász-Softmax loss", eq. (10) and (11).

    Args:
        probabilities: Class probabilities in [0, 1], any precision; computed in float32 at least.
        labels: Class index of each pixel, or `ignore`.
        ignore: Label of pixels that do not count.
        classes: "present" averages over the classes in each image's labels, "all" over all k: an absent class
            then costs its largest probability.

    Returns:
        One loss an image, zero with zero gradient where no pixel counts.

    Raises:
        ValueError: If the shapes differ, or a label is neither `ignore` nor in [0, k).

    Example:
        >>> probabilities = torch.tensor([[[0.7, 0.1], [0.3, 0.9]]])  # two classes, two pixels
        >>> lovasz_softmax(probabilities, torch.tensor([[0, 1]]))
        tensor([0.2500])
    """
    if labels.shape != probabilities.shape[:1] + probabilities.shape[2:]:
        fail(
            "labels",
            f"shaped like `probabilities` {tuple(probabilities.shape)} less axis 1",
            tuple(labels.shape),
        )
    if classes not in ("present", "all"):
        fail("classes", '"present" or "all"', repr(classes))
    pixels = probabilities.to(torch.promote_types(probabilities.dtype, torch.float32)).flatten(2)  # b k p
    needs_gradient = torch.is_grad_enabled() and pixels.requires_grad
    return softmax_operator(pixels, labels.flatten(1), ignore, classes == "all", needs_gradient)[0]


@gradient_beside_value
@torch.library.custom_op(
    "intarsia::lovasz_softmax",
    mutates_args=(),
    schema="(Tensor pixels, Tensor labels, int ignore, bool absent_too, bool needs_gradient) "
    "-> (Tensor, Tensor)",
)
def softmax_operator(
    pixels: Tensor, labels: Tensor, ignore: int, absent_too: bool, needs_gradient: bool
) -> tuple[Tensor, Tensor]:
    """The losses and, where it is needed, d losses / d pixels: what a compiler sees of `lovasz_softmax`."""
    valid = labels != ignore
    pairs = _classes_in_labels(labels, valid, pixels.shape[1])  # b k
    if absent_too:
        pairs = torch.ones_like(pairs)
    image, category = pairs.nonzero(as_tuple=True)  # m
    masks, slopes = evaluate_masks(
        pixels.flatten(0, 1) if absent_too else pixels[image, category],
        labels[image] == category[:, None],
        None if valid.all() else valid[image],
        0.0,
        needs_gradient=needs_gradient,
    )
    share = 1 / pairs.sum(1).clamp(min=1).to(masks.dtype)
    losses = masks.new_zeros(len(pixels)).index_add(0, image, masks) * share
    if slopes is None:
        return losses, pixels.new_empty(0)
    gradient = torch.zeros_like(pixels)
    gradient[image, category] = slopes * share[image, None]
    return losses, gradient


@softmax_operator.register_fake
def _(
    pixels: Tensor, labels: Tensor, ignore: int, absent_too: bool, needs_gradient: bool
) -> tuple[Tensor, Tensor]:
    return pixels.new_empty(pixels.shape[0]), pixels.new_empty(pixels.shape if needs_gradient else 0)


def _classes_in_labels(labels: Tensor, valid: Tensor, num_classes: int) -> Tensor:
    inside = torch.where(valid, labels, num_classes).long()
    if inside.numel() and (inside.min() < 0 or inside.max() > num_classes):
        fail(
            "labels",
            f"in [0, {num_classes}) or `ignore`",
            int(inside.max() if inside.min() >= 0 else inside.min()),
        )
    present = torch.zeros(len(labels), num_classes + 1, dtype=torch.bool, device=labels.device)
    return present.scatter_(1, inside, True)[:, :num_classes]
