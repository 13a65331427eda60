"""Pasting masks and the dynamic potential: by hand, against a loop over pixels, gradients, none and many."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import interpolate
from torch.testing import assert_close

from intarsia.layers import dynamic_potential, inside_boxes, pasted_masks

CAR, ROAD, SKY = 0, 1, 2
STUFF = torch.tensor([ROAD, SKY])


def detections(count: int, seed: int = 0) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=generator) * 30
    boxes = torch.cat([corners, corners + 2 + torch.rand(count, 2, generator=generator) * 30], dim=1)
    return {
        "boxes": boxes,
        "mask_logits": torch.randn(count, 5, 5, generator=generator),
        "scores": torch.rand(count, generator=generator),
        "categories": torch.zeros(count, dtype=torch.long),
    }


def potential(semantic_logits, found, **options):
    boxes, masks = found["boxes"], found["mask_logits"]
    same: dict[str, Any] = {name: found[name] for name in ("scores", "categories")}
    return dynamic_potential(semantic_logits, boxes, masks, **same, stuff=STUFF, **options)


def test_a_mask_on_a_box_that_lies_on_the_grid_is_that_mask_resized():
    """A box of 3 x 4 points of the grid, so that resizing is torch's own."""
    mask = torch.rand(1, 5, 5, generator=torch.Generator().manual_seed(0))
    pasted = pasted_masks(mask, torch.tensor([[8.0, 4, 24, 16]]), (6, 8), stride=4)
    resized = interpolate(mask[None], (3, 4), mode="bilinear", align_corners=False)[0, 0]
    assert_close(pasted[0, 1:4, 2:6], resized)
    pasted[0, 1:4, 2:6] = 0
    assert not pasted.any()


@settings(max_examples=20)
@given(
    x=st.floats(-20, 30),
    y=st.floats(-20, 20),
    width=st.floats(0, 50),
    height=st.floats(0, 50),
    stride=st.sampled_from([2, 4]),
)
def test_pasting_equals_a_loop_over_the_grid(x, y, width, height, stride):
    mask = torch.rand(3, 3, generator=torch.Generator().manual_seed(1))
    box = torch.tensor([[x, y, x + width, y + height]])
    size = (16 // stride, 24 // stride)
    pasted = pasted_masks(mask[None], box, size, stride=stride)[0]
    inside = inside_boxes(box, size, stride=stride)[0]
    for r, c in np.ndindex(*size):
        value, touched = looked_up(mask.numpy(), box[0].tolist(), (r, c), stride)
        assert inside[r, c] == touched
        assert float(pasted[r, c]) == pytest.approx(value * touched, abs=2e-3)


def looked_up(mask, box, point, stride):
    """Bilinear interpolation of the mask at one point of the grid, and whether the box touches the point."""
    left, top, right, bottom = box
    sides = [(point[0], top, bottom), (point[1], left, right)]
    touched = all(n * stride < high and (n + 1) * stride > low for n, low, high in sides)
    place = [((n + 0.5) * stride - low) / max(high - low, 1e-3) * 3 - 0.5 for n, low, high in sides]
    weights = []
    for p in place:
        p = min(max(p, 0.0), 2.0)
        row = np.zeros(3)
        row[int(p)] += 1 - (p - int(p))
        row[min(int(p) + 1, 2)] += p - int(p)
        weights.append(row)
    return float(weights[0] @ mask @ weights[1]), touched


def test_the_variants_on_one_point_by_hand():
    """V = (1/2, 1/4, 1/4), score 0.8, mask probability 1/2: B is 0.8 / 4, C is 0.8 (1/2 + 1/2).

    A works on logits: the car's log 2 and mask logit 0; void is log 2 - log 2.
    """
    logits = torch.tensor([math.log(2), 0.0, 0.0]).view(3, 1, 1)
    found = {
        "boxes": torch.tensor([[0.0, 0, 4, 4]]),
        "mask_logits": torch.zeros(1, 2, 2),
        "scores": torch.tensor([0.8]),
        "categories": torch.tensor([CAR]),
    }
    values = {v: potential(logits, found, variant=v).flatten() for v in ("A", "B", "C")}
    assert_close(values["B"], torch.tensor([0.25, 0.25, 0.2]))
    assert_close(values["C"], torch.tensor([0.25, 0.25, 0.8]))
    assert_close(values["A"], torch.tensor([0.0, 0.0, math.log(2), 0.0]))


def test_without_masks_b_and_c_are_the_same():
    logits = torch.randn(3, 6, 7, generator=torch.Generator().manual_seed(0))
    found = detections(4) | {"mask_logits": None}
    assert_close(potential(logits, found, variant="B"), potential(logits, found, variant="C"))


@pytest.mark.parametrize("variant", ["A", "B", "C"])
@pytest.mark.parametrize("masks", [False, True])
def test_it_equals_a_loop_over_detections(variant, masks):
    logits = torch.randn(3, 9, 8, generator=torch.Generator().manual_seed(2))
    found = detections(5)
    all_cells = found["mask_logits"]
    found["mask_logits"] = all_cells if masks else None
    prob = logits.softmax(dim=0)
    channels = [(logits if variant == "A" else prob)[c] for c in STUFF.tolist()]
    shown = torch.full((9, 8), 0.0)
    for n in range(5):
        box = found["boxes"][n : n + 1]
        inside = inside_boxes(box, (9, 8))[0]
        mask = torch.zeros(9, 8)
        if masks:
            cells = all_cells[n : n + 1]
            mask = pasted_masks(cells if variant == "A" else cells.sigmoid(), box, (9, 8))[0]
        if variant == "A":
            seen = logits[CAR] * inside
            shown = seen if n == 0 else torch.maximum(shown, seen)
            channels.append(seen + mask)
        else:
            both = prob[CAR] if not masks else prob[CAR] * mask if variant == "B" else prob[CAR] + mask
            channels.append(found["scores"][n] * both * inside)
    if variant == "A":
        channels.append(logits[CAR] - shown)
    assert_close(potential(logits, found, variant=variant), torch.stack(channels))


@pytest.mark.parametrize("variant", ["A", "B", "C"])
@pytest.mark.parametrize("count", [0, 1000])
def test_none_and_a_thousand_detections(variant, count):
    logits = torch.zeros(3, 16, 16, requires_grad=True)
    values = potential(logits, detections(count), variant=variant)
    assert values.shape == (2 + count + (variant == "A"), 16, 16)
    values.sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_only_stuff_and_only_things_work():
    logits = torch.zeros(2, 3, 3)
    found = detections(2)
    same = {name: found[name] for name in ("scores", "categories")}
    for stuff in (torch.tensor([0, 1]), torch.zeros(0, dtype=torch.long)):
        for variant in ("A", "B", "C"):
            values = dynamic_potential(logits, found["boxes"], **same, stuff=stuff, variant=variant)
            assert values.shape[0] == len(stuff) + 2 + (variant == "A")


@pytest.mark.parametrize("variant", ["A", "B", "C"])
def test_gradients_reach_semantics_scores_and_masks(variant):
    found = detections(3)
    found["boxes"].requires_grad_()
    logits = torch.randn(3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    inputs = (logits, found["mask_logits"].double(), found["scores"].double())

    def value(semantic, masks, scores):
        return potential(semantic, found | {"mask_logits": masks, "scores": scores}, variant=variant)

    assert torch.autograd.gradcheck(value, [x.requires_grad_() for x in inputs])
    value(*inputs).sum().backward()
    assert found["boxes"].grad is None


def test_the_score_of_stuff_is_a_factor():
    logits = torch.randn(3, 2, 2, generator=torch.Generator().manual_seed(4))
    half, whole = (potential(logits, detections(0), stuff_score=s) for s in (0.5, 1.0))
    assert_close(half, whole / 2)
