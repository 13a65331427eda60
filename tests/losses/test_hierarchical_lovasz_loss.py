"""The hierarchical Lovász loss: values worked by hand, the sums written out, and what must not matter."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import one_hot
from torch.testing import assert_close

from intarsia.errors import InputError
from intarsia.losses import (
    HierarchicalLovaszOptions,
    HierarchicalLovaszTerms,
    batch_hierarchical_lovasz_terms,
    hierarchical_lovasz_loss,
    hierarchical_lovasz_terms,
)
from tests.losses.lovasz_reference import hinge_of_one_mask

MARGIN = 1.17741  # sqrt(2 log 2), in units of σ
SHOWN = HierarchicalLovaszOptions(min_class_points=1)
KINDS = ("lovasz", "hinge", "bce", "focal")


def random_case(seed: int, dtype: torch.dtype = torch.float32, num_instances: int = 4) -> dict[str, Any]:
    """Two images of 6x7 pixels, five dimensions, three categories, some void, some crowd."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=dtype)

    instances = torch.randint(0, num_instances + 1, (2, 6, 7), generator=generator)
    semantic = torch.randint(0, 3, (2, 6, 7), generator=generator)
    semantic[torch.rand(semantic.shape, generator=generator) < 0.1] = 255
    instances[semantic == 255] = 0
    return {
        "embeddings": drawn(2, 5, 6, 7).requires_grad_(),
        "instances": instances,
        "semantic": semantic,
        "seeds": drawn(2, 6, 7).sigmoid().requires_grad_(),
        "sharpness": (drawn(2, 6, 7) * 0.05 - 0.05).requires_grad_(),
        "crowd": (instances == 0) & (torch.rand(semantic.shape, generator=generator) < 0.2),
    }


def terms_of(
    case: dict[str, Any], *, function: Any = batch_hierarchical_lovasz_terms, **changes: Any
) -> HierarchicalLovaszTerms:
    """The terms of a case with some of its tensors, or of the options, changed."""
    case = case | changes
    tensors = [case.pop(name) for name in ("embeddings", "instances", "semantic")]
    names = [field.name for field in dataclasses.fields(HierarchicalLovaszOptions)]
    options = {name: case.pop(name) for name in names if name in case}
    return function(*tensors, **case, options=HierarchicalLovaszOptions(**options))


def total(terms: HierarchicalLovaszTerms) -> Tensor:
    return terms.instance + terms.category + terms.seed + terms.variance + terms.hierarchy


def written_out(case: dict[str, Any], *, category_from: int) -> dict[str, Tensor]:
    """The formulas of the docstring, one instance and one category at a time."""
    embeddings, instances, semantic = case["embeddings"], case["instances"], case["semantic"]
    counted, distinct = semantic != 255, (semantic != 255) & ~case["crowd"]
    hinges, variances, hierarchy = [], [], []
    seed = (case["seeds"].square() * (distinct & (instances == 0))).sum()
    for b, ids in enumerate(instances):
        for k in sorted(set(ids.flatten().tolist()) - {0}):
            mine = ids == k
            v = case["sharpness"][b][mine]
            precision = torch.exp(10 * v.mean())
            center = embeddings[b][:, mine].mean(1)
            phi = torch.exp(-precision * (embeddings[b] - center[:, None, None]).square().sum(0))
            hinges.append(hinge_of_one_mask((2 * phi - 1)[distinct[b]], mine[distinct[b]]))
            variances.append((v - v.mean().detach()).square().mean())
            seed = seed + 10 * (case["seeds"][b][mine] - phi[mine].detach()).square().sum()
            hierarchy.append((2 * (1 / (2 * precision)).sqrt() - 1).clamp(min=0))
    pixels, classes = embeddings[:, category_from:].movedim(1, 3)[counted], semantic[counted]
    categories = []
    for c in classes.unique():
        psi = torch.exp(-(pixels - pixels[classes == c].mean(0)).square().sum(1) / 2)
        categories.append(hinge_of_one_mask(2 * psi - 1, classes == c))
    return {
        "instance": torch.stack(hinges).mean(),
        "category": torch.stack(categories).mean(),
        "seed": seed / distinct.sum(),
        "variance": torch.stack(variances).mean(),
        "hierarchy": torch.stack(hierarchy).mean(),
    }


@pytest.mark.parametrize("category_from", [0, 2])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_batched_form_equals_the_sums(seed: int, category_from: int):
    case = random_case(seed)
    terms = terms_of(case, category_from=category_from, min_class_points=1)
    expected = written_out(case, category_from=category_from)
    leaves = [case[name] for name in ("embeddings", "seeds", "sharpness")]
    for name, value in expected.items():
        got = getattr(terms, name)
        assert_close(got, value, rtol=1e-5, atol=1e-6)
        ours = torch.autograd.grad(got, leaves, retain_graph=True, allow_unused=True, materialize_grads=True)
        theirs = torch.autograd.grad(
            value, leaves, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def separated() -> dict[str, Any]:
    """Instances 9 apart in the coordinate, categories 9 apart in the feature, all of σ = 1 / sqrt(2)."""
    instances = torch.tensor([[[1, 1, 2, 2, 3, 0, 0, 0]]])
    semantic = torch.tensor([[[0, 0, 0, 0, 1, 2, 2, 2]]])
    embeddings = torch.stack([9.0 * instances, 9.0 * semantic], dim=1).requires_grad_()
    seeds = (instances > 0).float().requires_grad_()
    return {
        "embeddings": embeddings,
        "instances": instances,
        "semantic": semantic,
        "seeds": seeds,
        "sharpness": torch.zeros(1, 1, 8, requires_grad=True),
    }


def test_perfect_separation_costs_nothing():
    case = separated()
    terms = terms_of(case, category_from=1, min_class_points=1)
    assert [getattr(terms, n).item() for n in ("instance", "category", "seed", "variance")] == [0, 0, 0, 0]
    total(terms).backward()
    assert all(case[name].grad.isfinite().all() for name in ("embeddings", "seeds", "sharpness"))


def test_a_pixel_at_1_17741_sigma_is_half_a_member():
    """Two pixels at +-1.17741 around their mean: φ = 1/2, logit 0, error 1 each, so the hinge is 1.

    A seed of one half then costs nothing.
    """
    embeddings = torch.tensor([[[[-MARGIN, MARGIN]]]], dtype=torch.float64)
    ones = torch.ones(1, 1, 2, dtype=torch.float64)
    sigma_one = ones * (-math.log(2) / 10)
    terms = batch_hierarchical_lovasz_terms(
        embeddings, ones.long(), ones.long(), seeds=ones / 2, sharpness=sigma_one, options=SHOWN
    )
    assert_close(terms.instance, torch.tensor(1.0, dtype=torch.float64), atol=1e-5, rtol=0)
    assert_close(terms.category, torch.tensor(1.0, dtype=torch.float64), atol=1e-5, rtol=0)
    assert float(terms.seed) < 1e-9


def test_golden_values_of_two_instances_that_overlap():
    """λ = 1, means 0.5 and 2: φ_1 = (e^-1/4, e^-1/4, e^-9/4), φ_2 = (e^-4, e^-1, 1).

    Mask 1: errors 2 - 2 e^-1/4 = 0.442398 twice and 2 e^-9/4 = 0.210798; steps 1/2, 1/2 and then none is
    missed: 0.442398. Mask 2: errors 2 e^-1 = 0.735759 (no member), 2 e^-4 (no member) and 0; steps 1/2, 1/6:
    0.367879 + 0.006105 = 0.373985. Mean 0.408191.
    """
    terms = batch_hierarchical_lovasz_terms(
        torch.tensor([[[[0.0, 1.0, 2.0]]]]),
        torch.tensor([[[1, 1, 2]]]),
        torch.zeros(1, 1, 3, dtype=torch.long),
        seeds=torch.zeros(1, 1, 3),
        sharpness=torch.zeros(1, 1, 3),
    )
    assert_close(terms.instance, torch.tensor(0.408191), atol=1e-6, rtol=0)
    assert_close(terms.seed, torch.tensor(10 * (2 * math.exp(-0.5) + 1) / 3))
    assert float(terms.category) == 0  # three pixels are fewer than ten


@pytest.mark.parametrize("kind", ["lovasz", "hinge"])
@pytest.mark.parametrize("what", ["no instance", "one pixel", "one class", "only void", "only crowd"])
def test_gradients_are_finite_whatever_the_truth(what: str, kind: str):
    case = random_case(0)
    if what == "no instance":
        case["instances"] = torch.zeros_like(case["instances"])
    elif what == "one pixel":
        case = {name: x[:1, ..., :1, :1].detach().requires_grad_(x.requires_grad) for name, x in case.items()}
        case["instances"], case["semantic"] = torch.ones(2, 1, 1, 1, dtype=torch.long)
    elif what == "one class":
        case["semantic"] = torch.ones_like(case["semantic"])
    else:
        case["instances"] = torch.zeros_like(case["instances"])
        case["crowd"] = torch.ones_like(case["crowd"])
        if what == "only void":
            case["semantic"] = torch.full_like(case["semantic"], 255)
    terms = terms_of(case, instance_loss=kind, category_loss=kind, min_class_points=1)
    assert total(terms).isfinite()
    total(terms).backward()
    for name in ("embeddings", "seeds", "sharpness"):
        assert case[name].grad.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_agree_with_differences(kind: str):
    case = random_case(3, torch.float64)
    leaves = ("embeddings", "seeds", "sharpness")

    def loss(*values: Tensor) -> Tensor:
        terms = terms_of(
            case | dict(zip(leaves, values, strict=True)),
            instance_loss=kind,
            category_loss=kind,
            min_class_points=1,
        )
        return terms.instance + terms.category

    assert torch.autograd.gradcheck(loss, [case[name] for name in leaves], fast_mode=True)


def test_class_means_given_and_per_class_margins_get_their_gradients():
    case = random_case(1, torch.float64)
    means = torch.randn(
        3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    ).requires_grad_()
    margins = torch.tensor([-1.0, 0.0, 0.5], dtype=torch.float64, requires_grad=True)

    def loss(means: Tensor, margins: Tensor) -> Tensor:
        return terms_of(case, class_means=means, category_log_lambda=margins, min_class_points=1).category

    assert torch.autograd.gradcheck(loss, (means, margins), fast_mode=True)


@given(st.integers(0, 1000))
@settings(max_examples=4, deadline=None)
def test_numbers_of_instances_and_the_order_of_images_do_not_matter(seed: int):
    case = random_case(seed)
    before = terms_of(case)
    renumbered = torch.tensor([0, 7, 3, 9, 1])[case["instances"]]
    assert_close(terms_of(case, instances=renumbered).instance, before.instance)
    flipped = terms_of({name: x.flip(0) for name, x in case.items()})
    assert_close(total(flipped), total(before), rtol=1e-4, atol=1e-5)


def test_moving_all_coordinates_together_changes_nothing():
    case = random_case(0)
    moved = case["embeddings"].detach() + torch.arange(5.0)[:, None, None]
    assert_close(total(terms_of(case, embeddings=moved)), total(terms_of(case)), rtol=1e-4, atol=1e-5)


def test_above_the_limit_instances_are_drawn_from_each_image():
    """Two images of three instances, of which all cost the same: any two of them give the same mean."""
    row = torch.tensor([1, 1, 2, 2, 3, 3])
    embeddings = (one_hot(row, 4) * 0.5).T[None, :, None].repeat(2, 1, 1, 1).float().requires_grad_()
    flat = torch.zeros(2, 1, 6)
    instances = row.repeat(2, 1, 1)
    everything, some = (
        batch_hierarchical_lovasz_terms(
            embeddings,
            instances,
            instances * 0,
            seeds=flat,
            sharpness=flat,
            options=HierarchicalLovaszOptions(max_instances=most),
        )
        for most in (3, 2)
    )
    assert_close(some.instance, everything.instance)
    gradient = torch.autograd.grad(some.instance, embeddings)[0]
    assert (gradient.abs().sum((1, 2, 3)) > 0).all()


def test_a_centre_may_stand_where_it_is_told_to():
    """The position (0, 2) has its mean at 1; embeddings 1, 1 stand there, embeddings 5, 5 do not."""
    embeddings = torch.tensor([[[[1.0, 1.0]]]])
    flat = torch.zeros(1, 1, 2)
    position = torch.tensor([[[0.0, 2.0]]])
    ones = torch.ones(1, 1, 2, dtype=torch.long)

    def hinge(values: Tensor) -> float:
        terms = batch_hierarchical_lovasz_terms(
            values, ones, ones, seeds=flat, sharpness=flat, center_position=position
        )
        return float(terms.instance)

    assert hinge(embeddings) == 0
    assert hinge(embeddings + 4) == pytest.approx(2, abs=1e-5)


def test_crowds_are_no_negatives_of_instances_but_members_of_categories():
    case = separated()
    embeddings = case["embeddings"].detach().clone()
    embeddings[0, :, 0, 5] = embeddings[0, :, 0, 0]  # a pixel of no instance, where instance 1 is
    crowd = torch.zeros(1, 1, 8, dtype=torch.bool)
    crowd[0, 0, 5] = True
    with_crowd = terms_of(case, embeddings=embeddings, crowd=crowd, min_class_points=1, category_from=1)
    without = terms_of(case, embeddings=embeddings, min_class_points=1, category_from=1)
    assert with_crowd.instance.item() == 0 < without.instance.item()
    wrong_class = case["semantic"].clone()
    wrong_class[0, 0, 5] = 1
    assert (
        terms_of(case, semantic=wrong_class, crowd=crowd, min_class_points=1, category_from=1).category > 0.1
    )


def test_absent_categories_push_only_when_asked():
    """The mean of the absent category 1 stands at 3, where a pixel is: its largest error is 2."""
    means = torch.tensor([[0.0], [3.0]])
    flat = torch.zeros(1, 1, 2)
    semantic = torch.zeros(1, 1, 2, dtype=torch.long)

    def category(absent: Any) -> float:
        terms = batch_hierarchical_lovasz_terms(
            torch.tensor([[[[0.0, 3.0]]]]),
            semantic,
            semantic,
            seeds=flat,
            sharpness=flat,
            class_means=means,
            options=HierarchicalLovaszOptions(min_class_points=1, absent=absent),
        )
        return float(terms.category)

    own = 0.5 * (2 - 2 * math.exp(-4.5))  # one of two members has no membership
    assert category("skip") == pytest.approx(own)
    assert category("hinge") == pytest.approx((own + 2) / 2)


def test_half_precision_gives_nearly_the_same():
    case = random_case(0)
    half = {n: x.detach().to(torch.bfloat16) if x.is_floating_point() else x for n, x in case.items()}
    assert total(terms_of(half)).dtype == torch.float32
    assert_close(total(terms_of(half)), total(terms_of(case)), rtol=0.05, atol=0.05)


def test_the_loss_is_the_weighted_sum_of_its_terms():
    case = random_case(0)
    terms = terms_of(case, function=hierarchical_lovasz_terms)
    loss = hierarchical_lovasz_loss(
        *(case[n] for n in ("embeddings", "instances", "semantic")),
        seeds=case["seeds"],
        sharpness=case["sharpness"],
        crowd=case["crowd"],
        seed_weight=3.0,
    )
    assert_close(loss, terms.instance + terms.category + 3 * terms.seed + 10 * terms.variance)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("absent", ["skip", "hinge"])
def test_each_image_has_the_terms_that_it_has_as_a_batch_of_one(kind: str, absent: str):
    case = random_case(5)
    case["instances"][1] = torch.where(case["instances"][1] > 2, 0, case["instances"][1])
    options = {"instance_loss": kind, "category_loss": kind, "absent": absent, "min_class_points": 1}
    case["class_means"] = torch.randn(3, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    together = terms_of(case, function=hierarchical_lovasz_terms, **options)
    leaves = [case[n] for n in ("embeddings", "seeds", "sharpness", "class_means")]
    gradient = torch.autograd.grad(total(together) @ torch.tensor([1.0, 3.0]), leaves)
    alone = [
        terms_of({n: x[[i]] if n != "class_means" else x for n, x in case.items()}, **options) for i in (0, 1)
    ]
    for field in dataclasses.fields(HierarchicalLovaszTerms):
        each = torch.stack([getattr(terms, field.name) for terms in alone])
        assert_close(getattr(together, field.name), each)
    expected = torch.autograd.grad(total(alone[0]) + 3 * total(alone[1]), leaves)
    assert_close(gradient, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_instances": 0}, "`max_instances` must be at least 1, got 0"),
        ({"class_means": torch.zeros(2, 5)}, "`semantic` must be below 2, the number of class means, or 255"),
    ],
)
def test_mistakes_are_told(options: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        terms_of(random_case(0), **options)
