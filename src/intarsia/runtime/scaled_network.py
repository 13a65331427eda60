"""A network that is shown images enlarged, and answers on the grid of the images as they are."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32
from PIL import Image

from intarsia.decoding.scales import block_mean
from intarsia.runtime.network import AbstractNetwork

__all__ = ["ScaledNetwork"]


class ScaledNetwork(AbstractNetwork):
    """One look of several at a picture: the answer at each point is the mean over its k x k enlarged ones."""

    def __init__(self, network: AbstractNetwork, scale: int) -> None:
        """Keep what is asked.

        Args:
            network: What sees the enlarged images.
            scale: By how many times they are enlarged.
        """
        self._network, self._scale = network, scale
        self.stride, self.max_batch = network.stride, network.max_batch

    @property
    def device(self) -> str:
        """Of the network that is asked."""
        return self._network.device

    @property
    def description(self) -> str:
        """Of the network that is asked, and how it is."""
        return f"{self._network.description}, of images {self._scale} times their size"

    def release(self) -> None:
        """Of the network that is asked."""
        self._network.release()

    def arrays(self, images: Float32[np.ndarray, "b 3 H W"]) -> dict[str, np.ndarray]:
        """The answers to the enlarged images."""
        answers = self._network.arrays(_larger_images(images, self._scale))
        return {name: block_mean(array, self._scale) for name, array in answers.items()}


def _larger_images(images: Float32[np.ndarray, "b 3 H W"], scale: int) -> Float32[np.ndarray, "b 3 kH kW"]:
    """Bicubic, as a rescaled picture is."""
    height, width = images.shape[2] * scale, images.shape[3] * scale
    larger = np.empty((*images.shape[:2], height, width), np.float32)
    for place in np.ndindex(images.shape[:2]):
        plane = Image.fromarray(images[place])
        larger[place] = np.asarray(plane.resize((width, height), Image.Resampling.BICUBIC))
    return larger
