"""Settings of unified panoptic segmentation."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import ClassVar, Literal

from intarsia._check import check_least, fail
from intarsia.decoding.merge import MergeConfig
from intarsia.methods.semantic import SemanticLossConfig
from intarsia.nets import BackboneConfig, DetectionConfig, SharedDecoderConfig
from intarsia.nets.panoptic_head import AffinityConfig, MatchingConfig, PotentialConfig
from intarsia.nets.top_context import TopContext

__all__ = ["InferenceConfig", "PyramidConfig", "UnifiedConfig"]


@dataclass(frozen=True, kw_only=True)
class PyramidConfig:
    """Settings of the feature pyramid.

    Attributes:
        width: Channels of each level; 256 is that of the paper on feature pyramids.
        top_context: "squeeze" scales the channels of the backbone's last features by what their means say,
            "average" adds their mean (UPSNet's way), "none" does neither. Li et al. say "a
            squeeze-and-excitation operation" and point to UPSNet, whose way is the other one.
    """

    width: int = 256
    top_context: TopContext = "squeeze"

    def __post_init__(self) -> None:
        check_least("pyramid.width", self.width, 1)


@dataclass(frozen=True, kw_only=True)
class InferenceConfig(MergeConfig):
    """Settings of decoding: those of the merge by rules, of which the argmax takes two.

    The paper takes detections from 0.5 on for Cityscapes and from 0.75 on for COCO. It trims stuff for its
    tables, but does not tell at how many pixels; UPSNet does at 2048 for Cityscapes and 4096 for COCO.

    Attributes:
        rule: "argmax" of the panoptic logits (models A, B, C2 and D2 of the paper), or "merge" of masks and
            semantics by rules (C1 and D1). `max_overlap` is for the merge alone.
        min_stuff_px: As of the merge; 1, so that nothing is trimmed.
    """

    group: ClassVar[str] = "inference"
    rule: Literal["argmax", "merge"] = "argmax"
    min_stuff_px: int = 1

    @property
    def rules(self) -> MergeConfig:
        """The settings that only the merge by rules has."""
        return MergeConfig(**{entry.name: getattr(self, entry.name) for entry in fields(MergeConfig)})


@dataclass(frozen=True, kw_only=True)
class UnifiedConfig:
    """Settings of `UnifiedPanoptic`.

    Attributes:
        backbone: The network with pretrained weights.
        pyramid: The feature pyramid on it.
        decoder: From the pyramid to the map for semantics, and, with weights of its own, for affinities.
        semantic_loss: Loss of the semantic head.
        detection: Boxes, with masks or without.
        potential: How semantics and detections become potentials.
        affinity: How potentials are corrected.
        matching: The panoptic matching loss.
        inference: From panoptic logits to the map.
    """

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    pyramid: PyramidConfig = field(default_factory=PyramidConfig)
    decoder: SharedDecoderConfig = field(default_factory=SharedDecoderConfig)
    semantic_loss: SemanticLossConfig = field(default_factory=SemanticLossConfig)
    detection: DetectionConfig = field(default_factory=DetectionConfig)
    potential: PotentialConfig = field(default_factory=PotentialConfig)
    affinity: AffinityConfig = field(default_factory=AffinityConfig)
    matching: MatchingConfig = field(default_factory=MatchingConfig)
    inference: InferenceConfig = field(default_factory=InferenceConfig)

    def __post_init__(self) -> None:
        if self.inference.rule == "merge" and not self.detection.masks:
            fail("inference.rule", "'argmax' without masks", "'merge'")
