"""Decoding of centres: peaks of a heat map, and each thing pixel to the centre that it points at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float32

from intarsia._check import fail
from intarsia.clustering import center_offset_grouping, majority_vote
from intarsia.decoding.assembly import Thing, Thresholds, assembled_from_grid
from intarsia.decoding.decoder import AbstractDecoder
from intarsia.decoding.embedding_field import EmbeddingField
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.upsampling import upsampled_argmax
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["CenterDecoder", "CenterGroupingConfig"]


@dataclass(frozen=True, kw_only=True)
class CenterGroupingConfig(Thresholds):
    """Settings of grouping, beside the thresholds.

    Attributes:
        threshold: Heat in [0, 1] that a centre is above; 0.1 is Panoptic-DeepLab's.
        nms_kernel: Side of the window, in points of the grid, in which a centre is the hottest; odd.
    """

    group: ClassVar[str] = "grouping"
    threshold: float = 0.1
    nms_kernel: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nms_kernel < 1 or self.nms_kernel % 2 == 0:
            fail("grouping.nms_kernel", "odd and positive", self.nms_kernel)


@dataclass(frozen=True, kw_only=True)
class CenterDecoder(AbstractDecoder):
    """Instances from `heat` and `center_steps` (in pixels of the image), categories from `semantic_logits`.

    Attributes:
        grouping: Thresholds of centres and of what stays.
        sigma_px: Width of the heat around a centre, in pixels of the image.
    """

    grouping: CenterGroupingConfig
    sigma_px: float

    @property
    def takes_semantics(self) -> bool:
        """Categories come from `semantic_logits` alone; all else tells instances apart."""
        return True

    def decode(self, view: ImageView, categories: Categories) -> PanopticMap:
        """An instance's category is its pixels' majority among the things."""
        settings, logits = self.grouping, view["semantic_logits"]
        semantic = logits.argmax(axis=0)
        is_thing = categories.is_thing
        # points of things go to the centre that they point at, and vote on its category
        groups = center_offset_grouping(
            view["heat"],
            view["center_steps"] / view.stride,
            is_thing[semantic],
            threshold=settings.threshold,
            nms_kernel=settings.nms_kernel,
        )
        votes = majority_vote(groups.instances, semantic)
        things = [Thing(int(c), min(float(heat), 1.0)) for c, heat in zip(votes, groups.scores, strict=False)]
        # at the size of the image
        pixels = upsampled_argmax(logits, *view.size, stride=view.stride)
        return assembled_from_grid(
            groups.instances, things, pixels, categories=categories, stride=view.stride, thresholds=settings
        )

    def embedding_field(self, view: ImageView) -> EmbeddingField:
        """The place that each pixel points at, in pixels of the image; the margin is the heat's width."""
        steps = view["center_steps"]
        margin = np.full(steps.shape[1:], self.sigma_px, np.float32)
        return EmbeddingField(_positions(steps.shape[1:], view.stride) + steps, margin)


def _positions(grid: tuple[int, ...], stride: int) -> Float32[np.ndarray, "2 h w"]:
    """Row and column in pixels of the middle of each block of the grid."""
    rows, columns = (np.arange(count, dtype=np.float32) * stride + (stride - 1) / 2 for count in grid)
    return np.stack(np.meshgrid(rows, columns, indexing="ij"))
