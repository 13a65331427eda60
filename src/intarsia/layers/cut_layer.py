"""The cut as a layer of a network: segments forwards, gradients of its costs backwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia._check import fail
from intarsia.cut import GridProblem, solve_batch
from intarsia.layers.lifted_cut import LiftedCut
from intarsia.layers.panoptic_masks import PanopticMasks, PanopticTruth, TrueSegments, one_hot_masks
from intarsia.layers.perturbation import CutGrid, Perturbation, as_float32


class CutLayer(nn.Module):
    """Cut each image of a batch; a loss on the masks of its segments gives gradients of the costs.

    The cut is piecewise constant, so the gradient is that of an interpolation: solve again with lambda dL/dz
    added to the costs of each segment, and see what changes,
        dL/dc_V = (x_lambda - x) / lambda,   dL/dc_E = (y_lambda - y) / lambda,
    averaged over several lambda drawn from an interval. The costs that are perturbed are those of a multiway
    cut with one label a segment, since the loss speaks of segments and the costs of classes. All perturbed
    problems of a batch are solved in parallel threads, each from the forward solution.

    For losses on classes and cut indicators instead of segments, see `CutIndicatorLayer`.

    Source: Abbas and Swoboda 2021 (COPS), eq. (3), (4) and Algorithm 1, with W(c) for the misprint W(y) in
    eq. (3). That void pixels and edges get no gradient, and that segments of a few pixels get no mask, is
    their released code. Searching from the forward solution is ours.

    Attributes:
        generator: Draws lambda, on the CPU. Its state is the only one the layer has; give each process of a
            distributed run its own seed.

    Args:
        offsets: (rows, columns) from a pixel to its neighbour, one a plane of the affinity costs.
        splittable: Which classes form several segments (things); one flag a class.
        perturbation: How many lambda, and from where.
        solver: Of the forward cut, as in `intarsia.cut.solve`.
        refine: Likewise.
        min_size: Segments of splittable classes with fewer pixels have no mask and are not perturbed.
        threads: How many problems at a time; None for one a core. The result does not depend on it.
        seed: Of the generator.

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
        if min_size < 1:
            fail("min_size", "at least 1", min_size)
        self.grid = CutGrid(offsets, splittable, threads)
        self.perturbation, self.min_size = perturbation, min_size
        self.solver, self.refine = solver, refine
        self.generator = torch.Generator().manual_seed(seed)

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
        problems = self.grid.problems(node_costs, affinity_costs)
        true_segments = _true_segments(truth, problems)
        cuts = solve_batch(problems, threads=self.grid.num_threads, solver=self.solver, refine=self.refine)
        sizes = [self.min_size] * len(problems)
        lifted = self.grid.map(LiftedCut.of, problems, cuts, true_segments, sizes)
        steps = self.perturbation.draw(self.generator, len(problems))
        valid = [true.segments >= 0 for true in true_segments]
        plan = _Plan(self.grid, lifted, valid, steps, float(loss_scale))
        masks = _CutMasks.apply(node_costs, affinity_costs, plan)
        return _panoptic_masks(masks, plan, true_segments)

    def extra_repr(self) -> str:
        """What torch prints between the parentheses."""
        offsets = list(self.grid.offsets)
        return f"offsets={offsets}, {self.perturbation}, solver={self.solver!r}, refine={self.refine}"


@dataclass(frozen=True, eq=False)
class _Plan:
    """What the backward pass needs besides the costs; one entry an image."""

    grid: CutGrid
    lifted: list[LiftedCut]
    valid: list[np.ndarray]
    steps: np.ndarray  # lambda
    loss_scale: float

    def gradients(
        self, problems: list[GridProblem], perturbations: list[np.ndarray]
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """dL/dc_V and dL/dc_E of each image from its dL/dz."""
        jobs = [(i, n) for i, dz in enumerate(perturbations) if dz.any() for n in range(self.steps.shape[1])]

        def solve_again(job: tuple[int, int]) -> np.ndarray:
            i, n = job
            return self.lifted[i].perturbed(problems[i], perturbations[i], float(self.steps[i, n]))

        solutions = dict(zip(jobs, self.grid.map(solve_again, jobs), strict=True))

        def compare(i: int) -> tuple[np.ndarray, np.ndarray]:
            found = [solutions[i, n] for n in range(self.steps.shape[1]) if (i, n) in solutions]
            return self.lifted[i].gradients(problems[i], found, self.steps[i], valid=self.valid[i])

        return self.grid.map(compare, range(len(problems)))


class _CutMasks(torch.autograd.Function):
    """z of every image; masks and costs are tensors, the rest is in the plan."""

    @staticmethod
    def forward(ctx: Any, node_costs: Tensor, affinity_costs: Tensor, plan: _Plan) -> tuple[Tensor, ...]:
        ctx.save_for_backward(node_costs, affinity_costs)
        ctx.plan = plan
        starts = (torch.from_numpy(image.start).to(node_costs.device) for image in plan.lifted)
        return tuple(
            one_hot_masks(start, image.num_masks).float()
            for start, image in zip(starts, plan.lifted, strict=True)
        )

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *dz: Tensor) -> tuple[Tensor, Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        costs, plan = ctx.saved_tensors, ctx.plan
        perturbations = [as_float32(gradient) / np.float32(plan.loss_scale) for gradient in dz]
        overflown = [not np.isfinite(gradient).all() for gradient in perturbations]
        known = [np.zeros_like(g) if bad else g for g, bad in zip(perturbations, overflown, strict=True)]
        pairs = plan.gradients(plan.grid.problems(*costs), known)
        nodes, edges = (
            torch.from_numpy(np.stack(arrays)) * plan.loss_scale for arrays in zip(*pairs, strict=True)
        )
        nodes[overflown], edges[overflown] = torch.nan, torch.nan  # so that a gradient scaler skips the step
        return nodes.to(costs[0]), edges.to(costs[1]), None


def _true_segments(truth: PanopticTruth | None, problems: list[GridProblem]) -> list[TrueSegments]:
    if truth is None:
        return [TrueSegments.unknown(problem.shape) for problem in problems]
    wanted = (len(problems), *problems[0].shape)
    for name, ids in (("truth.semantic", truth.semantic), ("truth.instances", truth.instances)):
        if tuple(ids.shape) != wanted:
            fail(name, f"shaped {wanted} like the costs", tuple(ids.shape))
    semantic, instances = truth.semantic.cpu().numpy(), truth.instances.cpu().numpy()
    return [
        TrueSegments.of(semantic[i], instances[i], problem.splittable) for i, problem in enumerate(problems)
    ]


def _panoptic_masks(masks: Any, plan: _Plan, true_segments: list[TrueSegments]) -> PanopticMasks:
    device = masks[0].device
    truth, categories = [], []
    for image, true in zip(plan.lifted, true_segments, strict=True):
        ids = torch.from_numpy(true.segments).to(device)
        matches = torch.from_numpy(image.matches).to(device)
        truth.append((ids[None] == matches[:, None, None]) & (matches >= 0)[:, None, None])
        categories.append(torch.from_numpy(image.class_of[: image.num_masks]).to(device, torch.int64))
    labels = np.stack([image.class_of[image.start] for image in plan.lifted])
    clusters = np.stack([image.clusters for image in plan.lifted])
    return PanopticMasks(
        masks=tuple(masks),
        truth=tuple(truth),
        categories=tuple(categories),
        valid=torch.from_numpy(np.stack(plan.valid)).to(device),
        labels=torch.from_numpy(labels).to(device, torch.int64),
        clusters=torch.from_numpy(clusters).to(device, torch.int64),
    )
