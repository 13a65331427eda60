"""The cut as a layer whose losses are on classes and on which pairs are cut, not on segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.cut import Cut, Greedy, GridProblem, Stats, solve
from intarsia.cut.offsets import pair_slices
from intarsia.cut.solvers import solver_named
from intarsia.layers.perturbation import CutGrid, Perturbation, as_float32, draw_steps, grid_of
from intarsia.losses._gradients import no_gradient


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
        refine: As in `intarsia.cut.solve`: local search on top.
        threads: How many problems at a time; None for one a core. The result does not depend on it.
        seed: Of the generator of lambda; 0, as every seed will do.

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
        solver: str = "greedy",
        refine: bool = False,
        threads: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        grid = CutGrid(offsets, splittable, threads)
        self.offsets, self.splittable, self.threads = grid.flat_offsets, grid.flags.tolist(), threads or 0
        solver_named(solver)  # refuses a name that there is not
        self.perturbation, self.solver, self.refine = perturbation, solver, refine
        self.random_state = torch.Generator().manual_seed(seed).get_state()

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
        p = self.perturbation
        steps = draw_steps(self.random_state, len(node_costs), p.num_samples, p.lowest, p.highest)
        how = (self.offsets, self.splittable, self.solver, self.refine, self.threads)
        x, y, _, _ = cut_indicators(node_costs, affinity_costs, steps, loss_scale, *how)
        return CutIndicators(x, y)


_HOW = "float loss_scale, int[] offsets, bool[] splittable, str solver, bool refine, int threads"


@dataclass(frozen=True)
class _How:
    """What both operators are told beside their tensors, in the order of the schema `_HOW`.

    Attributes:
        loss_scale: What the loss is multiplied with.
        offsets: Rows and columns in turn.
        splittable: One flag a class.
        solver: As in `intarsia.cut.solve`.
        refine: As in `intarsia.cut.solve`: local search on top.
        threads: How many problems at a time; 0 for one a core.
    """

    loss_scale: float
    offsets: Sequence[int]
    splittable: Sequence[bool]
    solver: str
    refine: bool
    threads: int

    @property
    def grid(self) -> CutGrid:
        """What the problems share."""
        return grid_of(self.offsets, self.splittable, self.threads)


@torch.library.custom_op(
    "intarsia::cut_indicators",
    mutates_args=(),
    schema=f"(Tensor node_costs, Tensor affinity_costs, Tensor steps, {_HOW}) "
    "-> (Tensor, Tensor, Tensor, Tensor)",
)
def cut_indicators(
    node_costs: Tensor, affinity_costs: Tensor, steps: Tensor, *how: Any
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """x and y of each image on the device of the costs, and on the CPU its labels and clusters.

    Args:
        node_costs: c_V of each class and point.
        affinity_costs: c_E of each offset and point.
        steps: lambda, one row an image.
        how: Those of `_How`.
    """
    of = _How(*how)
    grid = of.grid
    problems = grid.problems(node_costs, affinity_costs)
    cuts = grid.map(partial(solve, solver=of.solver, refine=of.refine), problems)
    pairs = grid.map(_indicators, problems, cuts)
    x, y = (torch.from_numpy(np.stack(arrays)).to(node_costs.device) for arrays in zip(*pairs, strict=True))
    labels, clusters = (
        torch.from_numpy(np.stack([getattr(cut, name) for cut in cuts])) for name in ("labels", "clusters")
    )
    return x, y, labels, clusters


@cut_indicators.register_fake
def _(node_costs: Tensor, affinity_costs: Tensor, *_: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    x, y = (costs.new_empty(costs.shape, dtype=torch.float32) for costs in (node_costs, affinity_costs))
    labels, clusters = (torch.empty(x[:, 0].shape, dtype=torch.int32) for _ in range(2))
    return x, y, labels, clusters


@torch.library.custom_op(
    "intarsia::cut_indicators_gradient",
    mutates_args=(),
    schema="(Tensor dx, Tensor dy, Tensor node_costs, Tensor affinity_costs, Tensor labels, Tensor clusters, "
    f"Tensor steps, {_HOW}) -> (Tensor, Tensor)",
)
def cut_indicators_gradient(
    dx: Tensor,
    dy: Tensor,
    node_costs: Tensor,
    affinity_costs: Tensor,
    labels: Tensor,
    clusters: Tensor,
    steps: Tensor,
    *how: Any,
) -> tuple[Tensor, Tensor]:
    """dL/dc_V and dL/dc_E from dL/dx and dL/dy, by solving again at each of the steps."""
    of = _How(*how)
    grid, again = of.grid, _SolveAgain(of.solver, of.refine)
    slopes = (as_float32(gradient) / np.float32(of.loss_scale) for gradient in (dx, dy))
    problems, tables = grid.problems(node_costs, affinity_costs), (labels, clusters, steps)
    pairs = grid.map(again.gradient, problems, *(table.numpy() for table in tables), *slopes)
    nodes, edges = (torch.from_numpy(np.stack(arrays)) * of.loss_scale for arrays in zip(*pairs, strict=True))
    return nodes.to(node_costs), edges.to(affinity_costs)


@cut_indicators_gradient.register_fake
def _(dx: Tensor, dy: Tensor, node_costs: Tensor, affinity_costs: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    return node_costs.new_empty(node_costs.shape), affinity_costs.new_empty(affinity_costs.shape)


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    nodes, edges, steps, *ctx.settings = inputs
    ctx.save_for_backward(nodes, edges, *output[2:], steps)


def _backward(ctx: Any, dx: Tensor, dy: Tensor, *_: Any) -> tuple[Any, ...]:
    gradients = cut_indicators_gradient(dx, dy, *ctx.saved_tensors, *ctx.settings)
    return *gradients, None, *(no_gradient(setting) for setting in ctx.settings)


cut_indicators.register_autograd(_backward, setup_context=_save)


@dataclass(frozen=True)
class _SolveAgain:
    """How perturbed problems are solved."""

    solver: str
    refine: bool

    def gradient(
        self,
        problem: GridProblem,
        labels: np.ndarray,
        clusters: np.ndarray,
        steps: np.ndarray,
        dx: np.ndarray,
        dy: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """dL/dc_V and dL/dc_E of one image."""
        nodes, edges = np.zeros_like(dx), np.zeros_like(dy)
        if not (np.isfinite(dx).all() and np.isfinite(dy).all()):
            return np.full_like(dx, np.nan), np.full_like(dy, np.nan)
        if not (dx.any() or dy.any()):
            return nodes, edges
        cut = Cut(labels, clusters, float("nan"), Stats(0.0, True, ()))  # nobody asks what it costs
        x, y = _indicators(problem, cut)
        for step in steps.astype(np.float32):
            perturbed_problem = GridProblem(
                problem.node_costs + step * dx,
                problem.affinity_costs + step * dy,
                problem.offsets,
                problem.splittable,
            )
            x_step, y_step = _indicators(perturbed_problem, self._solve(perturbed_problem, cut))
            nodes += (x_step - x) / (len(steps) * step)
            edges += (y_step - y) / (len(steps) * step)
        return nodes, edges

    def _solve(self, problem: GridProblem, start: Cut) -> Cut:
        solver = solver_named(self.solver)
        solver = replace(solver, start=start) if isinstance(solver, Greedy) else solver
        return solve(problem, solver=solver, refine=self.refine)


def _indicators(problem: GridProblem, cut: Cut) -> tuple[np.ndarray, np.ndarray]:
    classes = np.arange(len(problem.splittable))[:, None, None]
    return (cut.labels == classes).astype(np.float32), cut_pairs(problem, cut.clusters)


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
