"""The cut as a layer of a network: segments forwards, gradients of its costs backwards."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia._check import check_least
from intarsia.layers._cut_operators import cut_masks, cut_segments
from intarsia.layers.panoptic_masks import PanopticMasks, PanopticTruth
from intarsia.layers.perturbation import CutGrid, Perturbation, draw_steps


class CutLayer(nn.Module):
    """Cut each image of a batch; a loss on the masks of its segments gives gradients of the costs.

    The cut is piecewise constant, so the gradient is that of an interpolation: solve again with lambda dL/dz
    added to the costs of each segment, and see what changes,
        dL/dc_V = (x_lambda - x) / lambda,   dL/dc_E = (y_lambda - y) / lambda,
    averaged over several lambda drawn from an interval. The costs that are perturbed are those of a multiway
    cut with one label a segment, since the loss speaks of segments and the costs of classes. All perturbed
    problems of a batch are solved in parallel threads, each from the forward solution.

    It is made of operators that `torch.compile` takes as they are. How many segments an image has is known
    only when it is cut: for one graph without a break, set
    `torch._dynamo.config.capture_dynamic_output_shape_ops = True`.

    For losses on classes and cut indicators instead of segments, see `CutIndicatorLayer`.

    Source: Abbas and Swoboda 2021 (COPS), eq. (3), (4) and Algorithm 1, with W(c) for the misprint W(y) in
    eq. (3). That void pixels and edges get no gradient, and that segments of a few pixels get no mask, is
    their released code. Searching from the forward solution is ours.

    Attributes:
        random_state: Of the generator that draws lambda, on the CPU. It is the only state the layer has; give
            each process of a distributed run its own seed.

    Args:
        offsets: (rows, columns) from a pixel to its neighbour, one a plane of the affinity costs.
        splittable: Which classes form several segments (things); one flag a class.
        perturbation: How many lambda, and from where.
        solver: Of the forward cut, as in `intarsia.cut.solve`.
        refine: As in `intarsia.cut.solve`: local search on top.
        min_size: Segments of splittable classes with fewer points of the grid have no mask and are not
            perturbed; 3, as in the released code.
        threads: How many problems at a time; None for one a core. The result does not depend on it.
        seed: Of the generator; 0, as every seed will do.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> layer = CutLayer([(0, 1)], [False, False], perturbation=Perturbation(lowest=0.5, highest=0.5))
        >>> node_costs = torch.tensor([[[[0.0, 0.0]], [[1.0, 0.4]]]], requires_grad=True)
        >>> masks = layer(node_costs, torch.tensor([[[[0.5, 0.0]]]])).masks[0]
        >>> (2 * masks[0, 0, 1]).backward()    # if it cost 2 to keep pixel 1 in the one segment, ...
        >>> node_costs.grad[0, :, 0].tolist()  # ... it would change its class
        [[0.0, -2.0], [0.0, 2.0]]
    """

    def __init__(
        self,
        offsets: Sequence[tuple[int, int]],
        splittable: Sequence[bool],
        *,
        perturbation: Perturbation = Perturbation(),  # noqa: B008 (frozen)
        solver: str = "greedy",
        refine: bool = False,
        min_size: int = 3,
        threads: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_least("min_size", min_size, 1)
        grid = CutGrid(offsets, splittable, threads)
        self.offsets, self.splittable, self.threads = grid.flat_offsets, grid.flags.tolist(), threads or 0
        self.perturbation, self.min_size = perturbation, min_size
        self.solver, self.refine = solver, refine
        self.random_state = torch.Generator().manual_seed(seed).get_state()

    def forward(
        self,
        node_costs: Float[Tensor, "b k h w"],
        affinity_costs: Float[Tensor, "b o h w"],
        *,
        truth: PanopticTruth | None = None,
        loss_scale: float = 1.0,
    ) -> PanopticMasks:
        """Segments of each image, beside the true segments if these are given.

        Args:
            node_costs: c_V, on any device and in any precision; solved in float32 on the CPU.
            affinity_costs: c_E; positive attracts.
            truth: On the same grid.
            loss_scale: What the loss is multiplied with before `backward`, as by a gradient scaler or for
                gradient accumulation: lambda multiplies the gradient of the loss without it.

        Raises:
            ValueError: If costs are not finite or shapes do not fit.
        """
        settings = (self.offsets, self.splittable)
        start, true_segments, labels, clusters, class_of, matches, categories = cut_segments(
            node_costs,
            affinity_costs,
            None if truth is None else truth.semantic,
            None if truth is None else truth.instances,
            *settings,
            self.solver,
            self.refine,
            self.min_size,
            self.threads,
        )
        # the masks carry the gradient: behind them stand cuts of perturbed costs
        p = self.perturbation
        steps = draw_steps(self.random_state, len(node_costs), p.num_samples, p.lowest, p.highest)
        segments = (start, true_segments, class_of, matches)
        masks = cut_masks(node_costs, affinity_costs, *segments, steps, loss_scale, *settings, self.threads)
        # the true segment that each mask was matched with
        ids = true_segments.to(node_costs.device)
        matched = [of.to(node_costs.device)[:, None, None] for of in matches]
        return PanopticMasks(
            masks=tuple(masks),
            truth=tuple((true == of) & (of >= 0) for true, of in zip(ids, matched, strict=True)),
            categories=tuple(categories),
            valid=ids >= 0,
            labels=labels,
            clusters=clusters,
        )

    def extra_repr(self) -> str:
        """What torch prints between the parentheses."""
        offsets = list(zip(self.offsets[::2], self.offsets[1::2], strict=True))
        p = self.perturbation
        steps = f"{p.num_samples} lambda in [{p.lowest}, {p.highest}]"
        return f"offsets={offsets}, {steps}, solver={self.solver!r}, refine={self.refine}"
