"""The discriminative loss: golden values, the sums written out, and what must not matter."""

from __future__ import annotations

import itertools
from typing import Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from intarsia.losses import DiscriminativeTerms, discriminative_loss, discriminative_terms
from intarsia.losses._instance_table import pairs_within_groups

Reduction = Literal["paper", "authors_sum", "pixel_weighted"]
REDUCTIONS: tuple[Reduction, ...] = ("paper", "authors_sum", "pixel_weighted")


def three_instances() -> tuple[Tensor, Tensor]:
    points = [(0.0, 0.0), (1.0, 0.0), (0.0, 2.0), (2.0, 0.0), (2.0, 0.4), (5.0, 5.0)]
    return torch.tensor(points).T.reshape(1, 2, 1, 6), torch.tensor([[[1, 1, 1, 2, 2, 3]]])


def random_case(
    seed: int, num_instances: int = 5, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    embeddings = torch.randn(2, 3, 6, 8, generator=generator, dtype=dtype) * 2
    return embeddings.requires_grad_(), torch.randint(0, num_instances + 1, (2, 6, 8), generator=generator)


def random_categories(seed: int, num_instances: int = 5) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randint(0, 3, (num_instances,), generator=generator) for _ in range(2))  # pyright: ignore


def terms_of_one_category(members: list[Tensor], norm: int, reduction: Reduction) -> Tensor:
    """Variance, distance, regularization of the instances of one category, as the paper writes the sums."""
    num = len(members)
    means = [m.mean(0) for m in members]
    strays = [
        (torch.linalg.vector_norm(m - mean, norm, dim=1) - 0.5).clamp(min=0) ** 2
        for m, mean in zip(members, means, strict=True)
    ]
    pushes = [
        (3.0 - torch.linalg.vector_norm(a - b, norm)).clamp(min=0) ** 2
        for a, b in itertools.combinations(means, 2)
    ]
    push = torch.stack(pushes).sum() if pushes else torch.tensor(0.0)
    regularization = sum(torch.linalg.vector_norm(m, norm) for m in means) / num
    if reduction == "authors_sum":
        variance = sum(s.mean() for s in strays)
        return torch.stack(
            [torch.as_tensor(x) for x in (variance, push / max(num - 1, 1), torch.tensor(0.0))]
        )
    variance = (
        torch.cat(strays).mean() if reduction == "pixel_weighted" else sum(s.mean() for s in strays) / num
    )
    return torch.stack(
        [torch.as_tensor(x) for x in (variance, 2 * push / max(num * (num - 1), 1), regularization)]
    )


def slow_terms(
    embeddings: Tensor,
    instances: Tensor,
    categories: tuple[Tensor, ...] | None,
    norm: int,
    reduction: Reduction,
) -> Tensor:
    """b 3, category by category."""
    rows = []
    for image, (x, ids) in enumerate(zip(embeddings, instances, strict=True)):
        groups: dict[int, list[Tensor]] = {}
        for i in sorted(set(ids.flatten().tolist()) - {0}):
            category = int(categories[image][i - 1]) if categories else 0
            groups.setdefault(category, []).append(x[:, ids == i].T)
        terms = [terms_of_one_category(members, norm, reduction) for members in groups.values()]
        total = torch.stack(terms).sum(0) if terms else torch.zeros(3)
        rows.append(total if reduction == "authors_sum" else total / max(len(terms), 1))
    return torch.stack(rows)


def stacked(terms: DiscriminativeTerms) -> Tensor:
    return torch.stack([terms.variance, terms.distance, terms.regularization], dim=1)


def test_the_golden_values():
    embeddings, instances = three_instances()
    terms = discriminative_terms(embeddings, instances)
    assert_close(stacked(terms), torch.tensor([[0.113422, 0.536984, 3.275466]]), atol=1e-6, rtol=0)
    loss = discriminative_loss(embeddings, instances)
    assert_close(loss, torch.tensor([0.653682]), atol=1e-6, rtol=0)


def test_the_golden_values_of_the_authors_reduction():
    terms = discriminative_terms(*three_instances(), reduction="authors_sum")
    assert_close(stacked(terms), torch.tensor([[0.340267, 0.805476, 0.0]]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("by_category", [False, True])
def test_the_scatter_form_equals_the_sums(by_category: bool, norm: int, reduction: Reduction):
    embeddings, instances = random_case(0)
    categories = random_categories(1) if by_category else None
    expected = slow_terms(embeddings, instances, categories, norm, reduction)
    got = stacked(
        discriminative_terms(embeddings, instances, categories=categories, norm=norm, reduction=reduction)
    )
    assert_close(got, expected, atol=1e-5, rtol=1e-5)
    factors = torch.tensor([[1.0, 2.0, 0.5], [0.3, 1.0, 2.0]])
    (slow_gradient,) = torch.autograd.grad((expected * factors).sum(), embeddings)
    (gradient,) = torch.autograd.grad((got * factors).sum(), embeddings)
    assert_close(gradient, slow_gradient, atol=1e-5, rtol=1e-4)


def test_instances_of_two_categories_may_share_a_place():
    embeddings = torch.zeros(1, 2, 1, 4)
    instances = torch.tensor([[[1, 1, 2, 2]]])
    together = discriminative_terms(embeddings, instances, categories=(torch.tensor([3, 3]),))
    apart = discriminative_terms(embeddings, instances, categories=(torch.tensor([3, 8]),))
    assert_close(together.distance, torch.tensor([9.0]), atol=1e-3, rtol=0)  # (2 delta_d)^2
    assert apart.distance.item() == 0


@given(st.integers(0, 2**31))
@settings(max_examples=30)
def test_renumbering_instances_and_moving_pixels_change_nothing(seed: int):
    embeddings, instances = random_case(seed)
    generator = torch.Generator().manual_seed(seed)
    names = torch.cat([torch.zeros(1, dtype=torch.long), 1 + torch.randperm(40, generator=generator)[:5]])
    order = torch.randperm(48, generator=generator)
    moved = embeddings.flatten(2)[:, :, order].reshape(embeddings.shape)
    renamed = names[instances].flatten(1)[:, order].reshape(instances.shape)
    assert_close(discriminative_loss(moved, renamed), discriminative_loss(embeddings, instances))


@given(st.integers(0, 2**31))
@settings(max_examples=20)
def test_images_do_not_see_each_other(seed: int):
    embeddings, instances = random_case(seed)
    both = discriminative_loss(embeddings, instances, categories=random_categories(seed))
    for i in range(2):
        one = (random_categories(seed)[i],)
        alone = discriminative_loss(embeddings[i : i + 1], instances[i : i + 1], categories=one)
        assert_close(both[i : i + 1], alone)


def test_tight_and_distant_instances_cost_only_the_regularization():
    instances = torch.tensor([[[1, 1, 2, 2, 0]]])
    embeddings = torch.tensor([0.0, 0.4, 9.0, 9.9, 4.0]).reshape(1, 1, 1, 5)
    assert discriminative_loss(embeddings, instances, gamma=0.0).item() == 0


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("norm", [1, 2])
def test_the_gradient_is_the_derivative(norm: int, reduction: Reduction):
    embeddings, instances = random_case(7, num_instances=3, dtype=torch.float64)
    small = embeddings.detach()[:, :, :3, :4].clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: discriminative_loss(x, instances[:, :3, :4], norm=norm, reduction=reduction), small
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 2), (0, 4)])
@pytest.mark.parametrize("instance", [0, 1])
def test_none_one_and_equal_embeddings_have_finite_gradients(
    instance: int, height: int, width: int, reduction: Reduction
):
    embeddings = torch.zeros(2, 3, height, width, requires_grad=True)
    instances = torch.full((2, height, width), instance)
    loss = discriminative_loss(embeddings, instances, reduction=reduction)
    loss.sum().backward()
    assert_close(loss, torch.zeros(2), atol=1e-6, rtol=0)
    assert embeddings.grad is not None
    assert embeddings.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype):
    embeddings, instances = random_case(8)
    half = embeddings.detach().to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = discriminative_loss(half, instances)
    assert_close(loss, discriminative_loss(half.detach().float(), instances))
    loss.sum().backward()
    assert half.grad is not None
    assert half.grad.isfinite().all()


def test_thousands_of_instances_in_one_image():
    side = 60
    embeddings = torch.rand(1, 2, side, side, generator=torch.Generator().manual_seed(9)) * 1000
    instances = torch.arange(1, side * side + 1).reshape(1, side, side)
    loss = discriminative_loss(embeddings.requires_grad_(), instances, gamma=0.0)
    loss.sum().backward()
    means = embeddings.detach().flatten(2)[0].T
    close = (3.0 - torch.pdist(means)).clamp(min=0).square().sum() * 2 / (side**2 * (side**2 - 1))
    assert_close(loss.detach()[0], close, rtol=1e-3, atol=1e-9)


def test_pairs_listed_in_chunks_are_the_same_pairs():
    group = torch.randint(0, 4, (30,), generator=torch.Generator().manual_seed(10))
    whole = torch.stack(pairs_within_groups(group, keep=lambda a, b: a != b))
    parts = torch.stack(pairs_within_groups(group, keep=lambda a, b: a != b, chunk=7))
    assert_close(whole, parts)
    expected = {(a, b) for a, b in itertools.combinations(range(30), 2) if group[a] == group[b]}
    assert {tuple(sorted(p)) for p in whole.T.tolist()} == expected


def test_an_instance_without_a_category_is_refused():
    embeddings, instances = three_instances()
    with pytest.raises(
        ValueError, match=r"`categories\[0\]` must be at least 3 long, as `instances` says, got 2"
    ):
        discriminative_loss(embeddings, instances, categories=(torch.tensor([0, 1]),))


def test_categories_of_another_number_of_images_are_refused():
    embeddings, instances = three_instances()
    with pytest.raises(ValueError, match=r"`categories` must be one tensor an image \(1\), got 0"):
        discriminative_loss(embeddings, instances, categories=())


def test_a_negative_instance_is_refused():
    with pytest.raises(ValueError, match="`instances` must be at least 0, got -1"):
        discriminative_loss(torch.zeros(1, 1, 1, 1), torch.full((1, 1, 1), -1))


def test_an_unknown_norm_is_refused():
    with pytest.raises(ValueError, match="`norm` must be 1 or 2, got 3"):
        discriminative_loss(*three_instances(), norm=3)
