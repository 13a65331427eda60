"""What does one training step through the cut cost, and where does the time go?

    python benchmarks/cut_layer.py [--problems FILES ...] [--images 1] [--threads 2] [--repeats 3]

Prints one table: forward (cut, lifted labels, masks), and backward with N = 5 samples of lambda in [1, 5000],
of a loss on the masks (the mean of 1 - IoU over all segments, times 10). "peer" is the same backward pass
with Algorithm 2 from nothing for each perturbed problem, as in the paper (intarsia's own contraction, which
is faster than their code). "cost" is the mean of the perturbed problems' costs after the search minus that of
the peer: negative is better. Wall and process CPU milliseconds, least of the repeats. Without --problems it
makes its own of 128 x 256 with 19 classes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from cut import load
from torch import Tensor

from intarsia.cut import GridProblem, solve
from intarsia.layers import CutLayer, PanopticMasks, Perturbation
from intarsia.layers.lifted_cut import LiftedCut
from intarsia.layers.panoptic_masks import TrueSegments


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", nargs="*", type=Path, default=[])
    parser.add_argument("--images", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(
        f"{'problem':<26}{'segments':>9}{'what':>12}{'CPU ms':>9}{'wall':>9}{'peer / ours':>13}{'cost':>10}"
    )
    for name, problem in load(options.problems):
        if options.problems or problem.shape == (128, 256):
            show(name, problem, options)


def show(name: str, problem: GridProblem, options: argparse.Namespace) -> None:
    offsets = [(rows, cols) for rows, cols in problem.offsets.tolist()]
    layer = CutLayer(offsets, problem.splittable.tolist(), threads=options.threads)
    costs = [
        torch.from_numpy(c).expand(options.images, *c.shape).contiguous().requires_grad_()
        for c in (problem.node_costs, problem.affinity_costs)
    ]
    truth = shifted_truth(problem, options.images)
    layer(*costs, truth=truth)
    forward = measure(lambda: layer(*costs, truth=truth), options.repeats)
    masks = layer(*costs, truth=truth)
    value = loss(masks)
    backward = measure(lambda: value.backward(retain_graph=True), options.repeats)
    peer, gap = contraction_from_nothing(problem, truth, masks, layer.perturbation)
    segments = len(masks.masks[0])
    print(f"{name:<26}{segments:>9}{'forward':>12}{forward[0]:>9.1f}{forward[1]:>9.1f}")
    ratio = peer * options.images / backward[0]
    print(
        f"{name:<26}{segments:>9}{'backward':>12}{backward[0]:>9.1f}{backward[1]:>9.1f}{ratio:>13.1f}{gap:>10.1f}"
    )


def shifted_truth(problem: GridProblem, images: int) -> SimpleNamespace:
    """The refined solution moved by two pixels: right in most, wrong along every border."""
    cut = solve(problem, refine=True)
    semantic = np.roll(cut.labels, 2, axis=1).astype(np.int64)
    instances = np.roll(cut.clusters, 2, axis=1).astype(np.int64) + 1
    return SimpleNamespace(
        semantic=torch.from_numpy(semantic).expand(images, -1, -1),
        instances=torch.from_numpy(instances).expand(images, -1, -1),
    )


def loss(masks: PanopticMasks) -> Tensor:
    z, truth = (torch.cat(parts).flatten(1) for parts in (masks.masks, masks.truth))
    both = (z * truth).sum(1)
    return 10 * (1 - (both / (z.sum(1) + truth.sum(1) - both).clamp(min=1)).mean())


def contraction_from_nothing(
    problem: GridProblem, truth: SimpleNamespace, masks: PanopticMasks, perturbation: Perturbation
) -> tuple[float, float]:
    """CPU ms of the peer's solves for one image, and by how much its costs are higher in the mean."""
    leaf = masks.masks[0].detach().requires_grad_()
    one = PanopticMasks(
        (leaf,), masks.truth[:1], masks.categories[:1], masks.valid, masks.labels, masks.clusters
    )
    loss(one).backward()
    assert leaf.grad is not None
    gradient = leaf.grad.numpy()
    true = TrueSegments.of(truth.semantic[0].numpy(), truth.instances[0].numpy(), problem.splittable)
    lifted = LiftedCut.of(problem, solve(problem), true, 3)
    spent, gaps = 0.0, []
    for step in perturbation.draw(torch.Generator().manual_seed(0), 1)[0]:
        costs = problem.node_costs[lifted.class_of]
        costs[: len(gradient)] += np.float32(step) * gradient
        whole = GridProblem(costs, problem.affinity_costs, problem.offsets, np.zeros(len(costs), bool))
        begin = time.process_time()
        peer = solve(whole, solver="contraction")
        spent += 1000 * (time.process_time() - begin)
        z = lifted.perturbed(problem, gradient, float(step))
        gaps.append(whole.cost(z, z) - peer.cost)
    return spent, float(np.mean(gaps))


def measure(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Least process CPU and wall ms."""
    times = []
    for _ in range(repeats):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        times.append((1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - wall)))
    return min(t[0] for t in times), min(t[1] for t in times)


if __name__ == "__main__":
    main()
