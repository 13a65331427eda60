"""The cut as a layer whose losses are on classes and on which pairs are cut, not on segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.cut import Cut, Greedy, GridProblem, solve
from intarsia.cut.offsets import pair_slices
from intarsia.cut.solvers import Solver, solver_named
from intarsia.layers.perturbation import CutGrid, Perturbation, as_float32


@dataclass(frozen=True, eq=False)
class CutIndicators:
    """A batch of cuts as the variables of the optimisation problem.

    Attributes:
        x: One-hot classes, float32, differentiable.
        y: 1 where a pair is cut, float32, differentiable; 0 for pairs that leave the image.

    Example:
        >>> CutIndicators(torch.ones(1, 1, 1, 1), torch.zeros(1, 0, 1, 1)).x.shape
        torch.Size([1, 1, 1, 1])
    """

    x: Float[Tensor, "b k h w"]
    y: Float[Tensor, "b o h w"]


class CutIndicatorLayer(nn.Module):
    """Cut each image of a batch into classes x and cut pairs y; losses on either give gradients of the costs.

    The problem itself is perturbed, c_V + lambda dL/dx and c_E + lambda dL/dy, and solved again:
        dL/dc_V = (x_lambda - x) / lambda,   dL/dc_E = (y_lambda - y) / lambda.
    `CutLayer` is for losses on segments; this is the ablation with separate losses, or for other uses of x
    and y.

    Source: Abbas and Swoboda 2021 (COPS), eq. (3), (4) and appendix A.4; Vlastelica et al. 2019.

    Args:
        offsets: (rows, columns) from a pixel to its neighbour, one a plane of the affinity costs.
        splittable: Which classes form several segments; one flag a class.
        perturbation: How many lambda, and from where.
        solver: As in `intarsia.cut.solve`. "greedy" starts again from the forward solution.
        refine: Likewise.
        threads: How many problems at a time; None for one a core. The result does not depend on it.
        seed: Of the generator of lambda.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> layer = CutIndicatorLayer([(0, 1)], [True], perturbation=Perturbation(lowest=4.0, highest=4.0))
        >>> affinity_costs = torch.tensor([[[[3.0, 0.0]]]], requires_grad=True)
        >>> cut = layer(torch.zeros(1, 1, 1, 2), affinity_costs)
        >>> (1 - cut.y[0, 0, 0, 0]).backward()  # the pair should be cut: its cost must fall
        >>> affinity_costs.grad.tolist()
        [[[[0.25, 0.0]]]]
    """

    def __init__(
        self,
        offsets: Sequence[tuple[int, int]],
        splittable: Sequence[bool],
        *,
        perturbation: Perturbation = Perturbation(),  # noqa: B008 (frozen)
        solver: str | Solver = "greedy",
        refine: bool = False,
        threads: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.grid = CutGrid(offsets, splittable, threads)
        self.perturbation, self.solver, self.refine = perturbation, solver_named(solver), refine
        self.generator = torch.Generator().manual_seed(seed)

    def forward(
        self,
        node_costs: Float[Tensor, "b k h w"],
        affinity_costs: Float[Tensor, "b o h w"],
        *,
        loss_scale: float = 1.0,
    ) -> CutIndicators:
        """x and y of each image.

        Args:
            node_costs: c_V, on any device and in any precision; solved in float32 on the CPU.
            affinity_costs: c_E; positive attracts.
            loss_scale: What the loss is multiplied with before `backward`, as in `CutLayer`.

        Raises:
            ValueError: If costs are not finite or shapes do not fit.
        """
        steps = self.perturbation.draw(self.generator, len(node_costs))
        plan = _Plan(self.grid, self.solver, self.refine, steps, float(loss_scale))
        x, y = _CutIndicators.apply(node_costs, affinity_costs, plan)  # pyright: ignore[reportGeneralTypeIssues]
        return CutIndicators(x, y)


@dataclass(frozen=True, eq=False)
class _Plan:
    grid: CutGrid
    solver: Solver
    refine: bool
    steps: np.ndarray  # lambda, one row an image
    loss_scale: float

    def solve(self, problem: GridProblem, start: Cut | None = None) -> Cut:
        solver = replace(self.solver, start=start) if isinstance(self.solver, Greedy) else self.solver
        return solve(problem, solver=solver, refine=self.refine)

    def indicators(self, problem: GridProblem, cut: Cut) -> tuple[np.ndarray, np.ndarray]:
        classes = np.arange(len(problem.splittable))[:, None, None]
        return (cut.labels == classes).astype(np.float32), cut_pairs(problem, cut.clusters)

    def gradient(
        self, problem: GridProblem, cut: Cut, steps: np.ndarray, dx: np.ndarray, dy: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """dL/dc_V and dL/dc_E of one image."""
        nodes, edges = np.zeros_like(dx), np.zeros_like(dy)
        if not (np.isfinite(dx).all() and np.isfinite(dy).all()):
            return np.full_like(dx, np.nan), np.full_like(dy, np.nan)
        if not (dx.any() or dy.any()):
            return nodes, edges
        x, y = self.indicators(problem, cut)
        for step in steps.astype(np.float32):
            moved = GridProblem(
                problem.node_costs + step * dx,
                problem.affinity_costs + step * dy,
                problem.offsets,
                problem.splittable,
            )
            x_step, y_step = self.indicators(moved, self.solve(moved, cut))
            nodes += (x_step - x) / (len(steps) * step)
            edges += (y_step - y) / (len(steps) * step)
        return nodes, edges


class _CutIndicators(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, node_costs: Tensor, affinity_costs: Tensor, plan: _Plan) -> tuple[Tensor, Tensor]:
        problems = plan.grid.problems(node_costs, affinity_costs)
        ctx.save_for_backward(node_costs, affinity_costs)
        ctx.plan, ctx.cuts = plan, plan.grid.map(plan.solve, problems)
        pairs = plan.grid.map(plan.indicators, problems, ctx.cuts)
        x, y = (torch.from_numpy(np.stack(arrays)) for arrays in zip(*pairs, strict=True))
        return x.to(node_costs.device), y.to(node_costs.device)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        costs, plan = ctx.saved_tensors, ctx.plan
        dx, dy = (as_float32(gradient) / np.float32(plan.loss_scale) for gradient in gradients)
        pairs = plan.grid.map(plan.gradient, plan.grid.problems(*costs), ctx.cuts, plan.steps, dx, dy)
        nodes, edges = (
            torch.from_numpy(np.stack(arrays)) * plan.loss_scale for arrays in zip(*pairs, strict=True)
        )
        return nodes.to(costs[0]), edges.to(costs[1]), None


def cut_pairs(problem: GridProblem, clusters: np.ndarray) -> Float[np.ndarray, "o h w"]:
    """y: 1 where a pixel and its neighbour at the offset are in different clusters, 0 where there is none.

    Example:
        >>> problem = GridProblem(np.zeros((1, 1, 3)), np.zeros((1, 1, 3)), [(0, 1)], [True])
        >>> cut_pairs(problem, np.array([[0, 0, 1]])).tolist()
        [[[0.0, 1.0, 0.0]]]
    """
    y = np.zeros(problem.affinity_costs.shape, np.float32)
    for plane, offset in zip(y, problem.offsets.tolist(), strict=True):
        first, second = pair_slices(problem.shape, offset)
        plane[first] = clusters[first] != clusters[second]
    return y
