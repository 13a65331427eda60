"""Smooth panoptic quality over more than one batch."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia._check import fail
from intarsia.losses import MaskPairs, SurrogateOptions, panoptic_quality_sums

__all__ = ["PooledQuality"]

DEFAULT_OPTIONS = SurrogateOptions()


class PooledQuality(nn.Module):
    """The exact form over the batch and those before it: PQ of a data set, not of a batch.

    In a batch on its own a category without a hit has quality 0 however many spurious masks it has, so that
    these have no gradient, while a hit gains much: a network learns to predict rare categories everywhere.
    Sums over past batches, which fade by `memory` a batch, make both count. With S the sums of hits and M
    those of masks and true segments, PQ = 2 (memory S' + S) / (memory M' + M), and gradients are those of S
    and M divided by 1 - memory, which makes them as large as without memory.

    Source: ours. PQ adds up before it divides (Kirillov et al. 2019, eq. (1)).

    Args:
        num_categories: Number of categories.
        memory: Share of the past that stays, in [0, 1).
        options: How hard decisions are, as in `panoptic_quality_surrogate`; the form is the exact one.

    Example:
        >>> from intarsia.losses import MatchedMasks
        >>> mask = torch.tensor([[[1.0, 1.0, 1.0, 1.0, 0.0]]])
        >>> true_mask = torch.tensor([[[True, True, True, False, False]]])  # IoU 3/4
        >>> pooled = PooledQuality(1, memory=0.5, options=SurrogateOptions(sharpness=1.0))
        >>> pairs = MatchedMasks([mask], [true_mask], [torch.tensor([0])])
        >>> pooled(pairs, least_area=-1e4)  # h = u: 2 u^2 / 2
        tensor(0.5625)
    """

    hits: Tensor
    counted: Tensor

    def __init__(
        self, num_categories: int, *, memory: float, options: SurrogateOptions = DEFAULT_OPTIONS
    ) -> None:
        """Start with no past."""
        super().__init__()
        if not 0 <= memory < 1:
            fail("memory", "in [0, 1)", memory)
        self.memory, self.options = memory, options
        self.register_buffer("hits", torch.zeros(num_categories, dtype=torch.float64))
        self.register_buffer("counted", torch.zeros(num_categories, dtype=torch.float64))

    def forward(
        self, pairs: MaskPairs, *, least_area: float | Float[Tensor, " k"] = 0.0
    ) -> Float[Tensor, ""]:
        """Smooth PQ, its mean over the categories seen so far; in training mode the batch becomes past.

        Args:
            pairs: The masks of a batch and what they are matched with.
            least_area: t of eq. (6), in points of the grid, for all or each of the categories; 0, where the
                smallest segments count half.
        """
        sums = panoptic_quality_sums(
            pairs, num_categories=len(self.hits), least_area=least_area, options=self.options
        )
        hits, counted = sums.hits, sums.counted
        quality = (
            2 * self._with_past(hits, self.hits) / self._with_past(counted, self.counted).clamp(min=1e-6)
        )
        is_known = (self.memory * self.counted + counted.detach()) > 0
        if self.training:
            with torch.no_grad():
                self.hits.mul_(self.memory).add_(hits)
                self.counted.mul_(self.memory).add_(counted)
        return quality[is_known].mean() if is_known.any() else hits.sum() * 0.0 + 1.0

    def _with_past(self, sums: Tensor, past: Tensor) -> Tensor:
        whole = self.memory * past.to(sums.dtype) + sums.detach()
        return whole + (sums - sums.detach()) / (1 - self.memory)
