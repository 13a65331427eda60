"""What the hierarchical Lovász loss is told, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from intarsia._check import check_least, fail
from intarsia.losses._hierarchical_levels import LevelLoss

_LEVEL_LOSSES = ("lovasz", "hinge", "bce", "focal")


@dataclass(frozen=True, kw_only=True)
class HierarchicalLovaszOptions:
    """How the levels of the hierarchical Lovász loss are compared with the truth.

    Attributes:
        instance_loss: What compares memberships of instances with the truth: "lovasz", or for comparison
            "hinge" (of the discriminative loss, in units of margins), "bce" or "focal".
        category_loss: The same of categories.
        absent: "skip" leaves out categories that are not shown; "hinge" pushes all pixels out of their balls.
        max_instances: Instances of an image at the instance level; of more, as many are drawn at random.
        min_class_points: Points of the map with which a category counts as shown; of fewer than 10 a mean
            says little.
        foreground_weight: Weight of an instance's pixels in the seed loss.
        hierarchy_ratio: How many times larger than an instance's a category's σ should be.

    Raises:
        ValueError: If an option is unknown, or no instance is left.

    Example:
        >>> HierarchicalLovaszOptions(min_class_points=1).instance_loss
        'lovasz'
    """

    instance_loss: LevelLoss = "lovasz"
    category_loss: LevelLoss = "lovasz"
    absent: Literal["skip", "hinge"] = "skip"
    max_instances: int = 40
    min_class_points: int = 10
    foreground_weight: float = 10.0
    hierarchy_ratio: float = 2.0

    def __post_init__(self) -> None:
        for name in ("instance_loss", "category_loss"):
            if getattr(self, name) not in _LEVEL_LOSSES:
                fail(name, '"lovasz", "hinge", "bce" or "focal"', repr(getattr(self, name)))
        if self.absent not in ("skip", "hinge"):
            fail("absent", '"skip" or "hinge"', repr(self.absent))
        check_least("max_instances", self.max_instances, 1)


@dataclass(frozen=True, slots=True)
class HierarchicalLovaszTerms:
    """The terms of the hierarchical Lovász loss before their weights: one value an image, or one for a batch.

    Attributes:
        instance: Of the balls of instances.
        category: Of the balls of categories.
        seed: Of the seeds.
        variance: Of the spread of `sharpness` within an instance.
        hierarchy: Of instances that are large beside categories.
    """

    instance: Float[Tensor, "*b"]
    category: Float[Tensor, "*b"]
    seed: Float[Tensor, "*b"]
    variance: Float[Tensor, "*b"]
    hierarchy: Float[Tensor, "*b"]
