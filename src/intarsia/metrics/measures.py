"""The metrics beside panoptic quality that an evaluation can be asked for, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from intarsia._check import check_least, fail, nearest
from intarsia.metrics.boundary_quality import BoundaryQuality
from intarsia.metrics.cityscapes_ap import CityscapesAP
from intarsia.metrics.coco_ap import CocoAP
from intarsia.metrics.error_breakdown import ErrorBreakdown
from intarsia.metrics.image_table import ImageTable
from intarsia.metrics.leaf_count import LeafCount
from intarsia.metrics.match_histogram import MatchHistogram
from intarsia.metrics.score_curves import ScoreCurves
from intarsia.metrics.semantic_iou import SemanticIoU
from intarsia.metrics.tally import AbstractTally, Comparison
from intarsia.panoptic import Categories

MEASURES: dict[str, Callable[[Categories], AbstractTally]] = {
    "iou": SemanticIoU,
    "boundary": BoundaryQuality,
    "mask-ap": CocoAP,
    "box-ap": lambda categories: CocoAP(categories, kind="box"),
    "cityscapes-ap": CityscapesAP,
    "errors": ErrorBreakdown,
    "histogram": MatchHistogram,
    "leaf": LeafCount,
    "images": ImageTable,
    "scores": ScoreCurves,
}


@dataclass(frozen=True, slots=True)
class Request:
    """What to measure beside panoptic quality.

    Args:
        names: Which of `MEASURES` to take.
        boundary_ratio: Width of the boundary, see `BoundaryQuality`.
        min_stuff_px: Predicted stuff segments of fewer pixels become void before anything is measured; 0
            leaves maps as they are.

    Raises:
        ValueError: A name is unknown, or a number is out of its range.
    """

    names: tuple[str, ...] = ()
    boundary_ratio: float = 0.02
    min_stuff_px: int = 0

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in MEASURES:
                fail("also", "known metrics", repr(name), hint=nearest(name, MEASURES))
        check_least("min_stuff_px", self.min_stuff_px, 0)
        if not self.boundary_ratio > 0:
            fail("boundary_ratio", "above 0", self.boundary_ratio)

    def tallies(self, categories: Categories) -> dict[str, AbstractTally]:
        """An empty tally for each name, in order, none twice."""
        return {name: self._tally(name, categories) for name in self.names}

    def _tally(self, name: str, categories: Categories) -> AbstractTally:
        if name == "boundary":
            return BoundaryQuality(categories, ratio=self.boundary_ratio)
        return MEASURES[name](categories)

    def trim(self, image: Comparison, categories: Categories) -> Comparison:
        """The comparison without the small stuff of its prediction."""
        if not self.min_stuff_px:
            return image
        return image.without_small_stuff(categories, min_px=self.min_stuff_px)


NOTHING_ELSE = Request()


def needs_maps(tallies: Iterable[AbstractTally]) -> bool:
    """Whether one of the tallies reads id maps."""
    return any(tally.needs_maps for tally in tallies)
