"""Panoptic quality with a gradient: of masks that are matched with true segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int64
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from intarsia._check import fail

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
    _check(masks, truth, categories, valid, sharpness)
    images = [i for i, chosen in enumerate(categories) if len(chosen)]
    if not images:
        return torch.stack([chosen.sum() * 0.0 for chosen in masks]).sum() + 1.0
    parts = [
        _measured(masks[i], truth[i], None if valid is None else valid[i], smooth=_smooth(form))
        for i in images
    ]
    joined = _Measured(
        *(torch.cat([getattr(p, f) for p in parts]) for f in ("overlap", "iou", "area", "is_true"))
    )
    category = torch.cat([categories[i] for i in images])  # s
    image = torch.cat([torch.full_like(categories[i], i) for i in images])
    t = least_area[category] if isinstance(least_area, Tensor) else least_area
    passed = torch.sigmoid(softness * (joined.area - t))  # sigma
    hit = joined.iou**sharpness / (joined.iou**sharpness + (1 - joined.iou) ** sharpness)  # h
    stride = int(category.max()) + 1
    keys, group = torch.unique(category + image * stride * (form == "paper"), return_inverse=True)
    quality = _FORMS[form](joined, passed, hit, _Groups(group, len(keys)))
    if form != "paper":
        return quality.mean()
    of_image = _Groups(torch.unique(keys // stride, return_inverse=True)[1], len(images))
    return (of_image.sum(quality) / of_image.sum(torch.ones_like(quality))).mean()


@dataclass(frozen=True, eq=False)
class MatchedMasks:
    """Masks of one image next to their true segments, in the form that the surrogate takes."""

    masks: Float[Tensor, "_ h w"]
    truth: Bool[Tensor, "_ h w"]
    categories: Int64[Tensor, " _"]


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
        true_categories: Theirs.
        valid: Pixels that count in IoU; all if it is not given.

    Example:
        >>> masks = torch.tensor([[[1.0, 0.0, 0.0]], [[0.0, 1.0, 1.0]]])
        >>> found = match_masks(
        ...     masks, torch.tensor([0, 0]), masks[1:].bool(), true_categories=torch.tensor([0])
        ... )
        >>> found.truth[:, 0].int().tolist()  # the first mask has no true segment
        [[0, 0, 0], [0, 1, 1]]
    """
    weight = 1.0 if valid is None else valid.to(masks.dtype)
    given = (masks.detach() * weight).flatten(1)  # s p
    wanted = (true_masks * weight).to(masks.dtype).flatten(1)  # n p
    both = given @ wanted.T
    iou = both / (given.sum(1, keepdim=True) + wanted.sum(1) - both).clamp(min=1e-6)
    allowed = (categories[:, None] == true_categories) & (iou > 0)
    rows, columns = linear_sum_assignment(torch.where(allowed, iou, 0.0).cpu().numpy(), maximize=True)
    row, column = torch.as_tensor(rows).to(masks.device), torch.as_tensor(columns).to(masks.device)
    kept = allowed[row, column]
    row, column = row[kept], column[kept]
    truth = torch.zeros_like(masks, dtype=torch.bool).index_copy(0, row, true_masks[column].bool())
    is_missed = torch.ones(len(true_masks), dtype=torch.bool, device=masks.device)
    is_missed[column] = False
    missed = true_masks[is_missed].bool()
    return MatchedMasks(
        torch.cat([masks, masks.new_zeros(missed.shape)]),
        torch.cat([truth, missed]),
        torch.cat([categories, true_categories[is_missed]]),
    )


@dataclass(frozen=True, eq=False)
class _Measured:
    """One row a mask."""

    overlap: Float[Tensor, " s"]
    iou: Float[Tensor, " s"]
    area: Float[Tensor, " s"]
    is_true: Bool[Tensor, " s"]


@dataclass(frozen=True, eq=False)
class _Groups:
    """Which sum each mask enters."""

    index: Int64[Tensor, " s"]
    count: int

    def sum(self, values: Float[Tensor, " s"]) -> Float[Tensor, " g"]:
        return values.new_zeros(self.count).index_add(0, self.index, values)


def _paper(found: _Measured, passed: Tensor, hit: Tensor, groups: _Groups) -> Float[Tensor, " g"]:
    """Eq. (6)."""
    matched = found.is_true & (found.overlap.detach() > 0)
    true_positive = groups.sum(hit * passed * matched)
    false_positive = groups.sum(passed * ~found.is_true)
    false_negative = groups.sum((found.is_true & ~matched).to(passed.dtype))
    hits = groups.sum(hit * passed * found.iou * matched)
    return hits / (true_positive + (false_positive + false_negative) / 2).clamp(min=1e-6)


def _released(found: _Measured, passed: Tensor, hit: Tensor, groups: _Groups) -> Float[Tensor, " g"]:
    """The released code's: a mask that is no hit is missed, whether it was matched or not."""
    true_positive = groups.sum(hit * passed * found.is_true)
    false_positive = groups.sum((1 - hit) * passed * ~found.is_true)
    false_negative = groups.sum((1 - hit) * found.is_true)
    hits = groups.sum(hit * passed * found.iou * found.is_true)
    return (hits + _SMOOTH) / (true_positive + (false_positive + false_negative) / 2 + _SMOOTH)


def _exact(found: _Measured, passed: Tensor, hit: Tensor, groups: _Groups) -> Float[Tensor, " g"]:
    """TP + (FP + FN) / 2 is half of the number of masks and of true segments, whatever matches."""
    hits = groups.sum(hit * passed * found.iou * found.is_true)
    counted = groups.sum(passed * (found.area.detach() > 0) + found.is_true)
    return 2 * hits / counted.clamp(min=1e-6)


_FORMS = {"paper": _paper, "released": _released, "exact": _exact}


def _smooth(form: SurrogateForm) -> float:
    return _SMOOTH if form == "released" else 0.0


def _measured(
    masks: Float[Tensor, "s h w"], truth: Tensor, valid: Bool[Tensor, "h w"] | None, *, smooth: float
) -> _Measured:
    """Overlaps and areas, in float32 at least."""
    masks = masks.to(torch.promote_types(masks.dtype, torch.float32)).flatten(1)  # s p
    wanted = truth.to(masks.dtype).flatten(1)
    counted = masks.new_ones(masks.shape[1]) if valid is None else valid.to(masks.dtype).flatten()
    overlap = (masks * wanted) @ counted
    area, true_area = masks @ counted, wanted @ counted
    union = area + true_area - overlap + smooth
    iou = ((overlap + smooth) / union.clamp(min=1e-6)).clamp(max=1)
    return _Measured(overlap, iou, masks.sum(1), true_area > 0)


def _check(
    masks: Sequence[Tensor],
    truth: Sequence[Tensor],
    categories: Sequence[Tensor],
    valid: Tensor | None,
    sharpness: float,
) -> None:
    if sharpness < 1:
        fail("sharpness", "1 or more", sharpness)
    if not len(masks) == len(truth) == len(categories) or (valid is not None and len(valid) != len(masks)):
        fail("truth", f"of as many images as `masks` ({len(masks)})", len(truth))
    for given, wanted, of in zip(masks, truth, categories, strict=True):
        if given.shape != wanted.shape or len(of) != len(given):
            fail("truth", f"shaped {tuple(given.shape)} like `masks`", tuple(wanted.shape))
