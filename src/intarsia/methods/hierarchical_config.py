"""Settings of the hierarchical embedding: each decision of our reading is one of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from intarsia._check import check_least, fail
from intarsia.losses import HALF, HierarchicalLovaszOptions
from intarsia.nets import ClassMeansConfig

__all__ = [
    "HierarchicalEmbeddingConfig",
    "HierarchicalLossConfig",
]


@dataclass(frozen=True, kw_only=True)
class HierarchicalEmbeddingConfig:
    """What an embedding is made of.

    Attributes:
        coordinates: "added": two dimensions are the pixel's position plus a learned offset; "input": the
            position is two more channels of the head; "none": convolutions alone.
        features: Dimensions beside the coordinates, D_f; 14, which are 16 with the coordinates.
        unit_px: Pixels for one unit of position. The category margin is 1.18 units, so this says how large
            instances are beside categories.
        reach_px: Farthest that an offset points, through a tanh.
        sigma: "learned": each pixel predicts the margin of its instance; "fixed": the start radius for all.
        start_radius_px: Margin of an instance before training. Wide, because outside of it a membership has
            no gradient, and embeddings begin scattered.
        category_dims: "features": categories do not see the coordinates; "all": they do.
        branches: "one": the embedding of our reading. "two", for comparison: the features are as many as the
            categories and are their logits, and instances see the coordinates alone.
    """

    coordinates: Literal["none", "input", "added"] = "added"
    features: int = 14
    unit_px: float = 32.0
    reach_px: float = 1024.0
    sigma: Literal["learned", "fixed"] = "learned"
    start_radius_px: float = 32.0
    category_dims: Literal["features", "all"] = "features"
    branches: Literal["one", "two"] = "one"

    def __post_init__(self) -> None:
        if self.branches == "two" and self.coordinates != "added":
            fail("embedding.coordinates", '"added" with two branches', repr(self.coordinates))
        check_least("embedding.features", self.features, 1)
        for name in ("unit_px", "reach_px", "start_radius_px"):
            if getattr(self, name) <= 0:
                fail(f"embedding.{name}", "above 0", getattr(self, name))

    @property
    def num_coordinates(self) -> int:
        """Dimensions that are a position."""
        return 2 if self.coordinates == "added" else 0

    @property
    def category_from(self) -> int:
        """The first dimension that categories see."""
        return self.num_coordinates if self.category_dims == "features" else 0

    @property
    def start_sharpness(self) -> float:
        """v with exp(-exp(10 v) r^2) = 1/2 at the start radius r."""
        return math.log(HALF / (self.start_radius_px / self.unit_px) ** 2) / 10


@dataclass(frozen=True, kw_only=True)
class HierarchicalLossConfig(HierarchicalLovaszOptions, ClassMeansConfig):
    """Settings of the loss: its weights, how its levels are compared and how class means are estimated.

    Attributes:
        instance_weight: Weight of the instance level; 1, what others are measured by.
        category_weight: Weight of the category level; 1, the same as of instances.
        seed_weight: Weight of the seeds; 1, Neven's.
        variance_weight: Weight of the spread of v within an instance; 10, Neven's.
        hierarchy_weight: Weight of the penalty on instances larger than categories.
        cross_entropy_weight: Weight of a cross-entropy over the distances to the class means; 0 leaves it
            out.
        category_sigma: "fixed", or learned as one number ("shared") or one a category ("per_class").
        sigma: σ of a category, at the start where it is learned; 1, the unit that positions are measured in.
        to_center: Instances gather at their centroid instead of their mean offset.
        stuff_as_instances: Each stuff category of an image is an instance, too.
    """

    instance_weight: float = 1.0
    category_weight: float = 1.0
    seed_weight: float = 1.0
    variance_weight: float = 10.0
    hierarchy_weight: float = 0.0
    cross_entropy_weight: float = 0.0
    category_sigma: Literal["fixed", "shared", "per_class"] = "fixed"
    sigma: float = 1.0
    to_center: bool = False
    stuff_as_instances: bool = False

    def __post_init__(self) -> None:
        HierarchicalLovaszOptions.__post_init__(self)
        ClassMeansConfig.__post_init__(self)
        for name in vars(self):
            if name.endswith("_weight") and getattr(self, name) < 0:
                fail(f"loss.{name}", "at least 0", getattr(self, name))
        if self.sigma <= 0:
            fail("loss.sigma", "above 0", self.sigma)
