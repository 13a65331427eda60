"""The panoptic head: dynamic potentials, instance affinities, and the loss on what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from intarsia._check import check_least, fail
from intarsia.decoding.detections import Detections
from intarsia.layers import DenseInstanceAffinity, InstanceAffinityConfig, Variant, dynamic_potential
from intarsia.losses import Matching, Normalisation, match_detections, panoptic_matching_loss

__all__ = ["AffinityConfig", "MatchingConfig", "PanopticHead", "PotentialConfig"]


@dataclass(frozen=True, kw_only=True)
class PotentialConfig:
    """Settings of the dynamic potential; see `intarsia.layers._dynamic_potential`."""

    variant: Variant = "B"
    stuff_score: float = 1.0


@dataclass(frozen=True, kw_only=True)
class AffinityConfig(InstanceAffinityConfig):
    """Settings of the instance affinities, and of what stands before them.

    Attributes:
        channels: Rank of the affinities; 0 for a network without them (models A, C1 and C2 of the paper).
        project: A 1x1 convolution from the decoder's channels to `channels` before φ0 and φ1: the paper's Q
            has 128 channels where its decoder ends with 512, so something must stand between. False lets φ0
            and φ1 do it.
    """

    project: bool = True


@dataclass(frozen=True, kw_only=True)
class MatchingConfig:
    """Settings of the panoptic matching loss; see `intarsia.losses.panoptic_matching_loss`.

    Attributes:
        weight: Of the loss; 0 to train without it (models A, C1 and C2 of the paper).
        detections: "predicted", or "true": boxes of the truth with score 1, as UPSNet trains.
        max_detections: The surest ones of an image that the loss sees; the paper does not tell.
        keep_truth: Share of the true boxes that are kept, drawn anew each time; UPSNet has 0.7.
        min_iou: Least IoU of the boxes of a match; one half, as for a match of panoptic quality.
        matching: "optimal" or "greedy".
        unmatched_detections: "keep" them as negatives, or "drop".
        unmatched_truth: "ignore" its pixels, or call them "void" (variant A alone has such a channel).
        normalisation: P as logits ("softmax") or as shares of their "sum".
        sharpness: What P is multiplied by before the softmax, at the start; it is learnt. Among 100
            detections a potential of 1 against zeros has a softmax of 3 % with 1 and of 99.6 % with 10.
    """

    weight: float = 1.0
    detections: Literal["predicted", "true"] = "predicted"
    max_detections: int = 100
    keep_truth: float = 1.0
    min_iou: float = 0.5
    matching: Matching = "optimal"
    unmatched_detections: Literal["keep", "drop"] = "keep"
    unmatched_truth: Literal["ignore", "void"] = "ignore"
    normalisation: Normalisation = "softmax"
    sharpness: float = 10.0

    def __post_init__(self) -> None:
        check_least("matching.weight", self.weight, 0)
        for name in ("min_iou", "keep_truth"):
            if not 0 < getattr(self, name) <= 1:
                fail(f"matching.{name}", "in (0, 1]", getattr(self, name))
        check_least("matching.max_detections", self.max_detections, 1)
        if self.sharpness <= 0:
            fail("matching.sharpness", "above 0", self.sharpness)


class PanopticHead(nn.Module):
    """From semantics, detections and affinity features of one image to its panoptic map as logits.

    Source: Li, Qi and Torr 2020, section 3.4. The sharpness is ours.

    Example:
        >>> settings = PotentialConfig(), AffinityConfig(channels=4), MatchingConfig()
        >>> head = PanopticHead(*settings, channels_in=8, stuff=(1,), stride=4)
        >>> from intarsia.nets import true_detections
        >>> truth = true_detections(torch.tensor([[0.0, 0, 8, 8]]), torch.tensor([0]))
        >>> head(torch.zeros(2, 3, 5), torch.zeros(4, 3, 5), truth).shape
        torch.Size([2, 3, 5])
    """

    stuff: Tensor

    def __init__(
        self,
        potential: PotentialConfig,
        affinity: AffinityConfig,
        matching: MatchingConfig,
        *,
        channels_in: int,
        stuff: tuple[int, ...],
        stride: int,
    ) -> None:
        """Build what is learnt: the projection, φ0, φ1, the gain and the sharpness.

        Raises:
            ValueError: Unmatched truth shall be void in a variant without void, or P shall be divided by its
                sum where it may be negative.
        """
        super().__init__()
        if matching.unmatched_truth == "void" and potential.variant != "A":
            fail("matching.unmatched_truth", "'ignore' without variant A", "'void'")
        if matching.normalisation == "sum" and potential.variant == "A":
            fail("matching.normalisation", "'softmax' in variant A, which has logits", "'sum'")
        # settings and the channels of stuff
        self.potential, self.matching, self.stride = potential, matching, stride
        self.register_buffer("stuff", torch.tensor(stuff, dtype=torch.long), persistent=False)
        # affinities: from the features themselves, or a projection of them
        rank = affinity.channels
        self.project = nn.Conv2d(channels_in, rank, 1) if rank and affinity.project else None
        self.affinity = None
        if rank:
            self.affinity = DenseInstanceAffinity(affinity, rank if affinity.project else channels_in)
        # a softmax needs a sharpness, which is learned
        learns = matching.weight and matching.normalisation == "softmax"
        self.log_sharpness = nn.Parameter(torch.tensor(matching.sharpness).log()) if learns else None

    def features(self, decoded: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Q of a batch from its decoder's map."""
        return decoded if self.project is None else self.project(decoded)

    def forward(
        self,
        semantic_logits: Float[Tensor, "k h w"],
        features: Float[Tensor, "c h w"] | None,
        detections: Detections[Tensor],
    ) -> Float[Tensor, "s h w"]:
        """P: a channel for each stuff category, one for each detection, and in variant A one for void."""
        potentials = dynamic_potential(
            semantic_logits.float(),
            detections.boxes,
            detections.mask_logits,
            categories=detections.categories,
            scores=detections.scores,
            stuff=self.stuff,
            variant=self.potential.variant,
            stuff_score=self.potential.stuff_score,
            stride=self.stride,
        )
        if self.affinity is None or features is None:
            return potentials
        with torch.autocast(potentials.device.type, enabled=False):
            return self.affinity(features.float(), potentials)

    def loss(
        self,
        panoptic: Sequence[Float[Tensor, "_ h w"]],
        semantic: Int64[Tensor, "b h w"],
        instances: Int64[Tensor, "b h w"],
        *,
        detections: Sequence[Detections[Tensor]],
        truth: Sequence[Detections[Tensor]],
    ) -> Float[Tensor, " b"]:
        """The panoptic matching loss of each image, without its weight."""
        settings = self.matching
        # whose channel each true instance is
        matches = [
            match_detections(
                image.boxes,
                true.boxes,
                categories=image.categories,
                true_categories=true.categories,
                min_iou=settings.min_iou,
                matching=settings.matching,
            )
            for image, true in zip(detections, truth, strict=True)
        ]
        # a cross-entropy over the channels that are left
        factor = 1 if self.log_sharpness is None else self.log_sharpness.exp()
        return panoptic_matching_loss(
            [logits * factor for logits in panoptic],
            semantic,
            instances,
            match=matches,
            stuff=self.stuff,
            unmatched_detections=settings.unmatched_detections,
            unmatched_truth=settings.unmatched_truth,
            normalisation=settings.normalisation,
        )

    def sample_truth(self, truth: Detections[Tensor]) -> Detections[Tensor]:
        """Some of the true boxes, as `keep_truth` says."""
        share = self.matching.keep_truth
        return truth if share == 1 else truth.select(torch.rand_like(truth.scores) < share)
