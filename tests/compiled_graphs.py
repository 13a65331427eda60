"""Losses and layers through `torch.compile`, each as one graph, and their operators in torch's own checks.

Runs in a process of its own (`run_compiled`): the checks of shapes that all tests run with are Python that no
compiler takes, and tracing starts threads with which no process may fork.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch._dynamo import config as dynamo_config
from torch.library import opcheck
from torch.testing import assert_close

from intarsia import losses
from intarsia.layers import CutIndicatorLayer, CutLayer, Perturbation
from intarsia.layers._cut_operators import cut_gradient, cut_masks, cut_segments
from intarsia.layers.cut_indicators import cut_indicators, cut_indicators_gradient
from intarsia.layers.perturbation import draw_steps
from intarsia.losses._affinity import hardest_means
from intarsia.losses._discriminative import discriminative_operator
from intarsia.losses._gradients import scale
from intarsia.losses._hierarchical_operator import hierarchical_operator
from intarsia.losses._lovasz_extension import lovasz_operator
from intarsia.losses._lovasz_softmax import softmax_operator
from intarsia.losses._segment_spread import spread_gradient, spread_operator

AT_20 = Perturbation(lowest=20.0, highest=20.0, num_samples=2)
NEIGHBOURS, SPLITTABLE = [(0, 1), (1, 0)], [False, True]
Case = tuple[Callable[..., Tensor], tuple[Tensor, ...]]


def run_compiled(name: str) -> bool:
    """Whether the case passes in a fresh process; its error is this process's."""
    command = [sys.executable, "-m", "tests.compiled_graphs", name]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip() == name


def randn(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def randint(seed: int, most: int, *shape: int) -> Tensor:
    return torch.randint(0, most, shape, generator=torch.Generator().manual_seed(seed))


def hinge(seed: int) -> Case:
    labels, valid = randint(seed, 2, 3, 4, 50).bool(), randint(seed + 9, 5, 3, 4, 50) > 0
    return lambda x: losses.lovasz_hinge(x, labels, valid=valid), (randn(seed, 3, 4, 50),)


def discriminative(seed: int) -> Case:
    instances = randint(seed, 3 + seed, 2, 6, 7)
    categories = [torch.arange(2 + seed) % 2] * 2
    return (
        lambda x: losses.discriminative_loss(x, instances, categories=categories),
        (3 * randn(seed, 2, 3, 6, 7),),
    )


def top_k(seed: int) -> Case:
    labels = randint(seed, 3, 2, 6, 7)
    return lambda x: losses.top_k_cross_entropy(x, labels, k=0.3), (randn(seed, 2, 3, 6, 7),)


def affinity(seed: int) -> Case:
    joined, valid = randint(seed, 2, 2, 3, 6, 7).bool(), randint(seed + 9, 2, 2, 3, 6, 7).bool()
    return lambda x: losses.affinity_loss(x, joined, valid=valid), (randn(seed, 2, 3, 6, 7),)


def hardest_affinity(seed: int) -> Case:
    joined, valid = randint(seed, 2, 2, 3, 6, 7).bool(), randint(seed + 9, 2, 2, 3, 6, 7).bool()
    return lambda x: losses.affinity_loss(x, joined, valid=valid, k=0.3), (randn(seed, 2, 3, 6, 7),)


def softmax(seed: int) -> Case:
    labels = torch.where(randint(seed + 9, 5, 2, 6, 7) > 0, randint(seed, 2 + seed, 2, 6, 7), 255)
    return lambda x: losses.lovasz_softmax(x.softmax(1), labels), (randn(seed, 2, 4, 6, 7),)


def hierarchical(seed: int) -> Case:
    instances = randint(seed, 3 + seed, 2, 6, 7)
    semantic = torch.where(instances > 0, instances % 2, 2)

    def loss(embeddings: Tensor, seeds: Tensor, sharpness: Tensor) -> Tensor:
        return losses.hierarchical_lovasz_loss(
            embeddings, instances, semantic, seeds=seeds.sigmoid(), sharpness=sharpness, category_from=1
        )

    return loss, (randn(seed, 2, 3, 6, 7), randn(seed + 1, 2, 6, 7), 0.1 * randn(seed + 2, 2, 6, 7))


def pooled_hierarchical(seed: int, level: losses.LevelLoss = "lovasz") -> Case:
    """All that may have a gradient has one, and all five terms count."""
    instances = randint(seed, 3 + seed, 2, 6, 7)
    semantic = torch.where(instances > 0, instances % 2, 2)
    position = torch.stack(torch.meshgrid(torch.arange(6.0), torch.arange(7.0), indexing="ij")) / 6
    options = losses.HierarchicalLovaszOptions(
        instance_loss=level, category_loss=level, min_class_points=1, absent="hinge"
    )

    def loss(embeddings: Tensor, maps: Tensor, means: Tensor, log_lambda: Tensor) -> Tensor:
        terms = losses.batch_hierarchical_lovasz_terms(
            embeddings,
            instances,
            semantic,
            seeds=maps[:, 0].sigmoid(),
            sharpness=maps[:, 1],
            crowd=instances == 2,
            class_means=means,
            category_log_lambda=log_lambda,
            center_position=position,
            options=options,
        )
        return terms.instance + 2 * terms.category + 3 * terms.seed + 4 * terms.variance + 5 * terms.hierarchy

    maps = 0.1 * randn(seed + 1, 2, 2, 6, 7)
    return loss, (randn(seed, 2, 3, 6, 7), maps, randn(seed + 2, 4, 3), randn(seed + 3, 4))


def segments(seed: int) -> Case:
    layer = CutLayer(NEIGHBOURS, SPLITTABLE, perturbation=AT_20)

    def loss(nodes: Tensor, edges: Tensor) -> Tensor:
        masks = layer(nodes, edges).masks
        return torch.stack([(z.sum((1, 2)) ** 2).sum() for z in masks])

    return loss, (randn(seed, 2, 2, 6, 7), randn(seed + 9, 2, 2, 6, 7) + 0.5)


def indicators(seed: int) -> Case:
    layer = CutIndicatorLayer(NEIGHBOURS, SPLITTABLE, perturbation=AT_20)

    def loss(nodes: Tensor, edges: Tensor) -> Tensor:
        cut = layer(nodes, edges)
        return (cut.x * torch.arange(2.0)[:, None, None]).sum((1, 2, 3)) - cut.y.square().sum((1, 2, 3))

    return loss, (randn(seed, 2, 2, 6, 7), randn(seed + 9, 2, 2, 6, 7) + 0.5)


CASES: dict[str, Callable[[int], Case]] = {
    "affinity_loss": affinity,
    "affinity_loss of the hardest": hardest_affinity,
    "batch_hierarchical_lovasz_terms": pooled_hierarchical,
    "batch_hierarchical_lovasz_terms, hinge": partial(pooled_hierarchical, level="hinge"),
    "discriminative_loss": discriminative,
    "hierarchical_lovasz_loss": hierarchical,
    "lovasz_hinge": hinge,
    "lovasz_softmax": softmax,
    "top_k_cross_entropy": top_k,
    "CutLayer": segments,
    "CutIndicatorLayer": indicators,
}


def check_lovasz() -> None:
    labels, valid = randn(1, 3, 20) > 0, randn(2, 3, 20) > -1
    for dtype in (torch.float32, torch.float64):
        for counted in (None, valid):
            opcheck(lovasz_operator, (randn(0, 3, 20).to(dtype).requires_grad_(), labels, counted, 1.0, True))
    opcheck(scale, (randn(0, 3, 20), randn(1, 3)))
    for absent_too in (False, True):
        pixels, classes = randn(0, 2, 3, 20).softmax(1).requires_grad_(), randint(1, 3, 2, 20)
        opcheck(softmax_operator, (pixels, classes, 255, absent_too, True))


def check_affinity() -> None:
    opcheck(hardest_means, (randn(0, 2, 3, 20).requires_grad_(), randn(1, 2, 3, 20) > 0, 0.3))


def check_discriminative() -> None:
    instances = randint(0, 5, 2, 4, 5)
    for dtype in (torch.float32, torch.float64):  # the native kernel, and torch's operations
        embeddings = 3 * randn(0, 2, 3, 4, 5).to(dtype)
        for categories in ([torch.tensor([0, 1, 0, 1])] * 2, []):
            how = (categories, bool(categories), 0.5, 1.5, 1.0, 1.0, 0.1, 2, "paper")
            opcheck(discriminative_operator, (embeddings.clone().requires_grad_(), instances, *how))
        pixels, index = embeddings.flatten(2), (instances + torch.tensor([0, 5])[:, None, None]).flatten(1)
        opcheck(spread_operator, (pixels.clone().requires_grad_(), index, 10, 0.5, 2))
        tables = spread_operator(pixels, index, 10, 0.5, 2)
        slopes = (torch.ones_like(tables[0]), torch.ones_like(tables[1]))
        opcheck(spread_gradient, (pixels, index, *tables, *slopes, 0.5, 2))


def check_hierarchical() -> None:
    pixels, maps = randn(0, 2, 3, 20), 0.1 * randn(1, 2, 2, 20)
    instances = randint(2, 4, 2, 20)
    truth = (instances, instances % 2, instances != 3)
    options = ("lovasz", "bce", "skip", 40, 1, 10.0, 2.0)
    of_batch = (randn(3, 1, 2), randn(4, 1, 2, 3), randn(5, 2, 2, 20))  # log λ, means and positions
    for pooled, of_categories in ((True, of_batch), (False, (randn(3, 2), None, None))):
        tensors = (pixels, *maps.unbind(1), *of_categories)
        leaves = [None if x is None else x.clone().requires_grad_() for x in tensors]
        opcheck(hierarchical_operator, (*leaves, *truth, True, 0, pooled, *options))


def check_cut() -> None:
    nodes, edges = randn(0, 2, 2, 6, 7).requires_grad_(), randn(9, 2, 2, 6, 7).requires_grad_()
    semantic = torch.zeros(2, 6, 7, dtype=torch.int64)
    semantic[:, 1:4, 1:4], semantic[1, 5, 5] = 1, 255
    steps, grid = torch.full((2, 2), 20.0, dtype=torch.float64), ([0, 1, 1, 0], SPLITTABLE)
    opcheck(draw_steps, (torch.Generator().manual_seed(0).get_state(), 2, 3, 1.0, 9.0))
    given = (nodes, edges, semantic, (semantic == 1).long(), *grid, "greedy", False, 1, 2)
    opcheck(cut_segments, given)
    start, true_segments, _, _, class_of, matches, _ = cut_segments(*given)
    segments = (start, true_segments, class_of, matches, steps, 1.0, *grid, 2)
    opcheck(cut_masks, (nodes, edges, *segments))
    dz = [torch.ones(len(of), 6, 7) for of in matches]
    opcheck(cut_gradient, (dz, nodes.detach(), edges.detach(), *segments))


def check_indicators() -> None:
    nodes, edges = randn(0, 2, 2, 6, 7).requires_grad_(), randn(9, 2, 2, 6, 7).requires_grad_()
    steps = torch.full((2, 2), 20.0, dtype=torch.float64)
    how = (steps, 1.0, [0, 1, 1, 0], SPLITTABLE, "greedy", False, 2)
    opcheck(cut_indicators, (nodes, edges, *how))
    plain = (nodes.detach(), edges.detach())
    x, y, labels, clusters = cut_indicators(*plain, *how)
    opcheck(cut_indicators_gradient, (x, y, *plain, labels, clusters, *how))


OPERATORS: dict[str, Callable[[], None]] = {
    "affinity operator": check_affinity,
    "lovasz operators": check_lovasz,
    "discriminative operators": check_discriminative,
    "hierarchical operator": check_hierarchical,
    "cut operators": check_cut,
    "indicator operators": check_indicators,
}


def check(name: str) -> None:
    """One graph, the same value and the same gradient for several truths of other numbers of segments."""
    for seed in range(3):
        loss, leaves = CASES[name](seed)
        leaves = tuple(leaf.requires_grad_() for leaf in leaves)
        compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
        ours, wanted = compiled(*leaves), loss(*leaves)
        assert_close(ours, wanted)
        weights = torch.arange(1.0, 1 + wanted.numel()).view(wanted.shape)
        slopes = [torch.autograd.grad((value * weights).sum(), leaves) for value in (ours, wanted)]
        assert_close(*slopes)
        assert any(slope.any() for slope in slopes[0])


if __name__ == "__main__":
    # How many segments a cut has is no shape that its inputs tell; all else compiles with torch's defaults.
    with dynamo_config.patch(capture_dynamic_output_shape_ops=sys.argv[1] == "CutLayer"):
        (OPERATORS.get(sys.argv[1]) or partial(check, sys.argv[1]))()
    print(sys.argv[1])
