"""Dense instance affinity: every pixel hears from all others of its instance, at linear cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import elu

from intarsia._check import check_least, fail

__all__ = ["DenseInstanceAffinity", "InstanceAffinityConfig"]


@dataclass(frozen=True, kw_only=True)
class InstanceAffinityConfig:
    """Settings of `DenseInstanceAffinity`.

    Attributes:
        channels: Rank of the affinities; 128, the paper's.
        activation: Of φ0 and φ1, which the paper does not name; see `DenseInstanceAffinity`.
        tied: One convolution for φ0 and φ1.
        gain: What the factor of the correction starts from; 0 starts as if there were no affinities.
        iterations: How many times P takes the place of Ψ and is corrected again; 1 in the paper.
    """

    channels: int = 128
    activation: Literal["softmax", "relu", "sigmoid", "elu"] = "softmax"
    tied: bool = False
    gain: float = 1.0
    iterations: int = 1

    def __post_init__(self) -> None:
        check_least("affinity.channels", self.channels, 0)
        check_least("affinity.iterations", self.iterations, 1)


class DenseInstanceAffinity(nn.Module):
    """P = Ψ + g φ0(Q) (φ1(Q)ᵀ Ψ): the potentials, corrected by what alike pixels elsewhere say.

    φ0(Q) φ1(Q)ᵀ is the affinity of each of n pixels to each other one; read from the right, the product costs
    n c s and the n x n matrix never exists.

    The paper does not name the activation of φ0 and φ1. With "softmax", φ0 over the channels and φ1 over the
    pixels, the affinities of a pixel sum to 1 (as in Shen et al. 2018, whom the paper follows), so that the
    correction has the scale of Ψ whatever the size of the image; it is the default. Each of c channels is
    then a soft region of the image, and a pixel hears the mean of its regions. "relu" and "sigmoid" are
    divided by the number of pixels; "elu" is elu + 1, with rows made to sum to 1.

    Source: Li, Qi and Torr 2020, eq. (3), (4). The gain g, learnt from `config.gain` on, is ours.

    Example:
        >>> affinity = DenseInstanceAffinity(InstanceAffinityConfig(channels=4), 8)
        >>> potentials = torch.ones(2, 3, 5)
        >>> float(affinity(torch.randn(8, 3, 5), potentials).mean().detach().round(decimals=4))  # 1 + 1
        2.0
    """

    def __init__(self, config: InstanceAffinityConfig, channels_in: int) -> None:
        """Build φ0 and φ1, each a 1x1 convolution, on affinity features Q of so many channels."""
        super().__init__()
        self.config = config
        self.key = nn.Linear(channels_in, config.channels)
        self.query = self.key if config.tied else nn.Linear(channels_in, config.channels)
        self.gain = nn.Parameter(torch.tensor(float(config.gain)))

    def forward(
        self, features: Float[Tensor, "c h w"], potentials: Float[Tensor, "s h w"]
    ) -> Float[Tensor, "s h w"]:
        """P of one image from its Q and Ψ."""
        pixels = features.flatten(1).T.to(self.key.weight.dtype)  # n c
        key = self._key(pixels)
        query = self._query(pixels, key)
        values = potentials.flatten(1).to(query.dtype)  # s n
        for _ in range(self.config.iterations):
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
        if self.config.activation == "softmax":
            return raw.softmax(dim=0)
        return _positive(raw, self.config.activation) / len(pixels)

    def _query(self, pixels: Float[Tensor, "m c"], key: Float[Tensor, "n d"]) -> Float[Tensor, "m d"]:
        raw = self.query(pixels)
        if self.config.activation == "softmax":
            return raw.softmax(dim=1)
        query = _positive(raw, self.config.activation)
        if self.config.activation != "elu":
            return query
        return query / (query @ key.sum(dim=0))[:, None].clamp(min=1e-12)


def _positive(raw: Tensor, activation: str) -> Tensor:
    if activation == "elu":
        return elu(raw) + 1
    return raw.relu() if activation == "relu" else raw.sigmoid()
