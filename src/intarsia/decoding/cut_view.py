"""What a decoder that cuts works with: its settings, and one image as a cut problem."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float32, Int64

from intarsia._check import fail, nearest
from intarsia.cut import GridProblem
from intarsia.cut.solvers import SOLVERS
from intarsia.decoding.assembly import Thresholds
from intarsia.panoptic import Categories

__all__ = ["CutConfig", "CutView", "Score"]

Score = Literal["costs", "released", "probability"]


@dataclass(frozen=True, kw_only=True)
class CutConfig(Thresholds):
    """Settings of decoding by a cut, beside the thresholds.

    Attributes:
        solver: As in `intarsia.cut.solve`.
        refine: Local search on top.
        upsampling: "guided": where segments meet, the up-sampled semantic logits choose among those around a
            pixel; "nearest": each pixel takes the segment of its grid point.
        small: What happens to clusters of fewer grid points than `min_thing_px` stands for: they are
            "absorbed" by a neighbour inside the cut, or become "void".
        score: How sure a thing is; see `segment_scores`.
        category_px: From which size on segments of each category stay, in the place of the two sizes of all,
            as training through the cut can learn them; empty: those two.
    """

    group: ClassVar[str] = "cut"
    solver: str = "greedy"
    refine: bool = False
    upsampling: Literal["guided", "nearest"] = "guided"
    small: Literal["absorbed", "void"] = "absorbed"
    score: Score = "costs"
    category_px: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.solver not in SOLVERS:
            fail("cut.solver", "the name of one", repr(self.solver), hint=nearest(self.solver, SOLVERS))
        if self.small == "absorbed" and self.solver != "greedy":
            fail("cut.small", '"void" for another solver than "greedy"', '"absorbed"')

    @classmethod
    def of_thresholds(cls, thresholds: Thresholds) -> CutConfig:
        """The defaults with these thresholds."""
        return cls(**{entry.name: getattr(thresholds, entry.name) for entry in fields(Thresholds)})

    def least_px(self, categories: Categories) -> Int64[np.ndarray, " k"]:
        """The size of each category, 1 and more.

        Raises:
            ValueError: `category_px` is for another number of categories.
        """
        if not self.category_px:
            return super().least_px(categories)
        if len(self.category_px) != len(categories):
            fail("cut.category_px", f"a size for each of {len(categories)} categories", len(self.category_px))
        return np.maximum(np.array(self.category_px, np.int64), 1)

    def least_points(self, stride: int) -> int:
        """Clusters of fewer grid points are absorbed inside the cut."""
        return self.min_thing_px // stride**2 if self.small == "absorbed" else 0


@dataclass(frozen=True, eq=False)
class CutView:
    """One image, without the padding of its batch.

    Attributes:
        problem: The cut on the grid.
        logits: Semantic logits on the grid.
        size: Height and width of the image.
        stride: Pixels between neighbours on the grid.
    """

    problem: GridProblem
    logits: Float32[np.ndarray, "k hs ws"]
    size: tuple[int, int]
    stride: int
