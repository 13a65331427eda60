"""The Lovász hinge: a surrogate of 1 - IoU for binary masks given as logits."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from intarsia._check import fail
from intarsia.losses._lovasz_extension import lovasz_extension


def lovasz_hinge(
    logits: Float[Tensor, ...], labels: Bool[Tensor, ...], *, valid: Tensor | None = None
) -> Tensor:
    """Lovász hinge of each mask, all masks in one sort along the last axis.

    The hinge errors are [1 - F (2 l - 1)]_+; a mask whose logits are right by a margin of 1 costs nothing.
    Masks are independent: any number of leading axes, one loss each. A mask without labelled pixels costs its
    largest error, which pushes every logit below -1; leave such masks out if that is not wanted.

    Source: Berman et al. 2018, "The Lovász-Softmax loss", eq. (12).

    Args:
        logits: Float `*m p`, any precision; the loss is computed in float32 at least.
        labels: Bool `*m p`, which pixels belong to each mask.
        valid: Bool `*m p`, pixels that count; all by default.

    Returns:
        Float `*m`: one loss a mask, zero with zero gradient where no pixel counts.

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> logits = torch.tensor([1.5, 0.2, -0.3, -2.0, 0.7])
        >>> lovasz_hinge(logits, torch.tensor([True, True, False, False, False]))
        tensor(0.8917)
    """
    for name, tensor in (("labels", labels), ("valid", valid)):
        if tensor is not None and (tensor.shape != logits.shape or tensor.dtype != torch.bool):
            fail(name, f"bool {tuple(logits.shape)} like `logits`", f"{tensor.dtype} {tuple(tensor.shape)}")
    if logits.ndim == 0:
        fail("logits", "at least one-dimensional", "a scalar")
    masks, num_pixels = logits.shape[:-1], logits.shape[-1]
    rows = (masks.numel(), num_pixels)
    losses = lovasz_extension(
        logits.to(torch.promote_types(logits.dtype, torch.float32)).reshape(rows),
        labels.reshape(rows),
        valid=None if valid is None else valid.reshape(rows),
        floor=1.0,
    )
    return losses.reshape(masks)
