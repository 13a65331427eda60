"""What prediction needs to know about a network besides its weights; saved with it, read without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intarsia._check import fail, nearest
from intarsia.configs import from_dict, to_dict
from intarsia.decoding.centers import CenterDecoder
from intarsia.decoding.cut import CutDecoder
from intarsia.decoding.decoder import AbstractDecoder
from intarsia.decoding.mean_shift import EmbeddingDecoder
from intarsia.decoding.merge import MergeDecoder
from intarsia.decoding.panoptic_logits import PanopticLogitsDecoder
from intarsia.decoding.seeds import SeedDecoder
from intarsia.runtime.tiles import TilingConfig

__all__ = ["DECODERS", "NetworkSpec", "spec_from_dict", "spec_to_dict"]

DECODERS: dict[str, type[AbstractDecoder]] = {
    "centers": CenterDecoder,
    "cut": CutDecoder,
    "embeddings": EmbeddingDecoder,
    "merge": MergeDecoder,
    "panoptic_logits": PanopticLogitsDecoder,
    "seeds": SeedDecoder,
}
"""The decoders that a saved model may name."""


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """How images go into a network and what its answers mean.

    Attributes:
        stride: Pixels between neighbours on the grid of its answers.
        align_px: Images are padded at the bottom and at the right to a multiple of this.
        fill: What they are padded with: red, green, blue in [0, 1].
        stretch: Whether the brightness is stretched first; see `runtime.images.Contrast`.
        tiling: How large images are predicted; None for a network that must see the whole.
        positions: Answers whose first two channels are a place in the image, row and column, and in how many
            pixels it is counted: what is computed of a tile is moved by the tile's place.
        diameter_px: How large things were in training; see `runtime.diameter`. None where that is not known.
    """

    stride: int
    align_px: int
    fill: tuple[float, ...] = (0.5, 0.5, 0.5)
    stretch: bool = False
    tiling: TilingConfig | None = field(default_factory=TilingConfig)
    positions: Mapping[str, float] = field(default_factory=dict)
    diameter_px: float | None = None


def spec_to_dict(spec: NetworkSpec, decoder: AbstractDecoder) -> dict[str, Any]:
    """Both as plain values for JSON."""
    kind = next(name for name, decoder_type in DECODERS.items() if type(decoder) is decoder_type)
    return {**to_dict(spec), "decoder": {"kind": kind, "settings": to_dict(decoder)}}


def spec_from_dict(values: Mapping[str, Any]) -> tuple[NetworkSpec, AbstractDecoder]:
    """What `spec_to_dict` took apart.

    Raises:
        ValueError: A key or value is unknown, or the decoder is.
    """
    values = dict(values)
    decoder, positions = values.pop("decoder", None), values.pop("positions", {})
    if not isinstance(decoder, Mapping) or decoder.get("kind") not in DECODERS:
        kind = decoder.get("kind") if isinstance(decoder, Mapping) else decoder
        fail("decoder", "one that this version knows", repr(kind), hint=nearest(str(kind), DECODERS))
    plain = {name: float(pixels) for name, pixels in positions.items()}
    spec = NetworkSpec(**vars(from_dict(_Plain, values)), positions=plain)
    return spec, from_dict(DECODERS[decoder["kind"]], decoder["settings"])


@dataclass(frozen=True, kw_only=True)
class _Plain:
    """The fields of `NetworkSpec` that `configs` restores."""

    stride: int
    align_px: int
    fill: tuple[float, ...]
    stretch: bool
    tiling: TilingConfig | None
    diameter_px: float | None = None
