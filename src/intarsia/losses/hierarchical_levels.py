"""The two levels of the hierarchical Lovász loss: instances in their images, categories in the batch."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Int
from torch import Tensor

from intarsia._check import fail
from intarsia.losses.class_means import class_sums
from intarsia.losses.instance_table import InstanceTable
from intarsia.losses.margin_hinge import margin_hinge
from intarsia.losses.membership_loss import HALF, membership_loss, own_memberships
from intarsia.losses.segment_spread import NO_SPREAD, segment_spread
from intarsia.panoptic import VOID_INDEX

LevelLoss = Literal["lovasz", "hinge", "bce", "focal"]

_LARGEST_LOG_LAMBDA = 20.0  # beyond it float32 tells no two pixels apart


class InstanceLevel:
    """Centres and λ of all instances of a batch."""

    def __init__(
        self, pixels: Tensor, sharpness: Tensor, table: InstanceTable, position: Tensor | None
    ) -> None:
        self.table = table
        count = len(table)
        self.centers, _ = segment_spread(pixels, table.index, count, margin=NO_SPREAD, norm=2)
        v, _ = segment_spread(sharpness[:, None], table.index, count, margin=NO_SPREAD, norm=2)
        self.log_lambda = (10 * v[:, 0]).clamp(-_LARGEST_LOG_LAMBDA, _LARGEST_LOG_LAMBDA)
        self.variance = _mean_deviation(sharpness, v[:, 0].detach(), table)
        if position is not None:
            flat = position.to(pixels.dtype).flatten(1).expand(len(pixels), -1, -1).contiguous()
            centroids, _ = segment_spread(flat, table.index, count, margin=NO_SPREAD, norm=2)
            self.centers = torch.cat([centroids, self.centers[:, flat.shape[1] :]], dim=1)

    def loss(self, pixels: Tensor, valid: Tensor, kind: LevelLoss, most: int) -> Tensor:
        rows = _drawn(self.table, most)
        if kind == "hinge":
            return margin_hinge(
                pixels,
                self.centers[rows],
                (HALF / self.log_lambda[rows].exp()).sqrt(),
                index=_renumbered(self.table.index, rows, len(self.table)),
                image=self.table.image[rows],
            )
        return membership_loss(
            pixels,
            self.centers[rows],
            self.log_lambda[rows],
            index=self.table.index,
            rows=rows,
            image=self.table.image[rows],
            valid=valid,
            kind=kind,
        )

    def seed_loss(self, pixels: Tensor, seeds: Tensor, valid: Tensor, foreground: float) -> Tensor:
        target = own_memberships(pixels, self.centers, self.log_lambda, index=self.table.index)
        weight = torch.where(self.table.index >= 0, foreground, 1.0) * valid
        return (weight * (seeds - target).square()).sum() / valid.sum().clamp(min=1)

    def hierarchy(self, category_log_lambda: Tensor, ratio: float) -> Tensor:
        sigma = (2 * self.log_lambda.exp()).rsqrt()
        category = (2 * category_log_lambda.exp()).rsqrt().mean()
        return (ratio * sigma - category).clamp(min=0).sum() / max(len(sigma), 1)


def category_level(
    features: Tensor,
    classes: Tensor,
    means: Tensor | None,
    log_lambda: Tensor,
    *,
    kind: LevelLoss,
    absent: str,
    min_class_px: int,
) -> Tensor:
    """The batch as one image whose instances are its categories."""
    flat = features.movedim(1, 0).flatten(1)[None]  # 1 c (b h w)
    labels = classes.flatten()[None].long()
    counted = labels != VOID_INDEX
    present = labels[counted].bincount(minlength=0 if means is None else len(means))
    if means is not None and len(present) > len(means):
        fail("semantic", f"below {len(means)}, the number of class means, or {VOID_INDEX}", len(present) - 1)
    shown = present >= min_class_px
    rows = shown.nonzero()[:, 0] if absent == "skip" else torch.arange(len(present), device=labels.device)
    if not len(rows):
        return flat.sum() * 0 + (0 if means is None else means.sum() * 0) + log_lambda.sum() * 0
    if means is None:
        means = class_sums(flat, labels, len(present)).means
    index = torch.where(counted, labels, -1)
    # A rare category is no mask of its own, but no member of another one either.
    chosen = means[rows].to(flat.dtype)
    lambdas = log_lambda[rows] if log_lambda.ndim else log_lambda.expand(len(rows))
    image = torch.zeros_like(rows)
    if kind == "hinge":
        index = _renumbered(index, rows, len(present))
        return margin_hinge(flat, chosen, (HALF / lambdas.exp()).sqrt(), index=index, image=image)
    return membership_loss(
        flat, chosen, lambdas, index=index, rows=rows, image=image, valid=counted, kind=kind
    )


def _renumbered(index: Tensor, rows: Tensor, count: int) -> Tensor:
    """The place in `rows` of each entry of an index below `count`, -1 where it is in none."""
    place = torch.full((count + 1,), -1, device=index.device)  # index -1 finds the last
    place[rows] = torch.arange(len(rows), device=index.device)
    return place[index]


def _mean_deviation(values: Tensor, means: Tensor, table: InstanceTable) -> Tensor:
    """The mean over instances of the mean squared deviation of their pixels."""
    inside = table.index >= 0
    owner = table.index[inside]
    squared = (values[inside] - means[owner]).square()
    return (squared / table.area[owner].to(squared.dtype)).sum() / max(len(table), 1)


def _drawn(table: InstanceTable, most: int) -> Int[Tensor, " n"]:
    """All instances of images with at most `most`, and as many of the others, drawn at random."""
    if not len(table) or int(table.num_in_group.max()) <= most:
        return torch.arange(len(table), device=table.image.device)
    order = (table.image + torch.rand(len(table), device=table.image.device, dtype=torch.float64)).argsort()
    image = table.image[order]
    first = torch.searchsorted(image, image)
    rank = torch.arange(len(table), device=image.device) - first
    return order[rank < most].sort().values
