"""The cut as operators of torch: what a compiler sees of `CutLayer`, with shapes and gradients.

Each operator takes the offsets as one flat list, rows and columns in turn, since torch's schemas know lists
of numbers only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from intarsia._check import fail
from intarsia.cut import GridProblem, solve_batch
from intarsia.layers.lifted_cut import LiftedCut
from intarsia.layers.panoptic_masks import TrueSegments, one_hot_masks
from intarsia.layers.perturbation import CutGrid, as_float32, grid_of
from intarsia.losses._gradients import no_gradient

# Written out, since the shapes in annotations are not what torch makes a schema of.
_SEGMENTS = (
    "Tensor start, Tensor true_segments, Tensor[] class_of, Tensor[] matches, Tensor steps, "
    "float loss_scale, int[] offsets, bool[] splittable, int threads"
)


@torch.library.custom_op(
    "intarsia::cut_segments",
    mutates_args=(),
    schema="(Tensor node_costs, Tensor affinity_costs, Tensor? semantic, Tensor? instances, int[] offsets, "
    "bool[] splittable, str solver, bool refine, int min_size, int threads) "
    "-> (Tensor, Tensor, Tensor, Tensor, Tensor[], Tensor[], Tensor[])",
)
def cut_segments(
    node_costs: Tensor,
    affinity_costs: Tensor,
    semantic: Tensor | None,
    instances: Tensor | None,
    offsets: Sequence[int],
    splittable: Sequence[bool],
    solver: str,
    refine: bool,
    min_size: int,
    threads: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, list[Tensor], list[Tensor], list[Tensor]]:
    """Cut each image and match its segments with the true ones; no gradient.

    Returns:
        `start`, z of each pixel, and `true_segments`, both int on the CPU; `labels` and `clusters` on the
        device of the costs; and of each image `class_of` and `matches` as in `LiftedCut`, on the CPU, and the
        classes of the masks.
    """
    grid = grid_of(offsets, splittable, threads)
    problems = grid.problems(node_costs, affinity_costs)
    truths = _true_segments(semantic, instances, problems)
    cuts = solve_batch(problems, threads=grid.num_threads, solver=solver, refine=refine)
    lifted_cuts = grid.map(LiftedCut.of, problems, cuts, truths, [min_size] * len(problems))
    device = node_costs.device
    classes = [torch.from_numpy(image.class_of) for image in lifted_cuts]
    return (
        torch.from_numpy(np.stack([image.start for image in lifted_cuts])),
        torch.from_numpy(np.stack([truth.segments for truth in truths]).astype(np.int32)),
        _to_device([image.class_of[image.start] for image in lifted_cuts], device),
        _to_device([image.clusters for image in lifted_cuts], device),
        classes,
        [torch.from_numpy(image.matches.astype(np.int64)) for image in lifted_cuts],
        [c[: image.num_masks].to(device, torch.int64) for c, image in zip(classes, lifted_cuts, strict=True)],
    )


@cut_segments.register_fake
def _(node_costs: Tensor, affinity_costs: Tensor, *_: Any) -> tuple[Any, ...]:
    size = (node_costs.shape[0], *node_costs.shape[2:])
    masks = [torch.library.get_ctx().new_dynamic_size() for _ in range(len(node_costs))]
    labels = [torch.library.get_ctx().new_dynamic_size() for _ in range(len(node_costs))]
    return (
        torch.empty(size, dtype=torch.int32),
        torch.empty(size, dtype=torch.int32),
        node_costs.new_empty(size, dtype=torch.int64),
        node_costs.new_empty(size, dtype=torch.int64),
        [torch.empty(count, dtype=torch.int32) for count in labels],
        [torch.empty(count, dtype=torch.int64) for count in masks],
        [node_costs.new_empty(count, dtype=torch.int64) for count in masks],
    )


@dataclass(frozen=True, eq=False)
class _Segments:
    """What `cut_masks` and its gradient know of the cut, in the order of the schema `_SEGMENTS`.

    Attributes:
        start: As `cut_segments` gives it, and so are the next three.
        true_segments: -1 in void.
        class_of: The class of each label.
        matches: One a mask.
        steps: lambda, one row an image.
        loss_scale: What the loss is multiplied with.
        offsets: Rows and columns in turn.
        splittable: One flag a class.
        threads: How many problems at a time.
    """

    start: Tensor
    true_segments: Tensor
    class_of: Sequence[Tensor]
    matches: Sequence[Tensor]
    steps: Tensor
    loss_scale: float
    offsets: Sequence[int]
    splittable: Sequence[bool]
    threads: int

    def lifted_cuts(self) -> list[LiftedCut]:
        """The labels of each image again, as its cut was."""
        return [
            LiftedCut(class_of=c.numpy(), matches=m.numpy(), start=z.numpy(), clusters=z.numpy())
            for c, m, z in zip(self.class_of, self.matches, self.start, strict=True)
        ]


@torch.library.custom_op(
    "intarsia::cut_masks",
    mutates_args=(),
    schema=f"(Tensor node_costs, Tensor affinity_costs, {_SEGMENTS}) -> Tensor[]",
)
def cut_masks(node_costs: Tensor, affinity_costs: Tensor, *segments: Any) -> list[Tensor]:
    """z of each image, 0 or 1; its gradient by the costs is that of `CutLayer`.

    Args:
        node_costs: c_V of each class and point.
        affinity_costs: c_E of each offset and point.
        segments: Those of `_Segments`.
    """
    of = _Segments(*segments)
    starts = of.start.to(node_costs.device)
    return [one_hot_masks(z, len(matches)).float() for z, matches in zip(starts, of.matches, strict=True)]


@cut_masks.register_fake
def _(node_costs: Tensor, affinity_costs: Tensor, *segments: Any) -> list[Tensor]:
    size = node_costs.shape[2:]
    matches = _Segments(*segments).matches
    return [node_costs.new_empty(of.shape[0], *size, dtype=torch.float32) for of in matches]


@torch.library.custom_op(
    "intarsia::cut_gradient",
    mutates_args=(),
    schema=f"(Tensor[] dz, Tensor node_costs, Tensor affinity_costs, {_SEGMENTS}) -> (Tensor, Tensor)",
)
def cut_gradient(
    dz: Sequence[Tensor], node_costs: Tensor, affinity_costs: Tensor, *segments: Any
) -> tuple[Tensor, Tensor]:
    """dL/dc_V and dL/dc_E from dL/dz, by solving again at each of the steps."""
    of = _Segments(*segments)
    grid = grid_of(of.offsets, of.splittable, of.threads)
    gradients = [as_float32(gradient) / np.float32(of.loss_scale) for gradient in dz]
    overflown = [not np.isfinite(gradient).all() for gradient in gradients]
    finite = [np.zeros_like(g) if bad else g for g, bad in zip(gradients, overflown, strict=True)]
    problems, valid = grid.problems(node_costs, affinity_costs), (of.true_segments >= 0).numpy()
    pairs = _perturb(grid, of.lifted_cuts(), problems, finite, of.steps.numpy(), valid=valid)
    nodes, edges = (torch.from_numpy(np.stack(arrays)) * of.loss_scale for arrays in zip(*pairs, strict=True))
    nodes[overflown], edges[overflown] = torch.nan, torch.nan  # so that a gradient scaler skips the step
    return nodes.to(node_costs), edges.to(affinity_costs)


@cut_gradient.register_fake
def _(dz: Any, node_costs: Tensor, affinity_costs: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    return _like(node_costs), _like(affinity_costs)


def _save(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    nodes, edges, *segments = inputs
    of = _Segments(*segments)
    ctx.save_for_backward(nodes, edges, of.start, of.true_segments, of.steps, *of.class_of, *of.matches)
    ctx.num_images, ctx.settings = len(of.matches), segments[5:]
    ctx.nothing = [no_gradient(argument) for argument in segments]


def _backward(ctx: Any, dz: list[Tensor]) -> tuple[Any, ...]:
    nodes, edges, start, true_segments, steps, *lists = ctx.saved_tensors
    class_of, matches = lists[: ctx.num_images], lists[ctx.num_images :]
    gradients = cut_gradient(dz, nodes, edges, start, true_segments, class_of, matches, steps, *ctx.settings)
    return *gradients, *ctx.nothing


cut_masks.register_autograd(_backward, setup_context=_save)


def _perturb(
    grid: CutGrid,
    lifted_cuts: list[LiftedCut],
    problems: list[GridProblem],
    gradients: list[np.ndarray],
    steps: np.ndarray,
    *,
    valid: np.ndarray,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The gradients of each image's costs; all problems of the batch are solved in parallel threads."""
    jobs = [(i, n) for i, dz in enumerate(gradients) if dz.any() for n in range(steps.shape[1])]

    def solve_again(job: tuple[int, int]) -> np.ndarray:
        i, n = job
        return lifted_cuts[i].perturbed(problems[i], gradients[i], float(steps[i, n]))

    solutions = dict(zip(jobs, grid.map(solve_again, jobs), strict=True))

    def compare(i: int) -> tuple[np.ndarray, np.ndarray]:
        of_image = [solutions[i, n] for n in range(steps.shape[1]) if (i, n) in solutions]
        return lifted_cuts[i].gradients(problems[i], of_image, steps[i], valid=valid[i])

    return grid.map(compare, range(len(problems)))


def _true_segments(
    semantic: Tensor | None, instances: Tensor | None, problems: list[GridProblem]
) -> list[TrueSegments]:
    if semantic is None or instances is None:
        return [TrueSegments.unknown(problem.shape) for problem in problems]
    shape = (len(problems), *problems[0].shape)
    for name, ids in (("truth.semantic", semantic), ("truth.instances", instances)):
        if tuple(ids.shape) != shape:
            fail(name, f"shaped {shape} like the costs", tuple(ids.shape))
    maps = zip(semantic.cpu().numpy(), instances.cpu().numpy(), problems, strict=True)
    return [TrueSegments.of(classes, numbers, problem.splittable) for classes, numbers, problem in maps]


def _to_device(maps: list[np.ndarray], device: torch.device) -> Tensor:
    return torch.from_numpy(np.stack(maps)).to(device, torch.int64)


def _like(costs: Tensor) -> Tensor:
    return torch.empty_like(costs, memory_format=torch.contiguous_format)
