"""The PQ surrogate: its forms by hand, against loops, matching, gradients, nothing to see."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from intarsia.errors import InputError
from intarsia.losses import (
    MatchedMasks,
    SurrogateOptions,
    batch_panoptic_quality_loss,
    match_masks,
    panoptic_quality_loss,
    panoptic_quality_surrogate,
)
from intarsia.metrics import PanopticQuality
from intarsia.panoptic import Categories, Category, PanopticMap, Segment


def mask(text: str) -> torch.Tensor:
    return torch.tensor([[float(c) for c in text.replace(" ", "")]])


PREDICTED = torch.stack([mask("1111 0000 0000"), mask("0000 1111 0000"), mask("0000 0000 0011")])
TRUE = torch.stack([mask("1110 0000 0000"), mask("0000 0111 1110")]).bool()


@pytest.mark.parametrize(("form", "wanted"), [("paper", 0.501451), ("released", 0.407020)])
def test_twelve_pixels_and_three_masks(form, wanted):
    """IoU 3/4 and 3/7 and one false positive of 2 pixels, with t = 2 and so sigma = 1/2 for it."""
    zero = torch.zeros(3, dtype=torch.long)
    pairs = match_masks(PREDICTED, zero, TRUE, true_categories=zero[:2])
    got = panoptic_quality_surrogate(pairs, least_area=2.0, options=SurrogateOptions(form=form))
    assert_close(got, torch.tensor([wanted]), atol=1e-6, rtol=0)


def random_scene(seed, size=30, dtype=torch.float64):
    """Soft masks of three categories, and other true segments."""
    generator = torch.Generator().manual_seed(seed)
    s, n = torch.randint(0, 5, (2,), generator=generator).tolist()
    masks = torch.rand(s, 1, size, generator=generator, dtype=dtype)
    truth = torch.rand(n, 1, size, generator=generator) < 0.4
    valid = torch.rand(1, size, generator=generator) < 0.8
    return (
        masks,
        torch.randint(0, 3, (s,), generator=generator),
        truth,
        torch.randint(0, 3, (n,), generator=generator),
        valid,
    )


def matched_batch(seeds, size=30):
    images, valid = [], []
    for seed in seeds:
        m, c, t, tc, v = random_scene(seed, size)
        images.append(match_masks(m, c, t, true_categories=tc, valid=v))
        valid.append(v)
    return MatchedMasks.of_images(images, valid=torch.stack(valid))


def slow(masks, truth, categories, valid, *, t, form):
    """The three formulas, pixel by pixel and mask by mask."""
    smooth = 0.1 if form == "released" else 0.0
    rows = []  # image, category, u, sigma, has truth, overlaps
    for i, channels in enumerate(zip(masks, truth, categories, strict=True)):
        for p, g, category in zip(*channels, strict=True):
            inside = [(float(a), float(b)) for a, b, v in zip(p[0], g[0], valid[i][0], strict=True) if v]
            both = sum(a * b for a, b in inside)
            either = sum(a + b - a * b for a, b in inside)
            u = (both + smooth) / max(either + smooth, 1e-6)
            sigma = 1 / (1 + math.exp(-0.1 * (float(p.sum()) - t[int(category)])))
            rows.append((i, int(category), u, sigma, any(b for _, b in inside), both > 0, bool(p.any())))
    of_image: dict[int, list[float]] = {}
    pooled = form != "paper"
    for image, category in sorted({(0 if pooled else r[0], r[1]) for r in rows}):
        tp = fp = fn = hits = 0.0
        for i, c, u, sigma, is_true, overlaps, is_mask in rows:
            if c != category or (not pooled and i != image):
                continue
            h = u**4 / (u**4 + (1 - u) ** 4)
            if form == "exact":
                tp, hits = tp + h * sigma * is_true, hits + h * sigma * is_true * u
                fp += sigma * is_mask - h * sigma * is_true
                fn += is_true - h * sigma * is_true
            elif pooled:
                tp += h * sigma * is_true
                hits += h * sigma * is_true * u
                fn += (1 - h) * is_true
                fp += (1 - h) * sigma * (not is_true)
            elif is_true and overlaps:
                tp, hits = tp + h * sigma, hits + h * sigma * u
            elif is_true:
                fn += 1
            else:
                fp += sigma
        of_image.setdefault(image, []).append((hits + smooth) / max(tp + (fp + fn) / 2 + smooth, 1e-6))
    means = [sum(q) / len(q) for q in of_image.values()]
    return sum(means) / len(means) if means else 1.0


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), form=st.sampled_from(["paper", "released", "exact"]))
def test_it_equals_the_formula_mask_by_mask(seed, form):
    pairs = matched_batch([seed, seed + 1, seed + 2])
    t = torch.tensor([4.0, 8.0, 20.0], dtype=torch.float64)
    assert pairs.valid is not None
    case = (pairs.masks, pairs.truth, pairs.categories, pairs.valid)
    pooled, options = form != "paper", SurrogateOptions(form=form)
    quality = panoptic_quality_surrogate(pairs, least_area=t, options=options)
    each = [slow(*([x[i]] for x in case), t=t.tolist(), form=form) for i in range(3)]
    assert_close(quality.tolist(), each)
    assert_close(panoptic_quality_loss(pairs, least_area=t, options=options), 1 - quality)
    if pooled:
        loss = batch_panoptic_quality_loss(pairs, least_area=t, options=options)
        assert_close(1 - float(loss), slow(*case, t=t.tolist(), form=form))
        assert 0 <= loss <= 1


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_matching_has_the_largest_summed_iou(seed):
    masks, categories, truth, true_categories, valid = random_scene(seed)
    matched = match_masks(masks, categories, truth, true_categories=true_categories, valid=valid)

    def iou(p, g):
        both = float((p * g * valid).sum())
        return both / max(float(((p + g - p * g) * valid).sum()), 1e-6)

    best = 0.0
    sources = [*range(len(masks)), *[None] * len(truth)]
    for chosen in itertools.permutations(sources, len(truth)):
        pairs = [
            (i, j) for j, i in enumerate(chosen) if i is not None and categories[i] == true_categories[j]
        ]
        best = max(best, sum(iou(masks[i], truth[j].double()) for i, j in pairs))
    got = sum(iou(p, g.double()) for p, g in zip(matched.masks[0], matched.truth[0], strict=True))
    assert_close(got, best)
    shown = [g for g in matched.truth[0] if g.any()]
    assert sorted(g.flatten().tolist() for g in shown) == sorted(
        g.flatten().tolist() for g in truth if g.any()
    )


def test_a_perfect_prediction_is_worth_one_and_missing_is_worth_nothing():
    large = torch.zeros(2, 20, 20)
    large[0, :10], large[1, 10:] = 1, 1
    categories = torch.tensor([0, 1])
    for form in ("paper", "released", "exact"):
        options, truth = SurrogateOptions(form=form), [large.bool()]
        perfect = MatchedMasks([large], truth, [categories])
        assert_close(panoptic_quality_surrogate(perfect, options=options), torch.tensor([1.0]))
        missed = MatchedMasks([large * 0], truth, [categories])
        assert panoptic_quality_surrogate(missed, options=options) < 0.2


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_exact_form_with_hard_decisions_is_panoptic_quality(seed):
    """Two images in stripes, three categories: the same number as the metric's."""
    drawn = np.random.default_rng(seed)
    categories = Categories([Category(c, f"c{c}", True, (c, 0, 0)) for c in range(3)])
    tally = PanopticQuality(categories)
    images = []
    for _ in range(2):
        (predicted, predicted_of), (true, true_of) = (striped(drawn) for _ in range(2))
        tally.update(
            *(
                PanopticMap(ids, [Segment(int(i), int(c)) for i, c in enumerate(cs, 1)])
                for ids, cs in ((predicted, predicted_of), (true, true_of))
            )
        )
        pairs = match_masks(
            segment_masks(predicted).double(),
            torch.as_tensor(predicted_of),
            segment_masks(true),
            true_categories=torch.as_tensor(true_of),
        )
        overlap = (pairs.masks[0] * pairs.truth[0]).sum((1, 2))
        union = ((pairs.masks[0] + pairs.truth[0]) > 0).sum((1, 2))
        assume(not (2 * overlap == union).any())  # at a tie the smooth decision is undecided
        images.append(pairs)
    hard = SurrogateOptions(form="exact", softness=100.0, sharpness=300.0)
    loss = batch_panoptic_quality_loss(MatchedMasks.of_images(images), least_area=0.5, options=hard)
    assert_close(1 - float(loss), tally.compute().all.pq, atol=1e-4, rtol=0)


def striped(drawn):
    """Up to five segments side by side in 61 pixels, and their categories."""
    cuts = np.sort(drawn.choice(np.arange(1, 61), drawn.integers(0, 5), replace=False))
    ids = np.digitize(np.arange(61), cuts).astype(np.int32)[None] + 1
    return ids, drawn.integers(0, 3, len(cuts) + 1)


def segment_masks(ids):
    return torch.as_tensor(ids) == torch.arange(1, ids.max() + 1)[:, None, None]


@pytest.mark.parametrize("form", ["paper", "released", "exact"])
def test_the_gradient_is_right(form):
    """Without empty masks, at which the paper's form jumps from missed to matched."""
    pairs = matched_batch([3, 4], size=8)
    shown = [m.flatten(1).any(1) for m in pairs.masks]
    masks, truth, categories = (
        [x[keep] for x, keep in zip(row, shown, strict=True)]
        for row in (pairs.masks, pairs.truth, pairs.categories)
    )

    def quality(*given):
        shown_pairs = MatchedMasks(given, truth, categories, pairs.valid)
        return panoptic_quality_surrogate(shown_pairs, least_area=5.0, options=SurrogateOptions(form=form))

    assert torch.autograd.gradcheck(quality, [m.requires_grad_() for m in masks])


@pytest.mark.parametrize("form", ["paper", "released", "exact"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", ["nothing", "empty masks", "only void", "false positive", "missed"])
def test_values_and_gradients_are_finite_for_any_truth(form, dtype, kind):
    masks = torch.ones(0 if kind == "nothing" else 2, 4, 4, dtype=dtype)
    masks = (masks * (kind not in ("empty masks", "missed"))).requires_grad_()
    truth = torch.full(masks.shape, kind in ("missed", "only void"))
    valid = torch.full((1, 4, 4), kind != "only void")
    categories = torch.zeros(len(masks), dtype=torch.long)
    pairs, options = MatchedMasks([masks], [truth], [categories], valid), SurrogateOptions(form=form)
    got = panoptic_quality_surrogate(pairs, least_area=3.0, options=options)
    loss = batch_panoptic_quality_loss(pairs, least_area=3.0, options=options)
    (loss - got.sum()).backward()
    assert got.isfinite()
    assert loss.isfinite()
    assert masks.grad is not None
    assert masks.grad.isfinite().all()
    assert kind != "nothing" or got == 1


def test_a_dull_threshold_lets_poor_masks_learn():
    """At IoU 0.1, h' is 4 u^3 (1-u)^3 / (...)^2, about 0.007 with exponent 4, and 1 with exponent 1."""
    truth = torch.zeros(1, 1, 100, dtype=torch.bool)
    truth[..., :10] = True
    slope = {}
    for sharpness in (1.0, 4.0):
        poor = torch.zeros(1, 1, 100)
        poor[..., 0] = 1
        poor.requires_grad_()
        pairs = MatchedMasks([poor], [truth], [torch.tensor([0])])
        panoptic_quality_surrogate(pairs, options=SurrogateOptions(sharpness=sharpness)).sum().backward()
        assert poor.grad is not None
        slope[sharpness] = float(poor.grad[0, 0, 5])
    assert slope[1.0] > 20 * slope[4.0] > 0


def test_wrong_arguments_are_refused():
    one, index = torch.zeros(1, 2, 2), torch.tensor([0])
    with pytest.raises(InputError, match="`sharpness` must be at least 1, got 0.5"):
        SurrogateOptions(sharpness=0.5)
    with pytest.raises(InputError, match=r"`truth` must be shaped \(1, 2, 2\) like `masks`, got \(1, 2\)"):
        panoptic_quality_surrogate(MatchedMasks([one], [one[:, 0]], [index]))
    with pytest.raises(InputError, match=r"`truth` must be of as many images as `masks` \(1\), got 2"):
        panoptic_quality_surrogate(MatchedMasks([one], [one, one], [index]))
    with pytest.raises(InputError, match="`masks` must be of at least one image, got none"):
        panoptic_quality_loss(MatchedMasks([], [], []))
