"""What smooth panoptic quality is told: masks beside their true segments, and which formula it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from jaxtyping import Bool, Float, Int64
from torch import Tensor

from intarsia._check import check_least, fail

__all__ = ["MaskPairs", "MatchedMasks", "SurrogateOptions"]


@runtime_checkable
class MaskPairs(Protocol):
    """The masks of a batch beside their true segments: `MatchedMasks`, and `intarsia.layers.PanopticMasks`.

    Attributes:
        masks: Of each image its masks, in [0, 1].
        truth: For each mask its true segment, all False where it has none; `match_masks` finds them. A true
            segment that was missed comes with an empty mask.
        categories: Category index of each mask.
        valid: Pixels that count in IoU, (b, h, w); None for all.

    Example:
        >>> "masks" in dir(MaskPairs)
        True
    """

    @property
    def masks(self) -> Sequence[Tensor]:
        """The masks of each image, (n, h, w)."""
        ...

    @property
    def truth(self) -> Sequence[Tensor]:
        """The true segment of each mask, (n, h, w)."""
        ...

    @property
    def categories(self) -> Sequence[Tensor]:
        """The category index of each mask, (n,)."""
        ...

    @property
    def valid(self) -> Tensor | None:
        """The pixels that count."""
        ...


@dataclass(frozen=True, eq=False)
class MatchedMasks:
    """Masks of a batch beside their true segments; `MaskPairs` says what each field is.

    Example:
        >>> import torch
        >>> mask = torch.ones(1, 2, 2)
        >>> len(MatchedMasks([mask], [mask.bool()], [torch.tensor([0])]).masks)
        1
    """

    masks: Sequence[Float[Tensor, "_ h w"]]
    truth: Sequence[Tensor]
    categories: Sequence[Int64[Tensor, " _"]]
    valid: Bool[Tensor, "b h w"] | None = None

    @classmethod
    def of_images(
        cls, images: Sequence[MaskPairs], *, valid: Bool[Tensor, "b h w"] | None = None
    ) -> MatchedMasks:
        """The batch of several images, as `match_masks` gives them one by one.

        Args:
            images: One after the other, as they are in the batch.
            valid: Pixels that count in IoU; all if it is not given.
        """
        parts = [(*image.masks, *image.truth, *image.categories) for image in images]
        masks, truth, categories = zip(*parts, strict=True)
        return cls(masks, truth, categories, valid)


@dataclass(frozen=True, kw_only=True)
class SurrogateOptions:
    """Which formula of smooth panoptic quality, and how hard its decisions are.

    Attributes:
        form: "released", "paper" or "exact"; `panoptic_quality_surrogate` has the formulas.
        softness: Factor inside sigma, in 1 / pixels; 0.1, the paper's.
        sharpness: Exponent of h, at least 1. With 4 a mask of IoU below 0.2 has hardly a gradient; 1 makes
            h(u) = u.

    Raises:
        ValueError: The form is unknown, or sharpness is below 1.

    Example:
        >>> SurrogateOptions(form="exact").sharpness
        4.0
    """

    form: Literal["released", "paper", "exact"] = "released"
    softness: float = 0.1
    sharpness: float = 4.0

    def __post_init__(self) -> None:
        if self.form not in ("released", "paper", "exact"):
            fail("form", '"released", "paper" or "exact"', repr(self.form))
        check_least("sharpness", self.sharpness, 1)
