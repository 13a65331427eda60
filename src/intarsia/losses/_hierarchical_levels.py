"""The two levels of the hierarchical Lovász loss: instances, and categories of an image or of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from intarsia._check import fail
from intarsia.clustering import HALF
from intarsia.losses._class_sums import class_sums
from intarsia.losses._instance_table import InstanceTable
from intarsia.losses._margin_hinge import margin_hinge
from intarsia.losses._memberships import memberships_cost, own_memberships
from intarsia.losses._segment_spread import NO_SPREAD, segment_spread
from intarsia.losses._totals import Mean, Totals
from intarsia.panoptic import VOID_INDEX

LevelLoss = Literal["lovasz", "hinge", "bce", "focal"]

_LARGEST_LOG_LAMBDA = 20.0  # beyond it float32 tells no two pixels apart


@dataclass(frozen=True, eq=False)
class Balls:
    """Centres with margins, each in an image, and which pixels belong to them.

    Attributes:
        centers: One embedding a centre.
        log_lambda: Logarithm of λ of each centre.
        index: What each pixel belongs to, -1 for nothing.
        rows: Which entries of `index` are members of each centre.
        image: The image of each centre.
    """

    centers: Float[Tensor, "s d"]
    log_lambda: Float[Tensor, " s"]
    index: Int[Tensor, "b p"]
    rows: Int[Tensor, " s"]
    image: Int[Tensor, " s"]

    def cost(self, pixels: Tensor, valid: Tensor, *, kind: LevelLoss, mean: Mean) -> Tensor:
        """The mean over centres of what their pixels and the others cost; zero where there is no centre."""
        if kind == "hinge":
            margins = (HALF / self.log_lambda.exp()).sqrt()
            index = _renumber(self.index, self.rows)
            pull, push = margin_hinge(pixels, self.centers, margins, index=index, image=self.image)
            return mean(pull) + mean(push)
        return mean(
            memberships_cost(
                pixels,
                self.centers,
                self.log_lambda,
                index=self.index,
                rows=self.rows,
                image=self.image,
                valid=valid,
                kind=kind,
            )
        )


class InstanceLevel:
    """Centres and λ of all instances of a batch."""

    def __init__(
        self,
        pixels: Float[Tensor, "b d p"],
        sharpness: Float[Tensor, "b p"],
        table: InstanceTable,
        *,
        position: Float[Tensor, "b q p"] | None,
        mean: Mean,
    ) -> None:
        self.table, self.mean = table, mean
        count = len(table)
        self.centers, _ = segment_spread(pixels, table.index, count, margin=NO_SPREAD, norm=2)
        v, _ = segment_spread(sharpness[:, None], table.index, count, margin=NO_SPREAD, norm=2)
        self.log_lambda = (10 * v[:, 0]).clamp(-_LARGEST_LOG_LAMBDA, _LARGEST_LOG_LAMBDA)
        self.variance = mean(self._totals(_mean_deviations(sharpness, v[:, 0].detach(), table)))
        if position is not None:
            centroids, _ = segment_spread(position.contiguous(), table.index, count, margin=NO_SPREAD, norm=2)
            self.centers = torch.cat([centroids, self.centers[:, position.shape[1] :]], dim=1)

    def loss(self, pixels: Tensor, valid: Tensor, kind: LevelLoss, most: int) -> Tensor:
        """What the instances cost, of each image at most so many, drawn at random."""
        rows = _draw(self.table, most)
        image = self.table.image[rows]
        balls = Balls(self.centers[rows], self.log_lambda[rows], self.table.index, rows, image)
        return balls.cost(pixels, valid, kind=kind, mean=self.mean)

    def seed_loss(self, pixels: Tensor, seeds: Tensor, valid: Tensor, foreground: float) -> Tensor:
        """The squared error of the seeds, whose target is the membership to the own instance."""
        target = own_memberships(pixels, self.centers, self.log_lambda, index=self.table.index)
        weight = torch.where(self.table.index >= 0, foreground, 1.0) * valid
        return self.mean(Totals((weight * (seeds - target).square()).sum(1), valid.sum(1).to(seeds.dtype)))

    def hierarchy(self, category_log_lambda: Float[Tensor, "g ..."], ratio: float) -> Tensor:
        """By how much instances are larger than a share of a category."""
        sigma = (2 * self.log_lambda.exp()).rsqrt()
        category = (2 * category_log_lambda.exp()).rsqrt().view(len(category_log_lambda), -1).mean(1)
        own = category.expand(self.table.num_images)[self.table.image]
        return self.mean(self._totals((ratio * sigma - own).clamp(min=0)))

    def _totals(self, values: Float[Tensor, " s"]) -> Totals:
        return Totals.of(values, self.table.image, self.table.num_images)


@dataclass(frozen=True, eq=False)
class CategoryLevel:
    """Categories as the instances of an image, which may be a whole batch laid out as one.

    Attributes:
        features: What categories see.
        classes: Category index, 255 for void.
        means: One embedding a category of each group; those of its own pixels by default.
        log_lambda: Logarithm of λ of each group, one value or one a category.
    """

    features: Float[Tensor, "g c p"]
    classes: Int[Tensor, "g p"]
    means: Float[Tensor, "g k c"] | None
    log_lambda: Float[Tensor, "g ..."]

    @classmethod
    def of_batch(
        cls, features: Tensor, classes: Tensor, means: Tensor | None, log_lambda: Tensor
    ) -> CategoryLevel:
        """The batch as one image."""
        together = features.movedim(1, 0).flatten(1)[None]  # 1 c (b p)
        return cls(together, classes.flatten()[None], means, log_lambda)

    def loss(self, *, kind: LevelLoss, absent: str, min_class_points: int, mean: Mean) -> Tensor:
        """What the categories cost that have enough pixels; with absent="hinge" the others, too."""
        labels = torch.where(self.classes == VOID_INDEX, -1, self.classes.long())
        area = self._areas(labels)  # g k
        is_shown = area >= min_class_points
        group, category = (is_shown | (absent == "hinge")).nonzero(as_tuple=True)
        # A rare category is no mask of its own, but no member of another one either.
        balls = Balls(
            self._centers(labels, area.shape[1])[group, category],
            self.log_lambda[group] if self.log_lambda.ndim == 1 else self.log_lambda[group, category],
            torch.where(labels >= 0, labels + _first_of_image(labels, area.shape[1]), -1),
            category + group * area.shape[1],
            group,
        )
        return balls.cost(self.features, labels >= 0, kind=kind, mean=mean)

    def _areas(self, labels: Int[Tensor, "g p"]) -> Int[Tensor, "g k"]:
        """How many pixels of each category each image has."""
        most = int(labels.max()) + 1 if labels.numel() else 0
        num_classes = most if self.means is None else self.means.shape[1]
        if most > num_classes:
            fail("semantic", f"below {num_classes}, the number of class means, or {VOID_INDEX}", most - 1)
        keys = (labels + _first_of_image(labels, num_classes))[labels >= 0]
        return keys.bincount(minlength=len(labels) * num_classes).view(len(labels), num_classes)

    def _centers(self, labels: Int[Tensor, "g p"], num_classes: int) -> Float[Tensor, "g k c"]:
        if self.means is not None:
            return self.means
        keys = torch.where(labels >= 0, labels + _first_of_image(labels, num_classes), -1)
        means = class_sums(self.features, keys, len(labels) * num_classes).means
        return means.view(len(labels), num_classes, self.features.shape[1])


def _first_of_image(labels: Int[Tensor, "g p"], num_classes: int) -> Int[Tensor, "g 1"]:
    """What to add to the categories of each image, so that all images' are told apart."""
    return torch.arange(len(labels), device=labels.device)[:, None] * num_classes


def _renumber(index: Int[Tensor, "b p"], rows: Int[Tensor, " n"]) -> Int[Tensor, "b p"]:
    """The place in `rows` of each entry of an index, -1 where it is in none."""
    largest = max((int(x.max()) for x in (index, rows) if x.numel()), default=-1)
    place = torch.full((largest + 2,), -1, device=index.device)  # index -1 looks at the last
    place[rows] = torch.arange(len(rows), device=index.device)
    return place[index]


def _mean_deviations(
    values: Float[Tensor, "b p"], means: Float[Tensor, " s"], table: InstanceTable
) -> Float[Tensor, " s"]:
    """The mean squared deviation of the pixels of each instance."""
    inside = table.index >= 0
    owner = table.index[inside]
    squared = (values[inside] - means[owner]).square()
    return values.new_zeros(len(table)).index_add(0, owner, squared / table.area[owner].to(squared.dtype))


def _draw(table: InstanceTable, most: int) -> Int[Tensor, " n"]:
    """All instances of images with at most `most`, and as many of the others, drawn at random."""
    if not len(table) or int(table.num_in_group.max()) <= most:
        return torch.arange(len(table), device=table.image.device)
    order = (table.image + torch.rand(len(table), device=table.image.device, dtype=torch.float64)).argsort()
    image = table.image[order]
    first = torch.searchsorted(image, image)
    rank = torch.arange(len(table), device=image.device) - first
    return order[rank < most].sort().values
