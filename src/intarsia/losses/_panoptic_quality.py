"""Panoptic quality with a gradient, and the losses of it: of masks that are matched with true segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from intarsia.losses._mask_measures import (
    MaskGroups,
    MaskMeasures,
    check_masks,
    exact_sums,
    measure_masks,
    smooth_decisions,
)

__all__ = [
    "QualitySums",
    "SurrogateForm",
    "batch_panoptic_quality_loss",
    "panoptic_quality_loss",
    "panoptic_quality_sums",
    "panoptic_quality_surrogate",
]

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
) -> Float[Tensor, " b"]:
    """Smooth PQ of each image, in [0, 1]: the quality itself, whose loss is `panoptic_quality_loss`.

    Hard decisions are replaced by smooth ones: "IoU above 1/2" by h(u) = u^4 / (u^4 + (1 - u)^4), and
    "larger than the least area t" by sigma(p) = sigmoid(0.1 (|p| - t)). With u = IoU(p, g),

        "paper":     PQ = S h sigma u / (S h sigma + (S_FP sigma + |FN|) / 2)
        "released":  PQ = (S h sigma u + e) / (S h sigma + (S_FP (1 - h) sigma + S (1 - h)) / 2 + e)
        "exact":     PQ = 2 S h sigma u / (S_P sigma + |G|)

    where S sums over matched masks, S_FP over those without a true segment, S_P over all masks that are not
    empty, |G| counts the true segments, and e = 0.1 is in u, too. A matched mask of low IoU costs nothing in
    the paper's form and a miss in the released one; in the exact one it is spurious and its segment missed,
    as in PQ itself, which hard decisions make of it.

    Source: Abbas and Swoboda 2021 (COPS), eq. (6), read as a sum over false positives; and their released
    code, which made their numbers. The exact form is ours.

    Args:
        masks: Of each image its masks, in [0, 1], such as `PanopticMasks.masks`.
        truth: For each mask its true segment, all False where it has none; `match_masks` finds them. A true
            segment that was missed comes with an empty mask.
        categories: Category index of each mask.
        valid: Pixels that count in IoU; all if it is not given.
        least_area: t, in pixels of the masks: one number, or one a category.
        form: Which of the three formulas above.
        softness: Factor inside sigma, in 1 / pixels.
        sharpness: Exponent of h, at least 1. With 4 a mask of IoU below 0.2 has hardly a gradient; 1 makes
            h(u) = u.

    Returns:
        The mean over the categories that are predicted or true in the image; 1 with zero gradient if there
        are none.

    Raises:
        ValueError: If shapes do not fit each other or sharpness is below 1.

    Example:
        >>> mask = torch.tensor([[[1.0, 1.0, 1.0, 1.0, 0.0]]])
        >>> true_mask = torch.tensor([[[True, True, True, False, False]]])  # IoU 3/4
        >>> panoptic_quality_surrogate([mask], [true_mask], [torch.tensor([0])], form="paper")
        tensor([0.7500])
    """
    check_masks(masks, truth, categories, valid=valid, sharpness=sharpness)
    category = torch.cat(list(categories))  # s
    image = torch.cat([torch.full_like(each, i) for i, each in enumerate(categories)])
    stride = int(category.max()) + 1 if len(category) else 1
    keys, group = torch.unique(category + image * stride, return_inverse=True)
    measures = measure_masks(masks, truth, valid, smooth=_smooth(form))
    passed, hit = smooth_decisions(measures, category, least_area, softness=softness, sharpness=sharpness)
    quality = _FORMS[form](measures, passed, hit, MaskGroups(group, len(keys)))
    of_image = MaskGroups(keys // stride, len(masks))
    num_categories = of_image.sum(torch.ones_like(quality))
    return torch.where(num_categories > 0, of_image.sum(quality) / num_categories.clamp(min=1), 1.0)


def panoptic_quality_loss(
    masks: Sequence[Float[Tensor, "_ h w"]],
    truth: Sequence[Tensor],
    categories: Sequence[Int64[Tensor, " _"]],
    *,
    valid: Bool[Tensor, "b h w"] | None = None,
    least_area: float | Float[Tensor, " k"] = 0.0,
    form: SurrogateForm = "released",
    softness: float = 0.1,
    sharpness: float = 4.0,
) -> Float[Tensor, " b"]:
    """1 - `panoptic_quality_surrogate` of each image.

    Source: Abbas and Swoboda 2021 (COPS), section 3.3, whose eq. (6) is computed image by image.

    Args:
        masks: As in `panoptic_quality_surrogate`, and so is the rest.
        truth: For each mask its true segment.
        categories: Category index of each mask.
        valid: Pixels that count in IoU.
        least_area: t, in pixels of the masks.
        form: Which of the three formulas above.
        softness: Factor inside sigma, in 1 / pixels.
        sharpness: Exponent of h, at least 1.

    Returns:
        One loss an image, in [0, 1]; zero with zero gradient where there is no mask.

    Raises:
        ValueError: As `panoptic_quality_surrogate`.

    Example:
        >>> mask = torch.ones(1, 20, 20)
        >>> panoptic_quality_loss([mask], [mask.bool()], [torch.tensor([0])])
        tensor([0.])
    """
    quality = panoptic_quality_surrogate(
        masks,
        truth,
        categories,
        valid=valid,
        least_area=least_area,
        form=form,
        softness=softness,
        sharpness=sharpness,
    )
    return 1 - quality


def batch_panoptic_quality_loss(
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
    """1 - smooth PQ of the batch, in which each category is divided once: PQ adds up before it divides.

    Source: the released code of Abbas and Swoboda 2021 (COPS); the exact form is ours.

    Args:
        masks: As in `panoptic_quality_surrogate`, and so is the rest.
        truth: For each mask its true segment.
        categories: Category index of each mask.
        valid: Pixels that count in IoU.
        least_area: t, in pixels of the masks.
        form: Which formula; the paper is for single images, and pooled here.
        softness: Factor inside sigma, in 1 / pixels.
        sharpness: Exponent of h, at least 1.

    Returns:
        One loss for the batch, in [0, 1]; zero with zero gradient where there is no mask.

    Raises:
        ValueError: As `panoptic_quality_surrogate`.

    Example:
        >>> hit, true = torch.ones(1, 20, 20), torch.ones(1, 20, 20, dtype=torch.bool)
        >>> zero = torch.tensor([0])  # one of two segments is found: PQ = 1 / (1 + 1/2)
        >>> batch_panoptic_quality_loss([hit, 0 * hit], [true, true], [zero, zero], form="exact")
        tensor(0.3333)
    """
    check_masks(masks, truth, categories, valid=valid, sharpness=sharpness)
    category = torch.cat(list(categories))  # s
    measures = measure_masks(masks, truth, valid, smooth=_smooth(form))
    if not len(category):
        return measures.area.sum()
    passed, hit = smooth_decisions(measures, category, least_area, softness=softness, sharpness=sharpness)
    keys, group = torch.unique(category, return_inverse=True)
    return 1 - _FORMS[form](measures, passed, hit, MaskGroups(group, len(keys))).mean()


@dataclass(frozen=True, eq=False)
class QualitySums:
    """Numerators and denominators of the exact form, one a category: PQ = 2 hits / counted.

    Attributes:
        hits: S h sigma u.
        counted: Masks that are large enough, and true segments.
    """

    hits: Float[Tensor, " k"]
    counted: Float[Tensor, " k"]


def panoptic_quality_sums(
    masks: Sequence[Float[Tensor, "_ h w"]],
    truth: Sequence[Tensor],
    categories: Sequence[Int64[Tensor, " _"]],
    *,
    num_categories: int,
    valid: Bool[Tensor, "b h w"] | None = None,
    least_area: float | Float[Tensor, " k"] = 0.0,
    softness: float = 0.1,
    sharpness: float = 4.0,
) -> QualitySums:
    """What the exact form of the surrogate divides, summed over a batch: to be added up over batches.

    Source: ours.

    Args:
        masks: As in `panoptic_quality_surrogate`, and so is the rest.
        truth: For each mask its true segment.
        categories: Category index of each mask, below `num_categories`.
        num_categories: How many there are.
        valid: Pixels that count in IoU.
        least_area: t, in pixels of the masks.
        softness: Factor inside sigma, in 1 / pixels.
        sharpness: Exponent of h, at least 1.

    Raises:
        ValueError: As `panoptic_quality_surrogate`.

    Example:
        >>> mask, zero = torch.ones(1, 20, 20), torch.tensor([0])
        >>> sums = panoptic_quality_sums([mask], [mask.bool()], [zero], num_categories=2)
        >>> sums.hits.tolist(), sums.counted.tolist()
        ([1.0, 0.0], [2.0, 0.0])
    """
    check_masks(masks, truth, categories, valid=valid, sharpness=sharpness)
    measures = measure_masks(masks, truth, valid, smooth=0.0)
    category = torch.cat(list(categories))
    passed, hit = smooth_decisions(measures, category, least_area, softness=softness, sharpness=sharpness)
    return QualitySums(*exact_sums(measures, passed, hit, groups=MaskGroups(category, num_categories)))


def _paper(of: MaskMeasures, passed: Tensor, hit: Tensor, groups: MaskGroups) -> Float[Tensor, " g"]:
    """Eq. (6)."""
    matched = of.is_true & (of.overlap.detach() > 0)
    true_positive = groups.sum(hit * passed * matched)
    false_positive = groups.sum(passed * ~of.is_true)
    false_negative = groups.sum((of.is_true & ~matched).to(passed.dtype))
    hits = groups.sum(hit * passed * of.iou * matched)
    return hits / (true_positive + (false_positive + false_negative) / 2).clamp(min=1e-6)


def _released(of: MaskMeasures, passed: Tensor, hit: Tensor, groups: MaskGroups) -> Float[Tensor, " g"]:
    """The released code's: a mask that is no hit is missed, whether it was matched or not."""
    true_positive = groups.sum(hit * passed * of.is_true)
    false_positive = groups.sum((1 - hit) * passed * ~of.is_true)
    false_negative = groups.sum((1 - hit) * of.is_true)
    hits = groups.sum(hit * passed * of.iou * of.is_true)
    return (hits + _SMOOTH) / (true_positive + (false_positive + false_negative) / 2 + _SMOOTH)


def _exact(of: MaskMeasures, passed: Tensor, hit: Tensor, groups: MaskGroups) -> Float[Tensor, " g"]:
    """TP + (FP + FN) / 2 is half of the number of masks and of true segments, whatever matches."""
    hits, counted = exact_sums(of, passed, hit, groups=groups)
    return 2 * hits / counted.clamp(min=1e-6)


_FORMS = {"paper": _paper, "released": _released, "exact": _exact}


def _smooth(form: SurrogateForm) -> float:
    return _SMOOTH if form == "released" else 0.0
