"""Areas below which segments do not count in training through the cut: as decoding has them, or learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.decoding.cut import CutConfig
from intarsia.methods.end_to_end import EndToEndConfig
from intarsia.panoptic import Categories

__all__ = ["LeastAreas"]

_SPEED = 20.0
"""Areas are right or wrong by factors of ten, and learn at the rate of scales that move by tenths."""
_LARGEST_PX = 2**31 - 1
"""No segment is larger."""


class LeastAreas(nn.Module):
    """t of each category: the area below which its segments do not count, in pixels of the image.

    What is learned is the logarithm of a factor, so that an area stays above 0 and a large one learns as fast
    as a small one. Without learning nothing is kept, so that models of both kinds have the same tensors.

    Source: Abbas and Swoboda 2021 (COPS), eq. (6) and section 3.3, where learning t over-fits. The logarithm
    is ours.

    Args:
        cut: The settings of decoding, which has the areas to begin with.
        categories: Things and stuff begin with areas of their own.
        void_class: Whether the costs have a class of void, which has the area of stuff and is not decoded.
        config: Whether areas are learned, and the factor of those of things; none outside of fine-tuning.

    Example:
        >>> areas = LeastAreas(CutConfig(), Categories.named("nuclei"), void_class=False, config=None)
        >>> areas().tolist()
        [32.0, 1024.0]
    """

    initial: Tensor
    log_factor: nn.Parameter | None

    def __init__(
        self, cut: CutConfig, categories: Categories, *, void_class: bool, config: EndToEndConfig | None
    ) -> None:
        """Begin with the areas of decoding."""
        super().__init__()
        self.decoded = cut.least_px(categories)  # k
        training = EndToEndConfig() if config is None else config
        scaled = self.decoded * [training.thing_area_scale if thing else 1.0 for thing in categories.is_thing]
        with_void = [*scaled.tolist(), *[float(cut.min_stuff_px)] * void_class]
        self.register_buffer("initial", torch.tensor(with_void), persistent=False)
        is_learned = config is not None and config.learned_areas
        self.log_factor = nn.Parameter(torch.zeros(len(with_void))) if is_learned else None

    def forward(self) -> Float[Tensor, " k"]:
        """The area of each class, void last where it is one."""
        return self.initial if self.log_factor is None else self.initial * (_SPEED * self.log_factor).exp()

    def of_decoding(self, cut: CutConfig) -> CutConfig:
        """The settings of decoding with the learned areas; as they are where none are learned."""
        if self.log_factor is None:
            return cut
        factors = (_SPEED * self.log_factor.detach().double()).exp().cpu().numpy()[: len(self.decoded)]
        areas = np.minimum(self.decoded * factors, _LARGEST_PX).round().astype(np.int64)
        return replace(cut, category_px=tuple(areas.tolist()))
