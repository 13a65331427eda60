"""The parallel cut: feasible, repeatable, the same in a batch, and about as good as the greedy solver."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from intarsia import _native
from intarsia.cut import GridProblem, solve, synthetic_problem
from intarsia.layers import ParallelCut, parallel_cut
from intarsia.layers.coarse_graph import CoarseGraph
from intarsia.layers.integer_costs import IntegerCosts
from intarsia.layers.parallel_contraction import contract
from intarsia.layers.parallel_moves import Labels, move_nodes, move_pixels
from tests.cut.problems import grids, least_cost, random_grid


def cut(problem: GridProblem) -> ParallelCut:
    return parallel_cut(*tensors(problem), **pairs(problem))


def tensors(problem: GridProblem) -> tuple[Tensor, Tensor]:
    return torch.tensor(problem.node_costs)[None], torch.tensor(problem.affinity_costs)[None]


def pairs(problem: GridProblem) -> dict:
    offsets = [(rows, cols) for rows, cols in problem.offsets.tolist()]
    return {"offsets": offsets, "splittable": problem.splittable.tolist()}


def cost(problem: GridProblem, answer: ParallelCut) -> float:
    """Refuses what is not feasible."""
    return problem.cost(answer.labels[0].numpy(), answer.clusters[0].numpy())


def test_stuff_is_whole_and_things_are_told_apart():
    """Pixels 0-1 are stuff although they repel each other, 2-3 and 4-5 two instances."""
    node_costs = 5.0 * (np.array([[0, 0, 1, 1, 1, 1]]) != np.arange(2)[:, None, None])
    problem = GridProblem(node_costs, [[[-1.0, 1, 1, -3, 1, np.nan]]], [(0, 1)], [False, True])
    answer = cut(problem)
    assert answer.labels.tolist() == [[[0, 0, 1, 1, 1, 1]]]
    assert answer.clusters.tolist() == [[[0, 0, 1, 1, 2, 2]]]
    assert cost(problem, answer) == 1.0 - 3.0


@given(make=grids)
@settings(max_examples=25, deadline=None)
def test_answers_are_feasible_and_clusters_connected(make: Callable[[], GridProblem]):
    problem = make()
    answer = cut(problem)
    cost(problem, answer)
    pieces = _native.connected_pieces(problem.offsets, answer.clusters[0].numpy().astype(np.int32))
    assert np.array_equal(pieces, answer.clusters[0].numpy())


@pytest.mark.parametrize("seed", range(12))
def test_no_answer_is_below_the_least_cost(seed: int):
    problem = random_grid(seed, 2, 3, num_classes=2)
    assert cost(problem, cut(problem)) >= least_cost(problem.to_graph()) - 1e-3


@pytest.mark.parametrize("noise", [1.0, 2.0])
def test_the_cost_is_within_two_percent_of_the_greedy_solver(noise: float):
    problem = synthetic_problem(64, 128, noise=noise)[0]
    greedy = solve(problem).cost
    assert cost(problem, cut(problem)) <= greedy + 0.02 * abs(greedy)


def test_a_batch_is_its_images_and_every_run_is_the_same():
    problems = [random_grid(seed, 24, 20) for seed in (3, 4, 5)]
    shared = pairs(problems[0])
    few = min(len(problem.offsets) for problem in problems)
    shared["offsets"] = shared["offsets"][:few]
    nodes = (
        torch.cat([tensors(problem)[0] for problem in problems])
        * torch.tensor([1.0, 50.0, 0.01])[:, None, None, None]
    )
    edges = torch.cat([tensors(problem)[1][:, :few] for problem in problems])
    together = parallel_cut(nodes, edges, **shared)
    again = parallel_cut(nodes, edges, **shared)
    assert torch.equal(together.clusters, again.clusters)
    for i in range(3):
        alone = parallel_cut(nodes[i : i + 1], edges[i : i + 1], **shared)
        assert torch.equal(together.labels[i], alone.labels[0])
        assert torch.equal(together.clusters[i], alone.clusters[0])


def test_scaling_all_costs_by_a_power_of_two_changes_nothing():
    problem = random_grid(7, 20, 20)
    nodes, edges = tensors(problem)
    scaled = parallel_cut(1024 * nodes, 1024 * edges, **pairs(problem))
    assert torch.equal(scaled.clusters, cut(problem).clusters)


@pytest.mark.parametrize("splittable", [True, False])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (8, 17)])
def test_one_class_one_pixel_and_costs_of_zero_work(splittable: bool, size: tuple[int, int]):
    problem = GridProblem(np.zeros((1, *size)), np.zeros((2, *size)), [(0, 1), (50, 0)], [splittable])
    assert cost(problem, cut(problem)) == 0
    bare = GridProblem(np.ones((1, *size)), np.zeros((0, *size)), [], [splittable])
    assert cut(bare).clusters.flatten().tolist() == list(range(size[0] * size[1]))


def test_half_precision_costs_work():
    nodes, edges = (t.bfloat16() for t in tensors(random_grid(1, 9, 9)))
    rounded = GridProblem(
        nodes[0].float(), edges[0].float(), random_grid(1, 9, 9).offsets, [True, False, True]
    )
    assert torch.equal(parallel_cut(nodes, edges, **pairs(rounded)).clusters, cut(rounded).clusters)


def test_coarse_costs_are_sums_over_pixels():
    """Against a loop over all pixels and pairs."""
    problem = random_grid(11, 7, 9)
    costs = IntegerCosts.of(*tensors(problem), pairs(problem)["offsets"])
    groups = torch.randint(0, 6, (1, 7, 9), generator=torch.Generator().manual_seed(0))
    graph = CoarseGraph.of_pixels(costs, groups, 6)
    nodes, edges = np.zeros((6, 3), np.int64), {}
    for r, c in np.ndindex(problem.shape):
        nodes[groups[0, r, c]] += costs.nodes[0, :, r, c].numpy()
        for o, (dr, dc) in enumerate(problem.offsets.tolist()):
            if 0 <= r + dr < 7 and 0 <= c + dc < 9 and groups[0, r, c] != groups[0, r + dr, c + dc]:
                ends = tuple(sorted((int(groups[0, r, c]), int(groups[0, r + dr, c + dc]))))
                edges[ends] = edges.get(ends, 0) + int(costs.edges[0, o, r, c])
    assert np.array_equal(graph.nodes.numpy(), nodes)
    assert dict(zip(map(tuple, graph.ends.T.tolist()), graph.edges.tolist(), strict=True)) == edges


def potts_cost(graph: CoarseGraph, z: Labels) -> int:
    apart = z.of[graph.ends[0]] != z.of[graph.ends[1]]
    return int(graph.nodes.gather(1, z.class_of[z.of][:, None]).sum() + graph.edges[apart].sum())


@given(make=grids)
@settings(max_examples=25, deadline=None)
def test_every_round_of_moves_lowers_the_cost(make: Callable[[], GridProblem]):
    problem = make()
    costs = IntegerCosts.of(*tensors(problem), pairs(problem)["offsets"])
    flags = torch.from_numpy(problem.splittable)
    pixels = torch.arange(costs.nodes[:, 0].numel()).view(1, *problem.shape)
    graph = CoarseGraph.of_pixels(costs, pixels, pixels.numel())
    by_graph, by_grid = Labels.of_nodes(graph.nodes, flags), Labels.of_nodes(graph.nodes, flags)
    for _ in range(5):
        before = potts_cost(graph, by_graph), potts_cost(graph, by_grid)
        nodes_before, pixels_before = by_graph.of.clone(), by_grid.of.clone()
        move_nodes(graph, by_graph, flags, most_rounds=1)
        move_pixels(costs, by_grid, flags, most_rounds=1)
        for z, old, cost_before in zip(
            (by_graph, by_grid), (nodes_before, pixels_before), before, strict=True
        ):
            moved = not torch.equal(z.of, old)
            assert potts_cost(graph, z) < cost_before if moved else potts_cost(graph, z) == cost_before


def test_nodes_that_repel_each_other_do_not_join_the_same_one():
    """0 attracts 1 by 5 and 2 by 4; 1 and 2 repel by 9."""
    graph = CoarseGraph(
        torch.zeros(3, 1, dtype=torch.int64),
        torch.tensor([[0, 0, 1], [1, 2, 2]]),
        torch.tensor([5, 4, -9]),
    )
    groups = contract(graph).tolist()
    assert groups[0] == groups[1]
    assert groups[2] != groups[0]


def test_wrong_arguments_are_refused():
    nodes, edges = torch.zeros(1, 2, 3, 3), torch.zeros(1, 1, 3, 3)
    good = {"offsets": [(0, 1)], "splittable": [True, False]}
    with pytest.raises(ValueError, match="`node_costs` must be of at least one image, class and pixel"):
        parallel_cut(nodes[:, :0], edges, **good)
    with pytest.raises(ValueError, match=r"`affinity_costs` must be shaped \(1, 2, 3, 3\)"):
        parallel_cut(nodes, edges, offsets=[(0, 1), (1, 0)], splittable=[True, False])
    with pytest.raises(ValueError, match=r"`splittable` must be one flag a class \(2\), got 1"):
        parallel_cut(nodes, edges, offsets=[(0, 1)], splittable=[True])
    with pytest.raises(ValueError, match=r"`offsets` must be other than \(0, 0\)"):
        parallel_cut(nodes, edges, offsets=[(0, 0)], splittable=[True, False])
    with pytest.raises(ValueError, match="`node_costs` must be finite, got NaN or infinity 18 times"):
        parallel_cut(nodes / 0, edges, **good)
    with pytest.raises(ValueError, match="`affinity_costs` must be finite, got NaN or infinity 6 times"):
        parallel_cut(nodes, edges / 0, **good)
