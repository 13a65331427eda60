"""From logits to the costs of a cut, by a few numbers that may be learned."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["CutCosts"]


class CutCosts(nn.Module):
    """Node and affinity costs of logits: c_V = b - a logit, c_E = |a| logit + b.

    At the start a is 1 and b 0: the costs are log-odds. How much an affinity should count beside the
    categories is not known before the cut, so that a and b are learned through it.

    Source: Abbas and Swoboda 2021 (COPS), released code. There b of the nodes is one number, which changes no
    cut; one a category, and one a and b for each offset, are ours.

    Example:
        >>> costs = CutCosts(num_classes=1, num_offsets=1)
        >>> nodes, edges = costs(torch.full((1, 1, 1, 1), 2.0), torch.full((1, 1, 1, 1), 3.0))
        >>> nodes.item(), edges.item()
        (-2.0, 3.0)
    """

    def __init__(self, num_classes: int, num_offsets: int) -> None:
        """Start with the logits themselves."""
        super().__init__()
        self.node_scale = nn.Parameter(torch.ones(()))
        self.node_offset = nn.Parameter(torch.zeros(num_classes))
        self.affinity_scale = nn.Parameter(torch.ones(num_offsets))
        self.affinity_offset = nn.Parameter(torch.zeros(num_offsets))

    def forward(
        self, semantic_logits: Float[Tensor, "b k h w"], affinity_logits: Float[Tensor, "b o h w"]
    ) -> tuple[Float[Tensor, "b k h w"], Float[Tensor, "b o h w"]]:
        """c_V and c_E, in float32."""
        with torch.autocast(semantic_logits.device.type, enabled=False):
            nodes = self.node_offset[:, None, None] - self.node_scale * semantic_logits.float()
            scale, offset = self.affinity_scale.abs(), self.affinity_offset
            edges = scale[:, None, None] * affinity_logits.float() + offset[:, None, None]
        return nodes, edges
