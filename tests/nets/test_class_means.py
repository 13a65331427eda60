"""Class means: what each mode returns, keeps and lets gradients through; several processes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.multiprocessing.spawn import spawn
from torch.testing import assert_close

from intarsia.errors import InputError
from intarsia.losses import class_sums
from intarsia.nets import ClassMeans, ClassMeansConfig, MeanSource, nearest_mean_logits

LABELS = torch.tensor([[0, 0, 1, 255], [1, 1, 1, 255]])
FEATURES = torch.tensor([[[1.0, 3.0, 5.0, 9.0]], [[7.0, 7.0, 9.0, 9.0]]])  # class means 2 and 7


def means_of(source: MeanSource, **options) -> ClassMeans:
    return ClassMeans(ClassMeansConfig(mean_source=source, **options), 3, 1, min_class_points=1).train()


def test_sums_are_over_the_whole_batch_and_pass_gradients():
    features = FEATURES.clone().requires_grad_()
    sums = class_sums(features, LABELS, 3)
    assert sums.means[:, 0].tolist() == [2.0, 7.0, 0.0]
    assert sums.counts.tolist() == [2.0, 4.0, 0.0]
    sums.means[1].sum().backward()
    assert features.grad is not None
    assert features.grad[:, 0].tolist() == [[0, 0, 0.25, 0], [0.25, 0.25, 0.25, 0]]
    nothing = class_sums(FEATURES, torch.full_like(LABELS, 255), 3)
    assert not nothing.means.any()


def test_the_batch_s_means_have_a_gradient_and_leave_an_average():
    means, features = means_of("batch", mean_momentum=0.75), FEATURES.clone().requires_grad_()
    first = means(features, LABELS)
    assert first[:2, 0].tolist() == [2.0, 7.0]
    assert first.requires_grad
    means(FEATURES + 4, LABELS)
    assert means.means[:2, 0].tolist() == [3.0, 8.0]  # the first batch whole, a quarter of the second
    assert means.known.tolist() == [True, True, False]


def test_a_class_with_few_pixels_keeps_its_mean():
    means = ClassMeans(ClassMeansConfig(), 3, 1, min_class_points=3).train()
    start = means.means[0].clone()
    assert_close(means(FEATURES, LABELS)[0], start)
    assert means.known.tolist() == [False, True, False]


@pytest.mark.parametrize("source", ["ema", "online"])
def test_stored_means_have_no_gradient(source: MeanSource):
    means, features = means_of(source), FEATURES.clone().requires_grad_()
    found = means(features, LABELS)
    assert not found.requires_grad
    assert found[:2, 0].tolist() == [2.0, 7.0]


def test_online_means_weigh_by_pixels_until_they_are_reset():
    """Class 0: mean 2 of two pixels, then mean 8 of one: (2 * 2 + 8) / 3 = 4."""
    second = torch.tensor([[0, 255, 255, 255], [255] * 4])
    for reset_every, expected in ((0, 4.0), (1, 8.0)):
        means = means_of("online", mean_reset_every=reset_every)
        means(FEATURES, LABELS)
        assert means(FEATURES + 7, second)[0].item() == pytest.approx(expected)


def test_learned_means_are_parameters_that_a_batch_does_not_move():
    means = means_of("learned")
    before = means.means.detach().clone()
    assert_close(means(FEATURES, LABELS), before)
    assert means.means.requires_grad
    assert means.known.tolist() == [True, True, False]


@pytest.mark.parametrize("source", ["batch", "ema", "online", "learned"])
def test_evaluation_changes_nothing(source: MeanSource):
    means = means_of(source).eval()
    before = {name: x.clone() for name, x in means.state_dict().items()}
    means(FEATURES, LABELS)
    assert all(torch.equal(x, before[name]) for name, x in means.state_dict().items())


def test_means_start_apart():
    distance = torch.cdist(
        ClassMeans(ClassMeansConfig(), 6, 6).means, ClassMeans(ClassMeansConfig(), 6, 6).means
    )
    assert_close(distance + 18**0.5 * torch.eye(6), torch.full((6, 6), 18**0.5), atol=1e-4, rtol=0)
    crowded = ClassMeans(ClassMeansConfig(), 19, 4).means
    assert torch.cdist(crowded, crowded).add(torch.eye(19) * 9).min() > 0.1


def test_logits_are_scaled_squared_distances():
    logits = nearest_mean_logits(
        torch.tensor([[[[0.0, 3.0]]]]), torch.tensor([[0.0], [1.0]]), torch.tensor([0.0, 2.0]).log1p()
    )
    assert_close(logits, torch.tensor([[[[0.0, -9.0]], [[-3.0, -12.0]]]]))


def test_unknown_modes_are_refused():
    with pytest.raises(InputError, match=r"`mean_momentum` must be in \[0, 1\), got 1"):
        ClassMeansConfig(mean_momentum=1.0)
    with pytest.raises(InputError, match="`mean_reset_every` must be at least 0"):
        ClassMeansConfig(mean_reset_every=-1)


def one_process(rank: int, folder: str) -> None:
    """Each process has one image of the batch; both must find the means and gradients of the whole."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    features = FEATURES[rank : rank + 1].clone().requires_grad_()
    means = means_of("batch")(features, LABELS[rank : rank + 1])
    (means[1] * (rank + 1.0)).sum().backward()
    torch.save({"means": means.detach(), "gradient": features.grad}, f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_several_processes_share_their_means(tmp_path):
    """The losses, 1 and 2 times the mean of class 1, have the gradient 3/4 at each of its pixels."""
    spawn(one_process, (str(tmp_path),), nprocs=2)
    found = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    for one in found:
        assert one["means"][:2, 0].tolist() == [2.0, 7.0]
    gradient: Tensor = torch.cat([one["gradient"] for one in found])[:, 0]
    assert gradient.tolist() == [[0, 0, 0.75, 0], [0.75, 0.75, 0.75, 0]]
