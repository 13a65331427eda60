"""A network that sees each image at several scales and says one thing of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32
from PIL import Image

from intarsia.decoding.scales import Merge, Scales
from intarsia.runtime.network import AbstractNetwork

__all__ = ["ScaledNetwork"]


class ScaledNetwork(AbstractNetwork):
    """Another network, asked once a scale, for the decoder that `AbstractDecoder.at_scales` gives."""

    def __init__(self, network: AbstractNetwork, scales: Scales, merge: Merge) -> None:
        """Keep what is asked.

        Args:
            network: What sees the enlarged images.
            scales: By what they are enlarged.
            merge: What makes one answer of those at all scales: `merge_looks` of the network's own decoder.
        """
        self._network, self._scales, self._merge = network, scales, merge
        self.stride, self.max_batch = network.stride, network.max_batch

    @property
    def device(self) -> str:
        """Of the network that is asked."""
        return self._network.device

    @property
    def description(self) -> str:
        """Of the network that is asked."""
        return self._network.description

    def release(self) -> None:
        """Of the network that is asked."""
        self._network.release()

    def arrays(self, images: Float32[np.ndarray, "b 3 H W"]) -> Mapping[str, np.ndarray]:
        """What `merge` makes of the answers."""
        return self._merge(
            {scale: self._network.arrays(_larger_images(images, scale)) for scale in self._scales}
        )


def _larger_images(images: Float32[np.ndarray, "b 3 H W"], scale: int) -> Float32[np.ndarray, "b 3 kH kW"]:
    """Bicubic, as a rescaled picture is."""
    if scale == 1:
        return images
    height, width = images.shape[2:]
    larger = np.empty((*images.shape[:2], height * scale, width * scale), np.float32)
    for planes, large_planes in zip(images, larger, strict=True):
        for plane, large in zip(planes, large_planes, strict=True):
            large[:] = Image.fromarray(plane).resize(
                (width * scale, height * scale), Image.Resampling.BICUBIC
            )
    return larger
