"""Dense instance affinity: every pixel hears from all others of its instance, at linear cost."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import elu

from intarsia._check import fail

__all__ = ["AffinityActivation", "DenseInstanceAffinity"]

AffinityActivation = Literal["softmax", "relu", "sigmoid", "elu"]


class DenseInstanceAffinity(nn.Module):
    """P = Ψ + g φ0(Q) (φ1(Q)ᵀ Ψ): the potentials, corrected by what alike pixels elsewhere say.

    φ0(Q) φ1(Q)ᵀ is the affinity of each of n pixels to each other one; read from the right, the product costs
    n c s and the n x n matrix never exists.

    The paper does not name the activation of φ0 and φ1. With "softmax", φ0 over the channels and φ1 over the
    pixels, the affinities of a pixel sum to 1 (as in Shen et al. 2018, whom the paper follows), so that the
    correction has the scale of Ψ whatever the size of the image; it is the default. Each of c channels is
    then a soft region of the image, and a pixel hears the mean of its regions. "relu" and "sigmoid" are
    divided by the number of pixels; "elu" is elu + 1, with rows made to sum to 1.

    Source: Li, Qi and Torr 2020, eq. (3), (4). The gain g, learnt from `gain` on, is ours.

    Example:
        >>> affinity = DenseInstanceAffinity(8, 4)
        >>> potentials = torch.ones(2, 3, 5)
        >>> float(affinity(torch.randn(8, 3, 5), potentials).mean().detach().round(decimals=4))  # 1 + 1
        2.0
    """

    def __init__(
        self,
        channels_in: int,
        channels: int = 128,
        *,
        activation: AffinityActivation = "softmax",
        tied: bool = False,
        gain: float = 1.0,
        iterations: int = 1,
    ) -> None:
        """Build φ0 and φ1, each a 1x1 convolution.

        Args:
            channels_in: Channels of the affinity features Q.
            channels: c, the rank of the affinities.
            activation: "softmax", "relu", "sigmoid" or "elu".
            tied: One convolution for both.
            gain: What g starts from; 0 starts as if there were no affinities.
            iterations: How many times P takes the place of Ψ and is corrected again; 1 in the paper.

        Raises:
            ValueError: There is no iteration.
        """
        super().__init__()
        if iterations < 1:
            fail("affinity.iterations", "1 or more", iterations)
        self.activation: AffinityActivation = activation
        self.iterations = iterations
        self.key = nn.Linear(channels_in, channels)
        self.query = self.key if tied else nn.Linear(channels_in, channels)
        self.gain = nn.Parameter(torch.tensor(float(gain)))

    def forward(
        self, features: Float[Tensor, "c h w"], potentials: Float[Tensor, "s h w"]
    ) -> Float[Tensor, "s h w"]:
        """P of one image from its Q and Ψ."""
        pixels = features.flatten(1).T.to(self.key.weight.dtype)  # n c
        key = self._key(pixels)
        query = self._query(pixels, key)
        values = potentials.flatten(1).to(query.dtype)  # s n
        for _ in range(self.iterations):
            values = torch.addmm(values, torch.mm(values, key) * self.gain, query.T)
        return values.view(potentials.shape)

    def affinity_map(self, features: Float[Tensor, "c h w"], pixel: tuple[int, int]) -> Float[Tensor, "h w"]:
        """The affinities of one pixel to all: its row of φ0(Q) φ1(Q)ᵀ, without the gain.

        Args:
            features: Q of one image.
            pixel: Row and column on the grid.

        Raises:
            ValueError: The pixel is not on the grid.
        """
        height, width = features.shape[1:]
        if not (0 <= pixel[0] < height and 0 <= pixel[1] < width):
            fail("pixel", f"on the grid of {height}x{width}", pixel)
        pixels = features.flatten(1).T.to(self.key.weight.dtype)  # n c
        at = pixel[0] * width + pixel[1]
        key = self._key(pixels)
        query = self._query(pixels[at : at + 1], key)  # 1 c
        return (key @ query[0]).view(height, width)

    def _key(self, pixels: Float[Tensor, "n c"]) -> Float[Tensor, "n d"]:
        raw = self.key(pixels)
        if self.activation == "softmax":
            return raw.softmax(dim=0)
        return _positive(raw, self.activation) / len(pixels)

    def _query(self, pixels: Float[Tensor, "m c"], key: Float[Tensor, "n d"]) -> Float[Tensor, "m d"]:
        raw = self.query(pixels)
        if self.activation == "softmax":
            return raw.softmax(dim=1)
        query = _positive(raw, self.activation)
        if self.activation != "elu":
            return query
        return query / (query @ key.sum(dim=0))[:, None].clamp(min=1e-12)


def _positive(raw: Tensor, activation: AffinityActivation) -> Tensor:
    if activation == "elu":
        return elu(raw) + 1
    return raw.relu() if activation == "relu" else raw.sigmoid()
