"""The affinity head: for pairs of grid points, a logit of the probability that they are in one segment."""

from __future__ import annotations

from itertools import groupby
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nets.affinity_config import AffinityHeadConfig
from intarsia.nets.blocks import DEFAULT_STYLE, ConvStyle, Norm, conv_block, fusion_block, prediction
from intarsia.nets.heads import HeadLayers

__all__ = ["AffinityHead"]


class AffinityHead(nn.Module):
    """A classifier for each distance, on differences of features at the two ends.

    The affinity of a point and the one at `config.offsets[o]` from it is channel o at the point: as
    `intarsia.cut.GridProblem` has its costs. Inside, a pair lies at its middle, so that pairs of several
    directions that cross there are classified together; neighbours are classified from the features
    themselves. Semantic logits come in beside the decoder's map and get no gradient from here.

    Source: Abbas and Swoboda 2021 (COPS), section 3.1 and appendix A.6. Any offsets, those of one length in
    one classifier with a group of channels each, and the widths are ours.

    Example:
        >>> head = AffinityHead(AffinityHeadConfig(distances=(1, 4), width=8, classifier_width=8), 16, 3)
        >>> head(torch.zeros(2, 16, 6, 5), torch.zeros(2, 3, 6, 5)).shape
        torch.Size([2, 4, 6, 5])
    """

    def __init__(
        self,
        config: AffinityHeadConfig,
        channels_in: int,
        num_classes: int,
        *,
        style: ConvStyle = DEFAULT_STYLE,
    ) -> None:
        """Build the layers.

        Args:
            config: Offsets and widths.
            channels_in: Channels of the decoder's map.
            num_classes: Of the semantic logits.
            style: Of its convolutions: those to the features may be separable, classifiers are not.
        """
        super().__init__()
        together = [tuple(group) for _, group in groupby(config.offsets, key=lambda o: max(map(abs, o)))]
        joined, width = channels_in + num_classes, config.width
        self.features = fusion_block(joined, width, style)
        widths = config.classifier_widths or (config.classifier_width,) * len(together)
        self.classifiers = nn.ModuleList(
            _Classifier(group, width, inner, style.norm)
            for group, inner in zip(together, widths, strict=True)
        )

    @property
    def layers(self) -> HeadLayers:
        """The ends of the classifiers, and the features that all of them stand on."""
        classifiers = [cast(_Classifier, classifier) for classifier in self.classifiers]
        return HeadLayers(
            last=tuple(classifier.last for classifier in classifiers),
            before_last=tuple(classifier.body[-1] for classifier in classifiers),
            features=(self.features,),
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
            _shift(plane[:, None], *_halves(offset)[0])
            for plane, offset in zip(logits.unbind(1), self.offsets, strict=True)
        ]
        return torch.cat(planes, dim=1)


def _difference(x: Float[Tensor, "b c h w"], offset: tuple[int, int]) -> Float[Tensor, "b c h w"]:
    """At the middle of each pair, its second point's features minus its first's; zero beyond the map.

    Source: Abbas and Swoboda 2021 (COPS), eq. (9) and (10).
    """
    before, after = _halves(offset)
    return _shift(x, *after) - _shift(x, -before[0], -before[1])


def _halves(offset: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """From the first point to the middle, and from there to the second."""
    rows, columns = offset
    before = rows - rows // 2, columns - columns // 2
    return before, (rows - before[0], columns - before[1])


def _shift(x: Float[Tensor, "b c h w"], rows: int, columns: int) -> Float[Tensor, "b c h w"]:
    """The map whose value at (r, c) is the one at (r + rows, c + columns), zero beyond the edge.

    Padded on one side and cut on the other, which holds for maps smaller than the step as well.
    """
    height, width = x.shape[-2:]
    top, left = max(rows, 0), max(columns, 0)
    x = F.pad(x, (max(-columns, 0), left, max(-rows, 0), top))
    return x[..., top : top + height, left : left + width]
