"""Panoptic quality with a gradient, and the losses of it: of masks that are matched with true segments."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from intarsia.losses._mask_measures import (
    MaskGroups,
    MaskMeasures,
    check_masks,
    exact_sums,
    measure_masks,
    smooth_decisions,
)
from intarsia.losses._mask_pairs import MaskPairs, SurrogateOptions

__all__ = [
    "QualitySums",
    "batch_panoptic_quality_loss",
    "panoptic_quality_loss",
    "panoptic_quality_sums",
    "panoptic_quality_surrogate",
]

_DEFAULTS = SurrogateOptions()
_SMOOTH = 0.1  # the released code's epsilon, in pixels and in segments


def panoptic_quality_surrogate(
    pairs: MaskPairs,
    *,
    least_area: float | Float[Tensor, " k"] = 0.0,
    options: SurrogateOptions = _DEFAULTS,
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
        pairs: Masks beside their true segments: a `MatchedMasks`, or what `intarsia.layers.CutLayer` gives.
        least_area: t, in pixels of the masks: one number, or one a category; 0, where all sizes count alike.
        options: Which of the three formulas above, and how hard its decisions are.

    Returns:
        The mean over the categories that are predicted or true in the image; 1 with zero gradient if there
        are none.

    Raises:
        ValueError: If shapes do not fit each other.

    Example:
        >>> from intarsia.losses import MatchedMasks
        >>> mask = torch.tensor([[[1.0, 1.0, 1.0, 1.0, 0.0]]])
        >>> true_mask = torch.tensor([[[True, True, True, False, False]]])  # IoU 3/4
        >>> pairs = MatchedMasks([mask], [true_mask], [torch.tensor([0])])
        >>> panoptic_quality_surrogate(pairs, options=SurrogateOptions(form="paper"))
        tensor([0.7500])
    """
    check_masks(pairs)
    category = torch.cat(list(pairs.categories))  # s
    image = torch.cat([torch.full_like(each, i) for i, each in enumerate(pairs.categories)])
    stride = int(category.max()) + 1 if len(category) else 1
    keys, group = torch.unique(category + image * stride, return_inverse=True)
    measures = measure_masks(pairs, smooth=_smooth(options))
    passed, hit = smooth_decisions(measures, category, least_area, options=options)
    quality = _FORMS[options.form](measures, passed, hit, MaskGroups(group, len(keys)))
    of_image = MaskGroups(keys // stride, len(pairs.masks))
    num_categories = of_image.sum(torch.ones_like(quality))
    return torch.where(num_categories > 0, of_image.sum(quality) / num_categories.clamp(min=1), 1.0)


def panoptic_quality_loss(
    pairs: MaskPairs,
    *,
    least_area: float | Float[Tensor, " k"] = 0.0,
    options: SurrogateOptions = _DEFAULTS,
) -> Float[Tensor, " b"]:
    """1 - `panoptic_quality_surrogate` of each image.

    Source: Abbas and Swoboda 2021 (COPS), section 3.3, whose eq. (6) is computed image by image.

    Args:
        pairs: As in `panoptic_quality_surrogate`, and so is the rest.
        least_area: t, in pixels of the masks; 0, where all sizes count alike.
        options: Which formula, and how hard its decisions are.

    Returns:
        One loss an image, in [0, 1]; zero with zero gradient where there is no mask.

    Raises:
        ValueError: As `panoptic_quality_surrogate`.

    Example:
        >>> from intarsia.losses import MatchedMasks
        >>> mask = torch.ones(1, 20, 20)
        >>> panoptic_quality_loss(MatchedMasks([mask], [mask.bool()], [torch.tensor([0])]))
        tensor([0.])
    """
    return 1 - panoptic_quality_surrogate(pairs, least_area=least_area, options=options)


def batch_panoptic_quality_loss(
    pairs: MaskPairs,
    *,
    least_area: float | Float[Tensor, " k"] = 0.0,
    options: SurrogateOptions = _DEFAULTS,
) -> Float[Tensor, ""]:
    """1 - smooth PQ of the batch, in which each category is divided once: PQ adds up before it divides.

    Source: the released code of Abbas and Swoboda 2021 (COPS); the exact form is ours.

    Args:
        pairs: As in `panoptic_quality_surrogate`, and so is the rest.
        least_area: t, in pixels of the masks; 0, where all sizes count alike.
        options: Which formula (the paper's is for single images, and pooled here), and how hard it decides.

    Returns:
        One loss for the batch, in [0, 1]; zero with zero gradient where there is no mask.

    Raises:
        ValueError: As `panoptic_quality_surrogate`.

    Example:
        >>> from intarsia.losses import MatchedMasks
        >>> hit, true = torch.ones(1, 20, 20), torch.ones(1, 20, 20, dtype=torch.bool)
        >>> zero = torch.tensor([0])  # one of two segments is found: PQ = 1 / (1 + 1/2)
        >>> pairs = MatchedMasks([hit, 0 * hit], [true, true], [zero, zero])
        >>> batch_panoptic_quality_loss(pairs, options=SurrogateOptions(form="exact"))
        tensor(0.3333)
    """
    check_masks(pairs)
    category = torch.cat(list(pairs.categories))  # s
    measures = measure_masks(pairs, smooth=_smooth(options))
    if not len(category):
        return measures.area.sum()
    passed, hit = smooth_decisions(measures, category, least_area, options=options)
    keys, group = torch.unique(category, return_inverse=True)
    return 1 - _FORMS[options.form](measures, passed, hit, MaskGroups(group, len(keys))).mean()


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
    pairs: MaskPairs,
    *,
    num_categories: int,
    least_area: float | Float[Tensor, " k"] = 0.0,
    options: SurrogateOptions = _DEFAULTS,
) -> QualitySums:
    """What the exact form of the surrogate divides, summed over a batch: to be added up over batches.

    Source: ours.

    Args:
        pairs: As in `panoptic_quality_surrogate`.
        num_categories: How many there are.
        least_area: t, in pixels of the masks; 0, where all sizes count alike.
        options: How hard decisions are; the form is the exact one.

    Raises:
        ValueError: As `panoptic_quality_surrogate`.

    Example:
        >>> from intarsia.losses import MatchedMasks
        >>> mask, zero = torch.ones(1, 20, 20), torch.tensor([0])
        >>> sums = panoptic_quality_sums(MatchedMasks([mask], [mask.bool()], [zero]), num_categories=2)
        >>> sums.hits.tolist(), sums.counted.tolist()
        ([1.0, 0.0], [2.0, 0.0])
    """
    check_masks(pairs)
    measures = measure_masks(pairs, smooth=0.0)
    category = torch.cat(list(pairs.categories))
    passed, hit = smooth_decisions(measures, category, least_area, options=options)
    return QualitySums(*exact_sums(measures, passed, hit, groups=MaskGroups(category, num_categories)))


def _paper_value(of: MaskMeasures, passed: Tensor, hit: Tensor, groups: MaskGroups) -> Float[Tensor, " g"]:
    """Eq. (6)."""
    matched = of.is_true & (of.overlap.detach() > 0)
    true_positive = groups.sum(hit * passed * matched)
    false_positive = groups.sum(passed * ~of.is_true)
    false_negative = groups.sum((of.is_true & ~matched).to(passed.dtype))
    hits = groups.sum(hit * passed * of.iou * matched)
    return hits / (true_positive + (false_positive + false_negative) / 2).clamp(min=1e-6)


def _released_value(of: MaskMeasures, passed: Tensor, hit: Tensor, groups: MaskGroups) -> Float[Tensor, " g"]:
    """The released code's: a mask that is no hit is missed, whether it was matched or not."""
    true_positive = groups.sum(hit * passed * of.is_true)
    false_positive = groups.sum((1 - hit) * passed * ~of.is_true)
    false_negative = groups.sum((1 - hit) * of.is_true)
    hits = groups.sum(hit * passed * of.iou * of.is_true)
    return (hits + _SMOOTH) / (true_positive + (false_positive + false_negative) / 2 + _SMOOTH)


def _exact_value(of: MaskMeasures, passed: Tensor, hit: Tensor, groups: MaskGroups) -> Float[Tensor, " g"]:
    """TP + (FP + FN) / 2 is half of the number of masks and of true segments, whatever matches."""
    hits, counted = exact_sums(of, passed, hit, groups=groups)
    return 2 * hits / counted.clamp(min=1e-6)


_FORMS = {"paper": _paper_value, "released": _released_value, "exact": _exact_value}


def _smooth(options: SurrogateOptions) -> float:
    return _SMOOTH if options.form == "released" else 0.0
