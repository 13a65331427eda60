"""Decoding of panoptic logits: the strongest of a channel for each stuff category and each detection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from intarsia.decoding.assembly import Thing, Thresholds, assembled
from intarsia.decoding.decoder import AbstractDecoder
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.upsampling import upsampled_winners
from intarsia.panoptic import VOID_INDEX, Categories, PanopticMap

__all__ = ["PanopticLogitsDecoder"]


@dataclass(frozen=True, kw_only=True)
class PanopticLogitsDecoder(AbstractDecoder):
    """The argmax of `panoptic_logits`.

    Stuff comes first, then the detections whose `categories` and `scores` are given; a channel after those is
    void.

    Attributes:
        min_stuff_px: Stuff with fewer pixels of the image becomes void.
    """

    min_stuff_px: int

    def decode(self, view: ImageView, categories: Categories) -> PanopticMap:
        """Each pixel to the channel that is largest there."""
        logits, thing_categories = view["panoptic_logits"], view["categories"]
        stuff = np.flatnonzero(~categories.is_thing)
        num_stuff, num_channels = len(stuff), len(stuff) + len(thing_categories) + 1
        semantic_of_channel = np.full(num_channels, VOID_INDEX)
        semantic_of_channel[:num_stuff] = stuff
        thing_of_channel = np.zeros(num_channels, np.int32)
        thing_of_channel[num_stuff:-1] = np.arange(1, len(thing_categories) + 1)
        if not len(logits):  # no stuff, no detection
            winners = np.full(view.size, num_channels - 1)
        else:
            winners = upsampled_winners(logits, *view.size, stride=view.stride)
        return assembled(
            semantic_of_channel[winners],
            thing_of_channel[winners],
            [Thing(int(c), float(score)) for c, score in zip(thing_categories, view["scores"], strict=True)],
            categories=categories,
            thresholds=Thresholds(min_thing_px=1, min_stuff_px=self.min_stuff_px),
        )
