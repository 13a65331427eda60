"""Which true segment each mask of an image is measured against."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int64
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from intarsia.losses._mask_pairs import MatchedMasks

__all__ = ["match_masks"]


def match_masks(
    masks: Float[Tensor, "s h w"],
    categories: Int64[Tensor, " s"],
    true_masks: Bool[Tensor, "n h w"],
    *,
    true_categories: Int64[Tensor, " n"],
    valid: Bool[Tensor, "h w"] | None = None,
) -> MatchedMasks:
    """Give each mask of one image its true segment: per category the assignment of the largest summed IoU.

    Masks may be soft. True segments without a mask follow at the end, with an empty one.

    Source: Abbas and Swoboda 2021 (COPS), section 3.3.

    Args:
        masks: In [0, 1].
        categories: Category index of each mask.
        true_masks: The true segments.
        true_categories: Category index of each true segment.
        valid: Pixels that count in IoU; all if it is not given.

    Returns:
        A batch of the one image; `MatchedMasks.of_images` joins several.

    Example:
        >>> masks = torch.tensor([[[1.0, 0.0, 0.0]], [[0.0, 1.0, 1.0]]])
        >>> pairs = match_masks(
        ...     masks, torch.tensor([0, 0]), masks[1:].bool(), true_categories=torch.tensor([0])
        ... )
        >>> pairs.truth[0][:, 0].int().tolist()  # the first mask has no true segment
        [[0, 0, 0], [0, 1, 1]]
    """
    weight = 1.0 if valid is None else valid.to(masks.dtype)
    predicted = (masks.detach() * weight).flatten(1)  # s p
    true = (true_masks * weight).to(masks.dtype).flatten(1)  # n p
    both = predicted @ true.T
    iou = both / (predicted.sum(1, keepdim=True) + true.sum(1) - both).clamp(min=1e-6)
    allowed = (categories[:, None] == true_categories) & (iou > 0)
    rows, columns = linear_sum_assignment(torch.where(allowed, iou, 0.0).cpu().numpy(), maximize=True)
    row, column = torch.as_tensor(rows).to(masks.device), torch.as_tensor(columns).to(masks.device)
    overlaps = allowed[row, column]
    row, column = row[overlaps], column[overlaps]
    truth = torch.zeros_like(masks, dtype=torch.bool).index_copy(0, row, true_masks[column].bool())
    is_missed = torch.ones(len(true_masks), dtype=torch.bool, device=masks.device)
    is_missed[column] = False
    missed = true_masks[is_missed].bool()
    return MatchedMasks(
        [torch.cat([masks, masks.new_zeros(missed.shape)])],
        [torch.cat([truth, missed])],
        [torch.cat([categories, true_categories[is_missed]])],
        None if valid is None else valid[None],
    )
