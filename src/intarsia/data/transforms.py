"""Augmentation: geometry moves image and map together, maps only ever by whole pixels; colours move alone.

The parts are torchvision transforms on (Image, Mask) and mix with torchvision's own; their randomness comes
from torch's default generator.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

import intarsia._native as _native
from intarsia._check import check_least, fail
from intarsia.data.geometry import MOST_ELASTIC_PX, Crop, Elastic, QuarterTurns, Scale, ShortSide
from intarsia.data.imaging import Imaging, ImagingConfig
from intarsia.data.photometric import Photometric
from intarsia.data.sample import Sample


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How training samples vary. A size is either drawn from `short_sides` or scaled by a factor in `scale`.

    Attributes:
        short_sides: Lengths in pixels of the shorter side to draw from; empty: `scale` holds.
        max_side: No longer side than this, in pixels; only with `short_sides`.
        scale: Smallest and largest factor of height and width, drawn evenly on a log scale.
        crop: Height and width cut out, padded where the image is smaller; empty: no crop.
        rare_focus: Probability that the crop is centred on a category drawn from those shown; 0 draws the
            place evenly.
        rare_power: The chance of each of them falls with its area to this power; 0 draws evenly, 0.5 twice
            as often what covers a quarter.
        max_segment_share: Crops that show more than this of one segment, or void, are drawn again, ten times.
        flip: Probability of mirroring left and right; one half: as often as not.
        quarter_turns: Also mirror top and bottom and turn by 90 degrees, for pictures without an up.
        elastic_px: Bend the picture: how far points of a lattice move at most, in pixels; 0 is not at all.
        photometric: Strength of changes in brightness, contrast, saturation and hue; 0 is none, 1 strong.
        imaging: How likely other instruments are: inverted contrast, gamma, blur, noise, JPEG.
    """

    short_sides: tuple[int, ...] = ()
    max_side: int = 100_000
    scale: tuple[float, ...] = (0.5, 2.0)
    crop: tuple[int, ...] = (512, 512)
    rare_focus: float = 0.0
    rare_power: float = 0.0
    max_segment_share: float = 1.0
    flip: float = 0.5
    quarter_turns: bool = False
    elastic_px: float = 0.0
    photometric: float = 0.5
    imaging: ImagingConfig = field(default_factory=ImagingConfig)

    def __post_init__(self) -> None:
        """Refuse values that make no transform."""
        if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1]:
            fail("scale", "the smallest and the largest factor", self.scale)
        if len(self.crop) not in (0, 2) or any(side < 1 for side in self.crop):
            fail("crop", "a height and a width in pixels, or empty", self.crop)
        if any(side < 1 for side in self.short_sides):
            fail("short_sides", "positive lengths in pixels", self.short_sides)
        for name in ("rare_focus", "max_segment_share", "flip", "photometric"):
            if not 0 <= getattr(self, name) <= 1:
                fail(name, "in [0, 1]", getattr(self, name))
        check_least("rare_power", self.rare_power, 0)
        if not 0 <= self.elastic_px <= MOST_ELASTIC_PX:
            fail("elastic_px", f"pixels from 0 to {MOST_ELASTIC_PX:g}", self.elastic_px)


class SampleTransform:
    """A torchvision transform of image and mask for samples; segments that lose all pixels are dropped."""

    def __init__(self, transform: v2.Transform) -> None:
        self.transform = transform

    def __call__(self, sample: Sample) -> Sample:
        """The transformed sample."""
        image, ids, segments = self.transform(
            tv_tensors.Image(sample.image), tv_tensors.Mask(sample.ids), sample.segments
        )
        ids = ids.as_subclass(Tensor).contiguous()
        visible = set(_native.count_ids(ids.numpy())[:, 0].tolist())
        kept = tuple(segment for segment in segments if segment.id in visible)
        return Sample(image.as_subclass(Tensor).contiguous(), ids, kept, sample.name)


def train_transform(config: Augmentation) -> SampleTransform:
    """The transform of a training sample that the config describes.

    Example:
        >>> import torch; from intarsia.panoptic import Segment
        >>> ids = torch.ones(4, 6, dtype=torch.int32)
        >>> sample = Sample(torch.zeros(3, 4, 6, dtype=torch.uint8), ids, (Segment(1, 7),), "a.png")
        >>> train_transform(Augmentation(crop=(8, 8)))(sample).size
        (8, 8)
    """
    # first the size of what is seen
    parts: list[v2.Transform] = []
    if config.short_sides:
        parts.append(ShortSide(config.short_sides, max_side=config.max_side))
    elif config.scale != (1.0, 1.0):
        parts.append(Scale(*config.scale))
    # then its place and direction
    if config.crop:
        crop = Crop(
            config.crop,
            rare_focus=config.rare_focus,
            rare_power=config.rare_power,
            max_segment_share=config.max_segment_share,
        )
        parts.append(crop)
    parts.append(v2.RandomHorizontalFlip(config.flip))
    if config.quarter_turns:
        parts.append(QuarterTurns())
    if config.elastic_px:
        parts.append(Elastic(config.elastic_px))
    # colours come last, and alone
    if config.photometric:
        parts.append(Photometric(config.photometric))
    if not config.imaging.is_none:
        parts.append(Imaging(config.imaging))
    return SampleTransform(v2.Compose(parts))


def evaluation_transform(*, short_side: int, max_side: int = 100_000) -> SampleTransform:
    """Bring every sample to one length of the shorter side, without randomness.

    Args:
        short_side: Of every sample, in pixels.
        max_side: Longest other side in pixels, for which the short one stays below its length; longer than
            any image unless told.
    """
    return SampleTransform(v2.Compose([ShortSide((short_side,), max_side=max_side)]))
