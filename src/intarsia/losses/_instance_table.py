"""The instances of a batch as one list: which pixels are whose, how many, and in which group they compete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from intarsia._check import fail


@dataclass(frozen=True, slots=True)
class InstanceTable:
    """All s instances of a batch in one list. A group is the instances of one image and category."""

    num_images: int
    index: Int[Tensor, "b p"]  # the pixel's row in this table, -1 for none
    image: Int[Tensor, " s"]
    group: Int[Tensor, " s"]  # numbered in the order of images
    area: Float[Tensor, " s"]
    num_in_group: Float[Tensor, " s"]
    area_of_group: Float[Tensor, " s"]
    num_groups_in_image: Float[Tensor, " s"]

    def __len__(self) -> int:
        """Number of instances."""
        return len(self.image)


def instance_table(
    instances: Int[Tensor, "b p"], categories: Sequence[Int[Tensor, " _"]] | None = None
) -> InstanceTable:
    """List the instances of a batch of id maps; numbers that no pixel has are left out.

    Args:
        instances: 0 for none, positive instance numbers within each image.
        categories: For each image the category index of instance 1, 2, ...; None puts all into one group.

    Raises:
        ValueError: If an instance is negative or has no category.

    Example:
        >>> table = instance_table(torch.tensor([[0, 5, 5], [1, 2, 2]]))
        >>> table.index.tolist(), table.image.tolist(), table.area.tolist()
        ([[-1, 0, 0], [1, 2, 2]], [0, 1, 1], [2.0, 1.0, 2.0])
    """
    num_images, device = len(instances), instances.device
    largest = int(instances.max()) if instances.numel() else 0
    if instances.numel() and int(instances.min()) < 0:
        fail("instances", "at least 0", int(instances.min()))
    key = instances.long() + (torch.arange(num_images, device=device) * (largest + 1))[:, None]
    area = key.flatten().bincount(minlength=num_images * (largest + 1))
    present = area > 0
    present[:: largest + 1] = False  # instance 0 of every image is no instance
    rows = torch.where(present, present.cumsum(0) - 1, -1)
    keys = present.nonzero()[:, 0]
    image, number = keys // (largest + 1), keys % (largest + 1)
    group = image if categories is None else _groups(image, number, categories, num_images)
    group = group.unique(return_inverse=True)[1]
    return _with_counts(num_images, rows[key], image, group, area[keys].float())


def pairs_within_groups(
    group: Int[Tensor, " s"], *, keep: Callable[[Tensor, Tensor], Tensor], chunk: int = 1 << 20
) -> tuple[Int[Tensor, " e"], Int[Tensor, " e"]]:
    """All unordered pairs of rows that share a group and that `keep` says yes to.

    Pairs are listed `chunk` at a time, so ten thousand rows in a group do not need a table of all pairs.

    Args:
        group: Group number of each row.
        keep: Truth of each (first, second) pair; called without gradients.
        chunk: Pairs listed at a time.

    Example:
        >>> first, second = pairs_within_groups(torch.tensor([0, 1, 0, 0]), keep=lambda a, b: a >= 0)
        >>> list(zip(first.tolist(), second.tolist()))
        [(0, 2), (0, 3), (2, 3)]
    """
    order = group.argsort(stable=True)
    sizes = group.bincount()
    ends = sizes.cumsum(0)[group[order]]
    later = ends - 1 - torch.arange(len(group), device=group.device)  # partners behind each row, in order
    until = later.cumsum(0)
    chosen_pairs = [torch.empty(2, 0, dtype=torch.long, device=group.device)]
    total = int(until[-1]) if len(until) else 0
    for start in range(0, total, chunk):
        pair = torch.arange(start, min(start + chunk, total), device=group.device)
        first = torch.searchsorted(until, pair, right=True)
        second = first + 1 + pair - (until - later)[first]
        pairs = torch.stack([order[first], order[second]])  # 2 e
        with torch.no_grad():
            chosen_pairs.append(pairs[:, keep(pairs[0], pairs[1])])
    first, second = torch.cat(chosen_pairs, dim=1)
    return first, second


def _groups(image: Tensor, number: Tensor, categories: Sequence[Tensor], num_images: int) -> Tensor:
    """A number for each (image, category)."""
    if len(categories) != num_images:
        fail("categories", f"one tensor an image ({num_images})", len(categories))
    lengths = torch.tensor([len(c) for c in categories], device=image.device)
    if (number > lengths[image]).any():
        row = int((number > lengths[image]).nonzero()[0, 0])
        i = int(image[row])
        fail(
            f"categories[{i}]",
            f"at least {int(number[row])} long, as `instances` says",
            f"{len(categories[i])}",
        )
    joined = torch.cat([c.to(image.device).long() for c in categories])
    category = joined[lengths.cumsum(0)[image] - lengths[image] + number - 1]
    return image * (int(category.max()) + 1 if len(category) else 1) + category


def _with_counts(num_images: int, index: Tensor, image: Tensor, group: Tensor, area: Tensor) -> InstanceTable:
    sizes = group.bincount().float()
    image_of_group = torch.zeros(len(sizes), dtype=torch.long, device=image.device).scatter_(0, group, image)
    groups_in_image = image_of_group.bincount(minlength=num_images).float()
    return InstanceTable(
        num_images=num_images,
        index=index,
        image=image,
        group=group,
        area=area,
        num_in_group=sizes[group],
        area_of_group=torch.zeros_like(sizes).index_add(0, group, area)[group],
        num_groups_in_image=groups_in_image[image],
    )
