"""The affinity head: for pairs of grid points, a logit of the probability that they are in one segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from intarsia._check import fail
from intarsia.cut.offsets import offsets_of
from intarsia.nets.blocks import Norm, conv_block, prediction

__all__ = ["AffinityHead", "AffinityHeadConfig"]


@dataclass(frozen=True, kw_only=True)
class AffinityHeadConfig:
    """Settings of an affinity head.

    Attributes:
        distances: How far apart the two points are, in points of the grid: downwards and to the right.
        diagonals: Also along both diagonals.
        width: Channels of the features whose differences are classified.
        classifier_width: Channels inside a classifier, for each direction.
        classifier_widths: The same for each of the distances by itself; empty: one width for all.
    """

    distances: tuple[int, ...] = (1, 4, 16, 32)
    diagonals: bool = False
    width: int = 128
    classifier_width: int = 32
    classifier_widths: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.distances or min(self.distances) < 1 or len(set(self.distances)) < len(self.distances):
            fail("affinity.distances", "different numbers of 1 or more", self.distances)
        for name in ("width", "classifier_width"):
            if getattr(self, name) < 1:
                fail(f"affinity.{name}", "1 or more", getattr(self, name))

        if self.classifier_widths and (
            len(self.classifier_widths) != len(self.distances) or min(self.classifier_widths) < 1
        ):
            wanted = f"{len(self.distances)} numbers of 1 or more, one a distance, or none"
            fail("affinity.classifier_widths", wanted, self.classifier_widths)

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels inside the classifier of each distance."""
        return self.classifier_widths or (self.classifier_width,) * len(self.distances)

    @property
    def offsets(self) -> tuple[tuple[int, int], ...]:
        """(rows, columns) from a point to its neighbour, one a channel of the head's output."""
        return offsets_of(self.distances, diagonals=self.diagonals)


class AffinityHead(nn.Module):
    """A classifier for each distance, on differences of features at the two ends.

    The affinity of a point and the one at `offsets[o]` from it is channel o at the point: as
    `intarsia.cut.GridProblem` has its costs. Inside, a pair lies at its middle, so that pairs of several
    directions that cross there are classified together; neighbours are classified from the features
    themselves. Semantic logits come in beside the decoder's map and get no gradient from here.

    Source: Abbas and Swoboda 2021 (COPS), section 3.1 and appendix A.6. Any offsets, those of one length in
    one classifier with a group of channels each, and the widths are ours.

    Example:
        >>> head = AffinityHead(16, 3, [(1, 0), (0, 1), (4, 0), (0, 4)], width=8, classifier_width=8)
        >>> head(torch.zeros(2, 16, 6, 5), torch.zeros(2, 3, 6, 5)).shape
        torch.Size([2, 4, 6, 5])
    """

    def __init__(
        self,
        channels_in: int,
        num_classes: int,
        offsets: Sequence[tuple[int, int]],
        *,
        width: int = 128,
        classifier_width: int | Sequence[int] = 32,
        separable: bool = True,
        norm: Norm = "batch",
    ) -> None:
        """Build the layers.

        Args:
            channels_in: Channels of the decoder's map.
            num_classes: Of the semantic logits.
            offsets: (rows, columns), other than (0, 0).
            width: Channels of the features.
            classifier_width: Channels inside a classifier, for each offset: one number, or one for each run
                of offsets of one length.
            separable: Depthwise separable 5x5 convolutions to the features, else two of 3x3.
            norm: Normalisation layer.
        """
        super().__init__()
        if (0, 0) in [tuple(offset) for offset in offsets]:
            fail("offsets", "other than (0, 0)", "an offset from a point to itself")
        self.offsets = tuple((int(rows), int(columns)) for rows, columns in offsets)
        together = [tuple(group) for _, group in groupby(self.offsets, key=lambda o: max(map(abs, o)))]
        joined = channels_in + num_classes
        self.features = (
            conv_block(joined, width, size=5, separable=True, norm=norm)
            if separable
            else nn.Sequential(conv_block(joined, width, norm=norm), conv_block(width, width, norm=norm))
        )
        widths = [classifier_width] * len(together) if isinstance(classifier_width, int) else classifier_width
        self.classifiers = nn.ModuleList(
            _Classifier(group, width, inner, norm) for group, inner in zip(together, widths, strict=True)
        )

    def forward(
        self, x: Float[Tensor, "b c h w"], semantic_logits: Float[Tensor, "b k h w"]
    ) -> Float[Tensor, "b o h w"]:
        """Logits in float32; of pairs that leave the map they mean nothing."""
        features = self.features(torch.cat([x, semantic_logits.detach().to(x.dtype)], dim=1))
        return torch.cat([classifier(features) for classifier in self.classifiers], dim=1)


class _Classifier(nn.Module):
    """Logits of offsets of one length."""

    def __init__(self, offsets: tuple[tuple[int, int], ...], width: int, inner: int, norm: Norm) -> None:
        super().__init__()
        self.offsets = offsets
        self.is_near = max(abs(step) for offset in offsets for step in offset) == 1
        num = len(offsets)
        groups = 1 if self.is_near else num
        narrow = max(inner // 2, 1)
        self.body = nn.Sequential(
            conv_block(width if self.is_near else num * width, num * inner, groups=groups, norm=norm),
            conv_block(num * inner, num * narrow, groups=groups, norm=norm),
        )
        self.last = prediction(num * narrow, num)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b o h w"]:
        if self.is_near:
            x = features
        else:
            x = torch.cat([_difference(features, offset) for offset in self.offsets], dim=1)
        x = self.body(x)
        with torch.autocast(x.device.type, enabled=False):
            logits = self.last(x.float())
        if self.is_near:
            return logits
        planes = [
            _moved(plane[:, None], *_halves(offset)[0])
            for plane, offset in zip(logits.unbind(1), self.offsets, strict=True)
        ]
        return torch.cat(planes, dim=1)


def _difference(x: Float[Tensor, "b c h w"], offset: tuple[int, int]) -> Float[Tensor, "b c h w"]:
    """At the middle of each pair, its second point's features minus its first's; zero beyond the map.

    Source: Abbas and Swoboda 2021 (COPS), eq. (9) and (10).
    """
    before, after = _halves(offset)
    return _moved(x, *after) - _moved(x, -before[0], -before[1])


def _halves(offset: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """From the first point to the middle, and from there to the second."""
    rows, columns = offset
    before = rows - rows // 2, columns - columns // 2
    return before, (rows - before[0], columns - before[1])


def _moved(x: Float[Tensor, "b c h w"], rows: int, columns: int) -> Float[Tensor, "b c h w"]:
    """The map whose value at (r, c) is the one at (r + rows, c + columns), zero beyond the edge."""
    if abs(rows) >= x.shape[-2] or abs(columns) >= x.shape[-1]:
        return torch.zeros_like(x)
    return F.pad(x, (-columns, columns, -rows, rows))
