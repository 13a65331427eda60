"""What an affinity head is told, whichever kind it is."""

from __future__ import annotations

from dataclasses import dataclass

from intarsia._check import check_least, counted, fail
from intarsia.cut.offsets import offsets_of

__all__ = ["AffinityHeadConfig"]


@dataclass(frozen=True, kw_only=True)
class AffinityHeadConfig:
    """Settings of an affinity head.

    Attributes:
        kind: One of `intarsia.nets.AFFINITY_HEADS`: "differences" of the features at the two ends of a pair,
            as in the paper; "maps": convolutions that do not know the other end, for comparison.
        distances: How far apart the two points are, in points of the grid: downwards and to the right.
        diagonals: Also along both diagonals.
        width: Channels of the features whose differences are classified, or of the convolutions to the maps;
            128, as a decoder has.
        classifier_width: Channels inside a classifier, for each direction. Only of "differences"; 32, the
            paper's for d = 1.
        classifier_widths: The same for each of the distances by itself; empty: one width for all.
    """

    kind: str = "differences"
    distances: tuple[int, ...] = (1, 4, 16, 32)
    diagonals: bool = False
    width: int = 128
    classifier_width: int = 32
    classifier_widths: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.distances or min(self.distances) < 1 or len(set(self.distances)) < len(self.distances):
            fail("affinity.distances", "different numbers, each at least 1", self.distances)
        for name in ("width", "classifier_width"):
            check_least(f"affinity.{name}", getattr(self, name), 1)
        if self.classifier_widths and (
            len(self.classifier_widths) != len(self.distances) or min(self.classifier_widths) < 1
        ):
            wanted = f"{counted(len(self.distances), 'number')}, each at least 1, one a distance, or none"
            fail("affinity.classifier_widths", wanted, self.classifier_widths)

    @property
    def offsets(self) -> tuple[tuple[int, int], ...]:
        """(rows, columns) from a point to its neighbour, one a channel of the head's output."""
        return offsets_of(self.distances, diagonals=self.diagonals)
