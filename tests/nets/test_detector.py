"""Detection: what trains what, true masks, options, and images with nothing or with tiny things."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from intarsia.data.targets import targets_of
from intarsia.errors import InputError
from intarsia.nets import DetectionConfig, Detector, true_detections
from intarsia.nets.detector import true_masks
from intarsia.panoptic import Categories, Segment

FACADES = Categories.named("facades")
CONFIG = DetectionConfig(
    anchor_scale=4.0,
    candidates=100,
    proposals=30,
    test_proposals=30,
    rpn_samples=4096,
    roi_samples=4096,
    canonical_px=56,
    box_width=16,
    mask_width=8,
    mask_depth=1,
)


def detector(**changes) -> Detector:
    torch.manual_seed(0)
    return Detector(replace(CONFIG, **changes), (4, 8), 8, things=(0, 1, 4))


def pyramid(images=1, side=48):
    generator = torch.Generator().manual_seed(1)
    shape = (images, 8, side // 4, side // 4)
    return [
        torch.randn(*shape, generator=generator).requires_grad_(),
        torch.randn(*shape[:2], side // 8, side // 8, generator=generator).requires_grad_(),
    ]


def truth(*segments: Segment):
    ids = np.zeros((48, 48), np.int32)
    for number, segment in enumerate(segments):
        ids[4 : 20 + 8 * number, 22 * number : 22 * number + 18] = segment.id
    return targets_of(torch.from_numpy(ids), list(segments), FACADES)


TWO = (Segment(1, 1), Segment(2, 5))  # a window and a sign


@pytest.mark.parametrize("masks", [True, False])
@pytest.mark.parametrize("segments", [(), TWO[:1], TWO], ids=len)
def test_losses_are_finite_and_reach_every_parameter(masks, segments):
    network, levels = detector(masks=masks), pyramid()
    losses = network.losses(levels, network.propose(levels), truth(*segments))
    names = {"proposal_score", "proposal_box", "box_category", "box"} | ({"mask"} if masks else set())
    assert losses.keys() == names
    assert all(loss.isfinite() and loss.shape == () for loss in losses.values())
    torch.stack(list(losses.values())).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_the_weight_is_a_factor_of_all_losses():
    whole, half = detector(), detector(weight=0.5)
    levels = pyramid()
    pairs = [network.losses(levels, network.propose(levels), truth(*TWO)) for network in (whole, half)]
    assert_close({n: v / 2 for n, v in pairs[0].items()}, pairs[1])


def test_detections_are_differentiable_in_scores_and_masks_but_not_in_boxes():
    network, levels = detector(min_score=0.01), pyramid(images=2)
    found = network.detect(levels, network.propose(levels))
    assert len(found) == 2
    for one in found:
        assert one.scores.tolist() == sorted(one.scores.tolist(), reverse=True)
        assert set(one.categories.tolist()) <= {0, 1, 4}
        assert not one.boxes.requires_grad
        assert one.mask_logits is not None
        assert one.mask_logits.shape == (len(one), 28, 28)
        assert len(one) > 3
        assert one.boxes.min() >= 0
        assert one.boxes.max() <= 48
    sums = [one.scores.sum() + one.mask_logits.sum() for one in found if one.mask_logits is not None]
    torch.stack(sums).sum().backward()
    assert levels[0].grad is not None


def test_only_the_surest_are_kept_where_there_is_a_limit():
    network, levels = detector(min_score=0.01), pyramid()
    proposals = network.propose(levels)
    [all_of_them], [three] = network.detect(levels, proposals), network.detect(levels, proposals, limit=3)
    assert_close(three.scores, all_of_them.scores[:3])
    assert_close(three.boxes, all_of_them.boxes[:3])


def test_the_first_masks_and_scores_are_unsure():
    """A hinge of unsure masks costs about 1; three categories and background cost log 4."""
    network, levels = detector(), pyramid()
    losses = network.losses(levels, network.propose(levels), truth(*TWO))
    assert abs(float(losses["mask"].detach()) - 1) < 0.5
    assert abs(float(losses["box_category"].detach()) - math.log(4)) < 0.3


def test_detections_are_the_same_in_training():
    network, levels = detector(min_score=0.01), pyramid()
    [training] = network.train().detect(levels, network.propose(levels))
    [testing] = network.eval().detect(levels, network.propose(levels))
    assert_close(training.scores, testing.scores)
    assert_close(training.boxes, testing.boxes)


def test_a_true_mask_is_looked_up_at_the_middles_of_the_cells():
    """A box of 28 x 28 pixels has a cell a pixel; outside of the image the edge goes on."""
    instances = torch.randint(0, 3, (1, 40, 40), generator=torch.Generator().manual_seed(2))
    box = torch.tensor([[3.0, 5, 31, 33], [20, 30, 48, 58]])
    masks = true_masks(instances, [box], [torch.tensor([1, 2])])
    assert_close(masks[0], instances[0, 5:33, 3:31] == 1)
    assert_close(masks[1, :10, :20], instances[0, 30:, 20:] == 2)


def test_lovasz_and_cross_entropy_over_boxes_or_over_images():
    """Costs 1, 2 and 3 of two images, the first with one box: (1 + 2 + 3) / 3 or (1 + 5/2) / 2."""
    logits = torch.zeros(3, 28, 28)
    true = torch.ones(3, 28, 28, dtype=torch.bool)
    for n, cost in enumerate((1.0, 2.0, 3.0)):
        logits[n] = 1 - cost  # hinge errors of a mask that is all true
    boxes = [torch.zeros(1, 4), torch.zeros(2, 4), torch.zeros(0, 4)]
    assert_close(detector()._mask_loss(logits, true, boxes), torch.tensor(2.0))
    assert_close(detector(mask_average="images")._mask_loss(logits, true, boxes), torch.tensor(1.75))
    entropy = detector(mask_loss="cross_entropy")._mask_loss(torch.zeros_like(logits), true, boxes)
    assert_close(entropy, torch.tensor(2.0).log())


def test_given_boxes_get_masks_of_their_category():
    network, levels = detector(), pyramid()
    given = true_detections(torch.tensor([[0.0, 0, 20, 20], [0, 0, 20, 20]]), torch.tensor([0, 4]))
    [one] = network.with_masks(levels, [given])
    assert one.mask_logits is not None
    assert not torch.allclose(one.mask_logits[0], one.mask_logits[1])
    [none] = network.with_masks(levels, [given.above(2.0)])
    assert len(none) == 0
    [plain] = detector(masks=False).with_masks(levels, [given])
    assert plain.mask_logits is None


def test_boxes_beyond_the_image_are_clipped_or_left_out():
    boxes = torch.tensor([[2.0, 2, 30, 30], [40, 0, 48, 8]])
    found = true_detections(boxes, torch.tensor([0, 0])).within(20, 36)
    assert found.boxes.tolist() == [[2.0, 2.0, 30.0, 20.0]]
    masked = replace(true_detections(boxes, torch.tensor([0, 0])), mask_logits=torch.zeros(2, 28, 28))
    assert masked.within(20, 36).boxes.tolist() == [[2.0, 2.0, 30.0, 30.0]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"proposals": 0}, "`detection.proposals` must be at least 1, got 0"),
        ({"anchor_scale": 0.0}, "`detection.anchor_scale` must be above 0, got 0.0"),
        ({"anchor_ratios": ()}, r"`detection.anchor_ratios` must be one or more above 0, got \(\)"),
        ({"weight": -1.0}, "`detection.weight` must be at least 0, got -1.0"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        replace(CONFIG, **changes)
