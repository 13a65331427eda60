"""What a smooth panoptic quality needs to know of masks next to their true segments."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from intarsia._check import fail
from intarsia.losses._mask_pairs import MaskPairs, SurrogateOptions

__all__ = ["MaskGroups", "MaskMeasures", "check_masks", "exact_sums", "measure_masks", "smooth_decisions"]


@dataclass(frozen=True, eq=False)
class MaskMeasures:
    """One row a mask."""

    overlap: Float[Tensor, " s"]
    iou: Float[Tensor, " s"]
    area: Float[Tensor, " s"]
    is_true: Bool[Tensor, " s"]


@dataclass(frozen=True, eq=False)
class MaskGroups:
    """Which sum each mask enters."""

    index: Int64[Tensor, " s"]
    count: int

    def sum(self, values: Float[Tensor, " s"]) -> Float[Tensor, " g"]:
        """One sum a group."""
        return values.new_zeros(self.count).index_add(0, self.index, values)


def measure_masks(pairs: MaskPairs, *, smooth: float) -> MaskMeasures:
    """All masks of a batch."""
    valid = pairs.valid
    parts = [
        _measure(predicted, true, None if valid is None else valid[i], smooth=smooth)
        for i, (predicted, true) in enumerate(zip(pairs.masks, pairs.truth, strict=True))
    ]
    return MaskMeasures(
        *(torch.cat([getattr(p, f) for p in parts]) for f in ("overlap", "iou", "area", "is_true"))
    )


def smooth_decisions(
    measures: MaskMeasures,
    category: Int64[Tensor, " s"],
    least_area: float | Tensor,
    *,
    options: SurrogateOptions,
) -> tuple[Float[Tensor, " s"], Float[Tensor, " s"]]:
    """sigma and h of each mask."""
    t = least_area[category] if isinstance(least_area, Tensor) else least_area
    passed = torch.sigmoid(options.softness * (measures.area - t))
    right, wrong = measures.iou**options.sharpness, (1 - measures.iou) ** options.sharpness
    hit = right / (right + wrong)
    return passed, hit


def exact_sums(
    measures: MaskMeasures, passed: Tensor, hit: Tensor, *, groups: MaskGroups
) -> tuple[Float[Tensor, " g"], Float[Tensor, " g"]]:
    """S h sigma u, and S_P sigma + |G|."""
    hits = groups.sum(hit * passed * measures.iou * measures.is_true)
    return hits, groups.sum(passed * (measures.area.detach() > 0) + measures.is_true)


def check_masks(pairs: MaskPairs) -> None:
    """Refuse masks, true segments and categories that do not fit each other.

    Raises:
        ValueError: If shapes do not fit each other.
    """
    masks, truth, categories, valid = pairs.masks, pairs.truth, pairs.categories, pairs.valid
    if not masks:
        fail("masks", "of at least one image", "none")
    if not len(masks) == len(truth) == len(categories) or (valid is not None and len(valid) != len(masks)):
        fail("truth", f"of as many images as `masks` ({len(masks)})", len(truth))
    for predicted, true, of in zip(masks, truth, categories, strict=True):
        if predicted.shape != true.shape or len(of) != len(predicted):
            fail("truth", f"shaped {tuple(predicted.shape)} like `masks`", tuple(true.shape))


def _measure(
    masks: Float[Tensor, "s h w"], truth: Tensor, valid: Bool[Tensor, "h w"] | None, *, smooth: float
) -> MaskMeasures:
    """Overlaps and areas, in float32 at least."""
    masks = masks.to(torch.promote_types(masks.dtype, torch.float32)).flatten(1)  # s p
    true = truth.to(masks.dtype).flatten(1)
    counted = masks.new_ones(masks.shape[1]) if valid is None else valid.to(masks.dtype).flatten()
    overlap = (masks * true) @ counted
    area, true_area = masks @ counted, true @ counted
    union = area + true_area - overlap + smooth
    iou = ((overlap + smooth) / union.clamp(min=1e-6)).clamp(max=1)
    return MaskMeasures(overlap, iou, masks.sum(1), true_area > 0)
