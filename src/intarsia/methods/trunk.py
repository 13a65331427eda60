"""Settings of what several methods stand on: a backbone, a decoder, and semantics beside the instances."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from intarsia.methods.semantic import SemanticLossConfig
from intarsia.nets import BackboneConfig, DecoderConfig

__all__ = ["TrunkConfig"]


@dataclass(frozen=True, kw_only=True)
class TrunkConfig:
    """What methods share that tell instances apart on the grid of one decoder; each adds its own heads.

    Attributes:
        backbone: The network with pretrained weights.
        decoder: What brings its features to one grid.
        separate_decoders: A decoder for the instances beside the one for semantics, as in the papers.
        semantic_depth: Convolutions of the semantic head before its last one; 1, since the decoder has
            convolutions of its own.
        semantic_loss: Loss of the semantic head.
    """

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    separate_decoders: bool = False
    semantic_depth: int = 1
    semantic_loss: SemanticLossConfig = field(default_factory=SemanticLossConfig)

    @property
    def trunk(self) -> dict[str, Any]:
        """These settings by their names, to compare other heads on the same trunk."""
        return {entry.name: getattr(self, entry.name) for entry in fields(TrunkConfig)}
