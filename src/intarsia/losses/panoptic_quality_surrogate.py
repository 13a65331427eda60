"""Panoptic quality with a gradient: of masks that are matched with true segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from intarsia.losses.mask_measures import (
    MaskGroups,
    MaskMeasures,
    check_masks,
    exact_sums,
    measured_masks,
    smooth_decisions,
)

__all__ = ["SurrogateForm", "panoptic_quality_surrogate"]

SurrogateForm = Literal["released", "paper", "exact"]

_SMOOTH = 0.1  # the released code's epsilon, in pixels and in segments


def panoptic_quality_surrogate(
    masks: Sequence[Float[Tensor, "_ h w"]],
    truth: Sequence[Tensor],
    categories: Sequence[Int64[Tensor, " _"]],
    *,
    valid: Bool[Tensor, "b h w"] | None = None,
    least_area: float | Float[Tensor, " k"] = 0.0,
    form: SurrogateForm = "released",
    softness: float = 0.1,
    sharpness: float = 4.0,
) -> Float[Tensor, ""]:
    """Smooth PQ of a batch, in [0, 1]: a loss is 1 minus it.

    Hard decisions are replaced by smooth ones: "IoU above 1/2" by h(u) = u^4 / (u^4 + (1 - u)^4), and
    "larger than the least area t" by sigma(p) = sigmoid(0.1 (|p| - t)). With u = IoU(p, g),

        "paper":     PQ = S h sigma u / (S h sigma + (S_FP sigma + |FN|) / 2)
        "released":  PQ = (S h sigma u + e) / (S h sigma + (S_FP (1 - h) sigma + S (1 - h)) / 2 + e)
        "exact":     PQ = 2 S h sigma u / (S_P sigma + |G|)

    where S sums over matched masks, S_FP over those without a true segment, S_P over all masks that are not
    empty, |G| counts the true segments, and e = 0.1 is in u, too. A matched mask of low IoU costs nothing in
    the paper's form and a miss in the released one; in the exact one it is spurious and its segment missed,
    as in PQ itself, which hard decisions make of it. Both pool the whole batch, each category once; the
    paper's form is computed image by image, and their mean taken.

    Source: Abbas and Swoboda 2021 (COPS), eq. (6), read as a sum over false positives; and their released
    code, which made their numbers. The exact form is ours.

    Args:
        masks: Of each image its masks, in [0, 1], such as `PanopticMasks.masks`.
        truth: For each mask its true segment, all False where it has none; `match_masks` finds them. A true
            segment that was missed comes with an empty mask.
        categories: Category index of each mask.
        valid: Pixels that count in IoU; all if it is not given.
        least_area: t, in pixels of the masks: one number, or one a category.
        form: Which formula.
        softness: Factor inside sigma, in 1 / pixels.
        sharpness: Exponent of h, at least 1. With 4 a mask of IoU below 0.2 has hardly a gradient; 1 makes
            h(u) = u.

    Returns:
        The mean over the categories that are predicted or true; 1 with zero gradient if there are none.

    Raises:
        ValueError: If shapes do not fit each other or sharpness is below 1.

    Example:
        >>> mask = torch.tensor([[[1.0, 1.0, 1.0, 1.0, 0.0]]])
        >>> true_mask = torch.tensor([[[True, True, True, False, False]]])  # IoU 3/4
        >>> panoptic_quality_surrogate([mask], [true_mask], [torch.tensor([0])], form="paper")
        tensor(0.7500)
    """
    check_masks(masks, truth, categories, valid=valid, sharpness=sharpness)
    category = torch.cat(list(categories))  # s
    if not len(category):
        return torch.stack([chosen.sum() * 0.0 for chosen in masks]).sum() + 1.0
    joined = measured_masks(masks, truth, valid, smooth=_smooth(form))
    image = torch.cat([torch.full_like(chosen, i) for i, chosen in enumerate(categories)])
    passed, hit = smooth_decisions(joined, category, least_area, softness=softness, sharpness=sharpness)
    stride = int(category.max()) + 1
    keys, group = torch.unique(category + image * stride * (form == "paper"), return_inverse=True)
    quality = _FORMS[form](joined, passed, hit, MaskGroups(group, len(keys)))
    if form != "paper":
        return quality.mean()
    images, number = torch.unique(keys // stride, return_inverse=True)
    of_image = MaskGroups(number, len(images))
    return (of_image.sum(quality) / of_image.sum(torch.ones_like(quality))).mean()


def _paper(found: MaskMeasures, passed: Tensor, hit: Tensor, groups: MaskGroups) -> Float[Tensor, " g"]:
    """Eq. (6)."""
    matched = found.is_true & (found.overlap.detach() > 0)
    true_positive = groups.sum(hit * passed * matched)
    false_positive = groups.sum(passed * ~found.is_true)
    false_negative = groups.sum((found.is_true & ~matched).to(passed.dtype))
    hits = groups.sum(hit * passed * found.iou * matched)
    return hits / (true_positive + (false_positive + false_negative) / 2).clamp(min=1e-6)


def _released(found: MaskMeasures, passed: Tensor, hit: Tensor, groups: MaskGroups) -> Float[Tensor, " g"]:
    """The released code's: a mask that is no hit is missed, whether it was matched or not."""
    true_positive = groups.sum(hit * passed * found.is_true)
    false_positive = groups.sum((1 - hit) * passed * ~found.is_true)
    false_negative = groups.sum((1 - hit) * found.is_true)
    hits = groups.sum(hit * passed * found.iou * found.is_true)
    return (hits + _SMOOTH) / (true_positive + (false_positive + false_negative) / 2 + _SMOOTH)


def _exact(found: MaskMeasures, passed: Tensor, hit: Tensor, groups: MaskGroups) -> Float[Tensor, " g"]:
    """TP + (FP + FN) / 2 is half of the number of masks and of true segments, whatever matches."""
    hits, counted = exact_sums(found, passed, hit, groups=groups)
    return 2 * hits / counted.clamp(min=1e-6)


_FORMS = {"paper": _paper, "released": _released, "exact": _exact}


def _smooth(form: SurrogateForm) -> float:
    return _SMOOTH if form == "released" else 0.0
