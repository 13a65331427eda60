"""The differentiable cut: worked gradients, descent, and every way in which a network may use it."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.multiprocessing.spawn import spawn
from torch.testing import assert_close

from intarsia.cut import GridProblem, solve
from intarsia.layers import CutIndicatorLayer, CutLayer, PanopticMasks, Perturbation
from intarsia.layers.perturbation import CutGrid, draw_steps

NEIGHBOURS = [(0, 1), (1, 0)]


@dataclass
class Truth:
    semantic: Tensor
    instances: Tensor


def at_step(step: float, **options) -> Perturbation:
    return Perturbation(lowest=step, highest=step, **options)


def pair(step: float) -> tuple[CutLayer, Tensor, Tensor]:
    """Two pixels, two classes that may not be split; class 0 is cheaper for both, and they attract."""
    layer = CutLayer([(0, 1)], [False, False], perturbation=at_step(step, num_samples=1))
    node_costs = torch.tensor([[[[0.0, 0.0]], [[1.0, 0.4]]]], requires_grad=True)
    return layer, node_costs, torch.tensor([[[[0.5, 0.0]]]], requires_grad=True)


def two_squares() -> tuple[Tensor, Tensor, Truth]:
    """A wall (class 0, stuff) with two windows (class 1) which the costs neither find nor tell apart."""
    semantic = torch.zeros(1, 10, 12, dtype=torch.int64)
    instances = torch.zeros_like(semantic)
    for number, left in enumerate((1, 6), start=1):
        semantic[0, 2:8, left : left + 5] = 1
        instances[0, 2:8, left : left + 5] = number
    noise = torch.Generator().manual_seed(1)
    node_costs = 0.5 * torch.randn(1, 2, 10, 12, generator=noise)
    affinity_costs = 1 + 0.5 * torch.randn(1, 2, 10, 12, generator=noise)
    return node_costs.requires_grad_(), affinity_costs.requires_grad_(), Truth(semantic, instances)


def iou_loss(masks: PanopticMasks) -> Tensor:
    """The mean of 1 - IoU over all segments, predicted or missed."""
    both = [(z * t).sum((1, 2)) for z, t in zip(masks.masks, masks.truth, strict=True)]
    either = [(z + t - z * t).sum((1, 2)) for z, t in zip(masks.masks, masks.truth, strict=True)]
    return 1 - (torch.cat(both) / torch.cat(either).clamp(min=1)).mean()


@pytest.mark.parametrize(
    ("step", "node", "edge"), [(0.1, 0.0, 0.0), (0.5, 2.0, 2.0), (1.0, 1.0, 1.0), (5.0, 0.2, 0.2)]
)
def test_a_pixel_that_should_change_class_does_so_from_some_step_on(step: float, node: float, edge: float):
    """The gradient at pixel 1 is (+1, -1). It stays at class 0 for lambda = 0.1: 0.1 < 0.4 - 0.1 + 0.5.
    For lambda = 0.5 both labels 0 cost 0.5, and labels (0, 1) -0.1 + 0.5 = 0.4: x changes by (-1, 1), y by 1,
    both over lambda."""
    layer, node_costs, affinity_costs = pair(step)
    truth = Truth(torch.tensor([[[0, 1]]]), torch.zeros(1, 1, 2, dtype=torch.int64))
    masks = layer(node_costs, affinity_costs, truth=truth)
    assert masks.categories[0].tolist() == [0, 1]
    (masks.masks[0][0, 0, 1] - masks.masks[0][1, 0, 1]).backward()
    assert node_costs.grad is not None
    assert affinity_costs.grad is not None
    assert_close(node_costs.grad[0, :, 0], torch.tensor([[0.0, -node], [0.0, node]]))
    assert_close(affinity_costs.grad[0, 0, 0], torch.tensor([edge, 0.0]))


def test_void_pixels_and_their_edges_have_no_gradient():
    """As above at lambda = 0.5, but pixel 1 is void: it changes its class all the same, and is left out."""
    layer, node_costs, affinity_costs = pair(0.5)
    truth = Truth(torch.tensor([[[0, 255]]]), torch.zeros(1, 1, 2, dtype=torch.int64))
    masks = layer(node_costs, affinity_costs, truth=truth)
    (2 * masks.masks[0][0, 0, 1]).backward()
    assert_close(node_costs.grad, torch.zeros_like(node_costs))
    assert_close(affinity_costs.grad, torch.zeros_like(affinity_costs))
    assert masks.valid.tolist() == [[[True, False]]]


def test_segments_stand_next_to_their_true_segments():
    """Columns 0-1 are one instance, 2-3 another, 4 is class 1 (stuff). The truth has an instance in columns
    2-4 (IoU 2/3 with the second), one in column 5, which nobody finds, and a crowd in column 0."""
    layer = CutLayer([(0, 1)], [True, False], min_size=1)
    prefer = torch.tensor([0, 0, 0, 0, 1, 1])
    node_costs = 10.0 * (prefer != torch.arange(2)[:, None])[None, :, None]
    affinity_costs = torch.tensor([[[[1.0, -2.0, 1.0, 0.0, 1.0, 0.0]]]])
    truth = Truth(torch.tensor([[[0, 255, 0, 0, 0, 0]]]), torch.tensor([[[0, 0, 7, 7, 7, 2]]]))
    masks = layer(node_costs, affinity_costs, truth=truth)
    assert masks.masks[0][:, 0].int().tolist() == [
        [1, 1, 0, 0, 0, 0],
        [0, 0, 1, 1, 0, 0],
        [0, 0, 0, 0, 1, 1],
        [0, 0, 0, 0, 0, 0],
    ]
    assert masks.truth[0][:, 0].int().tolist() == [
        [0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 1, 0],
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 1],
    ]
    assert masks.categories[0].tolist() == [0, 0, 1, 0]
    assert masks.valid[0, 0].tolist() == [False, False, True, True, True, True]
    assert masks.clusters[0, 0].tolist() == [0, 0, 1, 1, 2, 2]
    assert len(masks) == 1


def test_small_things_have_no_mask_but_stuff_has():
    layer = CutLayer([(0, 1)], [True, False], min_size=3)
    node_costs = 10.0 * (torch.tensor([0, 0, 1, 0, 0, 0]) != torch.arange(2)[:, None])[None, :, None]
    masks = layer(node_costs, torch.ones(1, 1, 1, 6))
    assert masks.masks[0][:, 0].int().tolist() == [[0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]
    assert masks.labels[0, 0].tolist() == [0, 0, 1, 0, 0, 0]


def test_descending_the_costs_finds_both_windows():
    node_costs, affinity_costs, truth = two_squares()
    layer = CutLayer(NEIGHBOURS, [False, True])
    optimizer = torch.optim.Adam([node_costs, affinity_costs], lr=0.3)
    losses = []
    for _ in range(25):
        loss = iou_loss(layer(node_costs, affinity_costs, truth=truth))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 0.5
    assert losses[-1] < 0.1


def test_a_batch_has_the_gradients_of_its_images_on_any_number_of_threads():
    random = torch.Generator().manual_seed(2)
    costs = [torch.randn(3, planes, 9, 7, generator=random) for planes in (3, 2)]

    def gradients(images: slice, threads: int) -> list[Tensor]:
        layer = CutLayer(NEIGHBOURS, [False, True, True], perturbation=at_step(20.0), threads=threads)
        leaves = [c[images].clone().requires_grad_() for c in costs]
        masks = layer(*leaves)
        torch.stack([(z.cumsum(0) ** 2).sum() for z in masks.masks]).sum().backward()
        return [leaf.grad for leaf in leaves if leaf.grad is not None]

    together = gradients(slice(None), 2)
    alone = [gradients(slice(i, i + 1), 1) for i in range(3)]
    for number, whole in enumerate(together):
        assert whole.abs().sum() > 0
        assert torch.equal(whole, torch.cat([parts[number] for parts in alone]))


def test_the_seed_decides_the_steps_and_every_pass_has_its_own():
    first, again, other = (Perturbation().draw(torch.Generator().manual_seed(seed), 4) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert len(np.unique(np.concatenate([first, other]))) == 2 * 4 * 5
    assert first.min() >= 1
    assert first.max() <= 5000


@given(
    seed=st.integers(0, 10**6), size=st.tuples(st.integers(1, 9), st.integers(1, 9)), things=st.integers(0, 3)
)
@settings(max_examples=20, deadline=None)
def test_masks_tile_the_image_and_no_perturbation_is_no_gradient(
    seed: int, size: tuple[int, int], things: int
):
    random = torch.Generator().manual_seed(seed)
    node_costs = torch.randn(2, 3, *size, generator=random).requires_grad_()
    affinity_costs = torch.randn(2, 2, *size, generator=random).requires_grad_()
    layer = CutLayer(NEIGHBOURS, [k < things for k in range(3)], min_size=1)
    masks = layer(node_costs, affinity_costs)
    for z, categories, labels in zip(masks.masks, masks.categories, masks.labels, strict=True):
        assert_close(z.sum(0), torch.ones(size))
        assert torch.equal((z * categories[:, None, None]).sum(0).long(), labels)
    torch.stack([0 * z.sum() for z in masks.masks]).sum().backward()
    assert node_costs.grad is not None
    assert not node_costs.grad.any()


@pytest.mark.parametrize("splittable", [[True], [False]])
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (4, 1)])
def test_one_class_and_one_pixel_work(splittable: list[bool], size: tuple[int, int]):
    node_costs = torch.zeros(1, 1, *size, requires_grad=True)
    truth = Truth(torch.full((1, *size), 255), torch.zeros(1, *size, dtype=torch.int64))
    layer = CutLayer([*NEIGHBOURS, (7, -7)], splittable, min_size=1)
    masks = layer(node_costs, torch.ones(1, 3, *size), truth=truth)
    masks.masks[0].sum().backward()
    assert masks.masks[0].shape == (1, *size)
    assert not masks.truth[0].any()
    assert_close(node_costs.grad, torch.zeros_like(node_costs))


def test_an_image_without_masks_and_a_loss_without_an_image_work():
    layer = CutLayer([], [True], min_size=2)
    node_costs = torch.zeros(2, 1, 3, 3, requires_grad=True)
    masks = layer(node_costs, torch.zeros(2, 0, 3, 3))
    assert masks.masks[0].shape == (0, 3, 3)
    masks.masks[0].sum().backward()
    assert_close(node_costs.grad, torch.zeros_like(node_costs))


def test_half_precision_costs_have_half_precision_gradients():
    node_costs, affinity_costs, truth = two_squares()
    layer = CutLayer(NEIGHBOURS, [False, True])
    halves = [costs.detach().bfloat16().requires_grad_() for costs in (node_costs, affinity_costs)]
    with torch.autocast("cpu", torch.bfloat16):
        masks = layer(*halves, truth=truth)
        loss = iou_loss(masks)
    loss.backward()
    assert masks.masks[0].dtype == torch.float32
    assert all(half.grad is not None and half.grad.dtype == torch.bfloat16 for half in halves)


def test_a_scaled_loss_has_scaled_gradients():
    grads = []
    for scale in (1.0, 1024.0):
        node_costs, affinity_costs, truth = two_squares()
        layer = CutLayer(NEIGHBOURS, [False, True])
        (scale * iou_loss(layer(node_costs, affinity_costs, truth=truth, loss_scale=scale))).backward()
        assert node_costs.grad is not None
        grads.append(node_costs.grad / scale)
    assert grads[0].any()
    assert_close(grads[0], grads[1])


def test_a_gradient_that_overflowed_stays_in_its_image():
    layer = CutLayer([(0, 1)], [False, False])
    node_costs = torch.randn(2, 2, 3, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    masks = layer(node_costs, torch.ones(2, 1, 3, 3))
    (masks.masks[0].sum() * torch.inf + masks.masks[1].sum()).backward()
    assert node_costs.grad is not None
    assert node_costs.grad[0].isnan().all()
    assert node_costs.grad[1].isfinite().all()


def test_without_gradients_the_layer_just_cuts():
    node_costs, affinity_costs, truth = two_squares()
    with torch.no_grad():
        masks = CutLayer(NEIGHBOURS, [False, True])(node_costs, affinity_costs, truth=truth)
    assert not masks.masks[0].requires_grad


def test_copies_draw_the_same_steps():
    layer = CutLayer(NEIGHBOURS, [False, True], seed=3)
    first = draw_steps(layer.random_state, 1, 5, 1.0, 9.0)
    draws = [
        draw_steps(twin.random_state, 1, 5, 1.0, 9.0)
        for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), layer)
    ]
    assert torch.equal(draws[0], draws[2])
    assert torch.equal(draws[1], draws[2])
    assert not torch.equal(first, draws[2])
    generator = torch.Generator().manual_seed(3)
    assert np.array_equal(first, Perturbation(lowest=1.0, highest=9.0).draw(generator, 1))


class Steps(torch.utils.data.Dataset):
    """Each sample is the gradient of one step, as a loader that mines hard examples may want."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Tensor:
        node_costs, affinity_costs, truth = two_squares()
        iou_loss(CutLayer(NEIGHBOURS, [False, True])(node_costs, affinity_costs, truth=truth)).backward()
        assert node_costs.grad is not None
        return node_costs.grad


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_workers_of_a_loader_get_the_same_gradients():
    here = Steps()[0]  # threads have been started in this process before the workers are forked
    loader = torch.utils.data.DataLoader(Steps(), num_workers=1, multiprocessing_context="fork")
    for there in loader:
        assert torch.equal(there[0], here)


class Network(torch.nn.Module):
    """Costs by one convolution, cut into masks, of which a loss sees the first of each image."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.costs = torch.nn.Conv2d(3, 4, 1)
        self.cut = CutLayer(NEIGHBOURS, [False, True], min_size=1, perturbation=at_step(20.0))

    def forward(self, images: Tensor) -> Tensor:
        costs = self.costs(images)
        return torch.stack([(z[0] ** 2).sum() for z in self.cut(costs[:, :2], costs[:, 2:]).masks]).sum()


class Indicators(torch.nn.Module):
    """Costs by one convolution, cut into the indicators of classes and of pairs."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.costs = torch.nn.Conv2d(3, 4, 1)
        self.cut = CutIndicatorLayer(NEIGHBOURS, [False, True], perturbation=at_step(20.0))

    def forward(self, images: Tensor) -> Tensor:
        costs = self.costs(images)
        cut = self.cut(costs[:, :2], costs[:, 2:])
        return (cut.x * torch.arange(2.0)[:, None, None]).sum() - cut.y.square().sum()


def gradient_of_one_process(rank: int, folder: str, network_type: type[torch.nn.Module]) -> None:
    store = f"file://{folder}/store"
    torch.distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=2)
    network = torch.nn.parallel.DistributedDataParallel(network_type())
    images = torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    network(images[2 * rank : 2 * rank + 2]).backward()
    torch.save(network.module.costs.weight.grad, f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize("network_type", [Network, Indicators])
def test_two_processes_share_the_gradient_of_all_images(tmp_path: Path, network_type: type):
    """Their mean: half of what one process has that sums over all four."""
    spawn(gradient_of_one_process, args=(str(tmp_path), network_type), nprocs=2)
    alone = network_type()
    alone(torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(0))).backward()
    assert alone.costs.weight.grad is not None
    assert alone.costs.weight.grad.any()
    for rank in range(2):
        assert_close(torch.load(tmp_path / f"{rank}.pt", weights_only=True), alone.costs.weight.grad / 2)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`num_samples` must be at least 1"):
        Perturbation(num_samples=0)
    with pytest.raises(ValueError, match="`lowest` must be above 0"):
        Perturbation(lowest=0.0)
    with pytest.raises(ValueError, match="`threads` must be at least 1"):
        CutLayer(NEIGHBOURS, [True], threads=0)
    with pytest.raises(ValueError, match="`min_size` must be at least 1"):
        CutLayer(NEIGHBOURS, [True], min_size=0)
    layer = CutLayer(NEIGHBOURS, [False, True])
    nodes, edges = torch.zeros(1, 2, 3, 3), torch.zeros(1, 2, 3, 3)
    with pytest.raises(ValueError, match="`node_costs` must be finite"):
        layer(nodes / 0, edges)
    with pytest.raises(ValueError, match="`node_costs` must be of at least one image"):
        layer(nodes[:0], edges[:0])
    with pytest.raises(ValueError, match="`affinity_costs` must be of as many images"):
        CutGrid(NEIGHBOURS, [True, False]).problems(nodes, edges[:0])
    with pytest.raises(ValueError, match=r"`splittable` must be shaped \(3,\)"):
        layer(torch.zeros(1, 3, 3, 3), edges)
    zeros = torch.zeros(1, 3, 3, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"`truth.semantic` must be shaped \(1, 3, 3\)"):
        layer(nodes, edges, truth=Truth(zeros[:, :2], zeros))
    with pytest.raises(ValueError, match=r"`truth.semantic` must be in \[0, 2\) or 255, got 9"):
        layer(nodes, edges, truth=Truth(zeros + 9, zeros))
    with pytest.raises(ValueError, match=r"`truth.instances` must be at least 0, got -1"):
        layer(nodes, edges, truth=Truth(zeros, zeros - 1))


def cost_of(layer: CutLayer, node_costs: Tensor, affinity_costs: Tensor) -> float:
    masks = layer(node_costs, affinity_costs)
    problem = GridProblem(node_costs[0].numpy(), affinity_costs[0].numpy(), NEIGHBOURS, [True, True, False])
    return problem.cost(masks.labels[0].numpy(), masks.clusters[0].numpy())


def test_a_refined_layer_finds_cuts_that_cost_less():
    plain, refined = (CutLayer(NEIGHBOURS, [True, True, False], refine=refine) for refine in (False, True))
    gains = []
    for seed in range(8):
        noise = torch.Generator().manual_seed(seed)
        costs = (torch.randn(1, 3, 12, 12, generator=noise), torch.randn(1, 2, 12, 12, generator=noise))
        gains.append(cost_of(plain, *costs) - cost_of(refined, *costs))
        problem = GridProblem(costs[0][0].numpy(), costs[1][0].numpy(), NEIGHBOURS, [True, True, False])
        assert cost_of(refined, *costs) <= solve(problem, refine=True).cost + 1e-3
    assert min(gains) > -1e-3
    assert max(gains) > 0.01
