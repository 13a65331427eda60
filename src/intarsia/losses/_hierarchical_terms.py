"""The terms of the hierarchical Lovász loss from outputs and truth that are laid out for them."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor

from intarsia.losses._hierarchical_levels import CategoryLevel, InstanceLevel
from intarsia.losses._hierarchical_options import HierarchicalLovaszOptions, HierarchicalLovaszTerms
from intarsia.losses._instance_table import instance_table
from intarsia.losses._totals import batch_mean, image_means


@dataclass(frozen=True, eq=False)
class Outputs:
    """What the loss is differentiated by; the pixels of an image lie in one row, in float32 at least.

    The first axis is that of the images, so that each term of an image depends on one row of each tensor.
    Where a category is one for the whole batch, `log_lambda` and `means` have one row.
    """

    pixels: Float[Tensor, "b d p"]
    seeds: Float[Tensor, "b p"]
    sharpness: Float[Tensor, "b p"]
    log_lambda: Float[Tensor, "g ..."]
    means: Float[Tensor, "g k c"] | None
    position: Float[Tensor, "b q p"] | None


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth of each pixel."""

    instances: Int[Tensor, "b p"]
    classes: Int[Tensor, "b p"]
    distinct: Bool[Tensor, "b p"]  # neither void nor crowd


@dataclass(frozen=True)
class Rule:
    """How outputs and truth are compared: options, and what a category is.

    Attributes:
        category_from: The first dimension that categories use.
        pooled: Whether a category is one for the whole batch.
        options: What compares the levels with the truth.
    """

    category_from: int
    pooled: bool
    options: HierarchicalLovaszOptions

    def terms(self, outputs: Outputs, truth: Truth) -> HierarchicalLovaszTerms:
        """All terms: one value an image, or one for a batch."""
        options, mean = self.options, batch_mean if self.pooled else image_means
        # balls of instances, and the larger ones of categories
        instances = InstanceLevel(
            outputs.pixels,
            outputs.sharpness,
            instance_table(truth.instances),
            position=outputs.position,
            mean=mean,
        )
        categories = self._categories(outputs, truth)
        # what each term compares
        return HierarchicalLovaszTerms(
            instance=instances.loss(
                outputs.pixels, truth.distinct, options.instance_loss, options.max_instances
            ),
            category=categories.loss(
                kind=options.category_loss,
                absent=options.absent,
                min_class_points=options.min_class_points,
                mean=mean,
            ),
            # seeds know their own instance; what margins are compared with
            seed=instances.seed_loss(
                outputs.pixels, outputs.seeds, truth.distinct, options.foreground_weight
            ),
            variance=instances.variance,
            hierarchy=instances.hierarchy(outputs.log_lambda, options.hierarchy_ratio),
        )

    def _categories(self, outputs: Outputs, truth: Truth) -> CategoryLevel:
        features = outputs.pixels[:, self.category_from :]
        level = CategoryLevel.of_batch if self.pooled else CategoryLevel
        return level(features, truth.classes, outputs.means, outputs.log_lambda)
