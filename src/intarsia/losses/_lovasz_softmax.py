"""The Lovász softmax: a surrogate of 1 - mIoU for class probabilities."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from intarsia._check import fail
from intarsia.losses._lovasz_extension import lovasz_extension
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
    num_images, num_classes = probabilities.shape[:2]
    labels = labels.reshape(num_images, -1)  # b p
    valid = labels != ignore
    pairs = _classes_in_labels(labels, valid, num_classes)  # b k
    if classes == "all":
        pairs = torch.ones_like(pairs)
    image, category = pairs.nonzero(as_tuple=True)  # m
    pixels = probabilities.to(torch.promote_types(probabilities.dtype, torch.float32)).flatten(2)  # b k p
    losses = lovasz_extension(
        pixels[image, category] if classes == "present" else pixels.flatten(0, 1),
        labels[image] == category[:, None],
        valid=None if valid.all() else valid[image],
        floor=0.0,
    )
    sums = losses.new_zeros(num_images).index_add(0, image, losses)
    return sums / pairs.sum(1).clamp(min=1)


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
