"""Panoptic matching: which detection is which instance, and what the pixels then cost."""

from __future__ import annotations

import itertools
import math
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close
from torchvision.ops import box_iou

from intarsia.errors import InputError
from intarsia.losses import DetectionMatch, match_detections, panoptic_matching_loss
from intarsia.losses._panoptic_matching import Matching

STUFF = torch.tensor([5, 7])


def boxes_of(seed: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes in so little space that many overlap, of two categories."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=generator) * 4
    sides = 6 + torch.rand(count, 2, generator=generator) * 3
    return torch.cat([corners, corners + sides], dim=1), torch.randint(0, 2, (count,), generator=generator)


def total_iou(match: DetectionMatch, boxes: torch.Tensor, true_boxes: torch.Tensor) -> float:
    iou = box_iou(true_boxes, boxes)
    return sum(float(iou[t, q]) for t, q in enumerate(match.detection_of_truth.tolist()) if q >= 0)


def pair(num_truth: int, detection_of_truth: list[int], duplicate: list[bool], unmatched: list[bool]):
    assert len(detection_of_truth) == num_truth
    return DetectionMatch(
        torch.tensor(detection_of_truth, dtype=torch.long),
        torch.tensor(duplicate, dtype=torch.bool),
        torch.tensor(unmatched, dtype=torch.bool),
    )


def loss_of(*arguments, **options) -> torch.Tensor:
    """The loss of a batch of one image."""
    [loss] = panoptic_matching_loss(*arguments, **options)
    return loss


NOTHING = pair(0, [], [], [])


@given(seed=st.integers(0, 10_000), num_truth=st.integers(0, 4), num=st.integers(0, 4))
def test_the_optimal_matching_is_the_best_of_all(seed: int, num_truth: int, num: int):
    true_boxes, true_categories = boxes_of(seed, num_truth)
    boxes, categories = boxes_of(seed + 1, num)
    match = match_detections(boxes, true_boxes, categories=categories, true_categories=true_categories)
    iou = box_iou(true_boxes, boxes)
    valid = (iou >= 0.5) & (true_categories[:, None] == categories)
    best = max(
        sum(float(iou[t, q]) for t, q in enumerate(chosen) if q < num and valid[t, q])
        for chosen in itertools.permutations(range(num + num_truth), num_truth)
    )
    assert total_iou(match, boxes, true_boxes) == pytest.approx(best, abs=1e-5)


@given(seed=st.integers(0, 10_000), matching=st.sampled_from(get_args(Matching)))
def test_every_detection_is_a_match_a_duplicate_or_unmatched(seed: int, matching: Matching):
    true_boxes, true_categories = boxes_of(seed, 5)
    boxes, categories = boxes_of(seed + 1, 8)
    match = match_detections(
        boxes, true_boxes, categories=categories, true_categories=true_categories, matching=matching
    )
    matched = [q for q in match.detection_of_truth.tolist() if q >= 0]
    assert len(matched) == len(set(matched))
    assert len(matched) + int(match.duplicate.sum()) + int(match.unmatched.sum()) == 8
    near = (box_iou(true_boxes, boxes) >= 0.5) & (true_categories[:, None] == categories)
    assert not near[:, match.unmatched].any()
    for t, q in enumerate(match.detection_of_truth.tolist()):
        assert q < 0 or near[t, q]


def test_the_greedy_matching_takes_the_best_pair_first():
    """IoU .9 for (A, first), .8 for (B, first) and .7 for (A, second): the sum is 1.5 where greedy has .9."""
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 6.3]])
    true_boxes = torch.tensor([[0.0, 0, 10, 9], [0, 2, 10, 10]])
    one = torch.zeros(2, dtype=torch.long)
    greedy = match_detections(boxes, true_boxes, categories=one, true_categories=one, matching="greedy")
    optimal = match_detections(boxes, true_boxes, categories=one, true_categories=one)
    assert greedy.detection_of_truth.tolist() == [0, -1]
    assert greedy.duplicate.tolist() == [False, True]
    assert optimal.detection_of_truth.tolist() == [1, 0]


def test_other_categories_and_small_overlaps_do_not_match():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 4]])
    truth = torch.tensor([[0.0, 0, 10, 10]])
    match = match_detections(boxes, truth, categories=torch.tensor([1, 0]), true_categories=torch.tensor([0]))
    assert match.detection_of_truth.tolist() == [-1]
    assert match.unmatched.tolist() == [True, True]
    lower = match_detections(
        boxes, truth, categories=torch.tensor([1, 0]), true_categories=torch.tensor([0]), min_iou=0.4
    )
    assert lower.detection_of_truth.tolist() == [1]


def test_the_loss_of_three_pixels_by_hand():
    """Stuff 7, the instance that is detection 1, and an instance that nobody found, which does not count.

    Detection 0 is a duplicate, so three channels are left: stuff, stuff and detection 1. The first pixel has
    logits (0, 0, 0) and costs log 3; the second has (0, 0, log 2) and costs log 4 - log 2.
    """
    logits = torch.zeros(4, 1, 3)
    logits[3, 0, 1] = math.log(2)
    logits[2] = 9.0
    loss = loss_of(
        logits,
        torch.tensor([[7, 0, 0]]),
        torch.tensor([[0, 1, 2]]),
        match=pair(2, [1, -1], [True, False], [False, False]),
        stuff=STUFF,
    )
    assert_close(loss, torch.tensor((math.log(3) + math.log(2)) / 2))


def test_unmatched_detections_stay_as_negatives_or_are_dropped():
    """Two channels of stuff cost log 2; a third that no pixel is labelled with makes it log 3."""
    match = pair(0, [], [False], [True])
    semantic, instances = torch.tensor([[5]]), torch.tensor([[0]])
    logits = torch.zeros(3, 1, 1)
    kept = loss_of(logits, semantic, instances, match=match, stuff=STUFF)
    dropped = loss_of(logits, semantic, instances, match=match, stuff=STUFF, unmatched_detections="drop")
    assert_close(kept, torch.tensor(math.log(3)))
    assert_close(dropped, torch.tensor(math.log(2)))


def test_unmatched_truth_is_ignored_or_void():
    """With void as third channel and logit log 2 the pixel of the lost instance costs log 4 - log 2."""
    logits = torch.zeros(3, 1, 1)
    logits[2] = math.log(2)
    match = pair(1, [-1], [], [])
    semantic, instances = torch.tensor([[0]]), torch.tensor([[1]])
    ignored = loss_of(logits, semantic, instances, match=match, stuff=STUFF)
    void = loss_of(logits, semantic, instances, match=match, stuff=STUFF, unmatched_truth="void")
    assert ignored == 0
    assert_close(void, torch.tensor(math.log(2)))


def test_normalised_by_the_sum_it_is_the_log_of_a_share():
    """Values 3 and 1: the first has 3/4 of the sum."""
    values = torch.tensor([3.0, 1.0]).view(2, 1, 1)
    loss = loss_of(
        values,
        torch.tensor([[5]]),
        torch.tensor([[0]]),
        match=NOTHING,
        stuff=STUFF,
        normalisation="sum",
    )
    assert_close(loss, torch.tensor(math.log(4 / 3)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("normalisation", ["softmax", "sum"])
def test_the_gradient_is_the_derivative(normalisation):
    generator = torch.Generator().manual_seed(0)
    logits = torch.rand(5, 3, 4, generator=generator, dtype=torch.float64).requires_grad_()
    semantic = torch.tensor([5, 7, 0, 255]).repeat(3, 1)
    instances = torch.tensor([0, 0, 1, 0]).repeat(3, 1)
    match = pair(1, [1], [True, False, False], [False, False, True])

    def loss(values):
        return loss_of(values, semantic, instances, match=match, stuff=STUFF, normalisation=normalisation)

    assert torch.autograd.gradcheck(loss, logits)


@pytest.mark.parametrize("normalisation", ["softmax", "sum"])
@pytest.mark.parametrize("channels", [0, 2])
def test_without_a_pixel_that_counts_it_is_zero_with_zero_gradient(normalisation, channels):
    logits = torch.rand(channels, 2, 3).requires_grad_()
    loss = loss_of(
        logits,
        torch.full((2, 3), 255),
        torch.zeros(2, 3, dtype=torch.long),
        match=NOTHING,
        stuff=STUFF[:channels],
        normalisation=normalisation,
    )
    loss.backward()
    assert loss == 0
    assert_close(logits.grad, torch.zeros_like(logits))


def test_a_potential_of_zero_everywhere_has_a_finite_gradient():
    """Beside a box, all of a mask-free variant's thing channels are 0."""
    logits = torch.zeros(2, 1, 1, requires_grad=True)
    loss_of(
        logits,
        torch.tensor([[5]]),
        torch.tensor([[0]]),
        match=NOTHING,
        stuff=STUFF,
        normalisation="sum",
    ).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_the_order_of_detections_does_not_matter():
    true_boxes, true_categories = boxes_of(3, 4)
    boxes, categories = boxes_of(4, 6)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    logits = torch.randn(8, 4, 5, generator=torch.Generator().manual_seed(1))
    semantic = torch.tensor([5, 7, 0, 0, 1]).repeat(4, 1)
    instances = torch.tensor([0, 0, 1, 2, 3]).repeat(4, 1)
    costs = []
    for rows in (torch.arange(6), order):
        match = match_detections(
            boxes[rows], true_boxes, categories=categories[rows], true_categories=true_categories
        )
        shuffled = torch.cat([logits[:2], logits[2:][rows]])
        costs.append(loss_of(shuffled, semantic, instances, match=match, stuff=STUFF))
    assert_close(costs[0], costs[1])


def test_wrong_arguments_are_refused():
    no, none = torch.zeros(0, dtype=torch.long), torch.zeros(0, 4)
    with pytest.raises(InputError, match=r"`min_iou` must be in \(0, 1\], got 0"):
        match_detections(none, none, categories=no, true_categories=no, min_iou=0.0)
    pixel = torch.zeros(1, 1, dtype=torch.long)
    with pytest.raises(InputError, match="`logits` must be 2 channels, or one more for void, got 4"):
        panoptic_matching_loss(torch.zeros(4, 1, 1), pixel, pixel, match=NOTHING, stuff=STUFF)
    with pytest.raises(InputError, match="`logits` must be with a channel of void where"):
        panoptic_matching_loss(
            torch.zeros(2, 1, 1), pixel, pixel, match=NOTHING, stuff=STUFF, unmatched_truth="void"
        )


@pytest.mark.parametrize("normalisation", ["softmax", "sum"])
def test_a_batch_has_the_losses_of_its_images(normalisation):
    generator = torch.Generator().manual_seed(0)
    matches = [NOTHING, pair(1, [0], [False], [False])]
    logits = [torch.rand(2 + n, 2, 3, generator=generator) for n in (0, 1)]
    semantic, instances = torch.tensor([[5, 7, 255], [0, 5, 7]]).repeat(2, 1, 1), torch.zeros(2, 2, 3).long()
    instances[1, 1, 0] = 1
    options = {"stuff": STUFF, "normalisation": normalisation}
    together = panoptic_matching_loss(logits, semantic, instances, match=matches, **options)
    alone = [
        loss_of(*maps, match=match, **options)
        for *maps, match in zip(logits, semantic, instances, matches, strict=True)
    ]
    assert_close(together, torch.stack(alone))
    with pytest.raises(InputError, match=r"`match` must be of as many images as `logits` \(2\), got 1"):
        panoptic_matching_loss(logits, semantic, instances, match=NOTHING, **options)
