"""The Lovász hinge: golden values, the slow form, and what must not matter."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from intarsia.losses import lovasz_hinge
from intarsia.losses._lovasz_extension import evaluate_sorted, lovasz_extension
from tests.losses.lovasz_reference import hinge_of_one_mask


def random_masks(seed: int, *shape: int, share: float = 0.3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape, generator=generator) * 2
    return logits, torch.rand(shape, generator=generator) < share


def test_a_mask_worked_by_hand():
    """Errors .8 (l), .7, -.5 (l), -1, 1.7 sort to 1.7, .8 (l), .7: weights 1/3, 1/3, 1/12."""
    logits = torch.tensor([1.5, 0.2, -0.3, -2.0, 0.7])
    got = lovasz_hinge(logits, torch.tensor([True, True, False, False, False]))
    assert_close(got, torch.tensor(1.7 / 3 + 0.8 / 3 + 0.7 / 12), atol=1e-6, rtol=0)
    assert_close(got, torch.tensor(0.891667), atol=1e-6, rtol=0)


def test_logits_right_by_the_margin_cost_nothing():
    labels = torch.tensor([[True, False, True, False]])
    assert lovasz_hinge(labels * 2.0 - 1, labels).item() == 0


def test_a_mask_without_labels_costs_its_largest_error():
    logits = torch.tensor([0.5, -0.5], requires_grad=True)
    loss = lovasz_hinge(logits, torch.tensor([False, False]))
    loss.backward()
    assert loss.item() == 1.5
    assert_close(logits.grad, torch.tensor([1.0, 0.0]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_the_batch_equals_the_loop(dtype: torch.dtype, share: float):
    logits, labels = random_masks(1, 2, 3, 997, share=share)
    valid = random_masks(2, 2, 3, 997, share=0.8)[1]
    logits = logits.to(dtype).requires_grad_()
    expected = [
        hinge_of_one_mask(f, m, v)
        for f, m, v in zip(logits.flatten(0, 1), labels.flatten(0, 1), valid.flatten(0, 1), strict=True)
    ]
    got = lovasz_hinge(logits, labels, valid=valid)
    assert_close(got.flatten(), torch.stack(expected))
    factors = torch.arange(1.0, 7.0, dtype=dtype)
    (slow_gradient,) = torch.autograd.grad(torch.stack(expected) @ factors, logits)
    (gradient,) = torch.autograd.grad(got.flatten() @ factors, logits)
    assert_close(gradient, slow_gradient, atol=1e-6, rtol=1e-4)


@given(st.integers(0, 2**31), st.integers(1, 60), st.sampled_from([0.0, 1.0]), st.booleans())
def test_native_and_torch_sorts_agree_even_on_ties(seed: int, num_pixels: int, floor: float, masked: bool):
    scores, labels = random_masks(seed, 3, num_pixels)
    scores = (scores * 2).round() / 4  # many equal errors
    valid = random_masks(seed + 1, 3, num_pixels, share=0.7)[1] if masked else None
    scores.requires_grad_()
    native = lovasz_extension(scores, labels, valid=valid, floor=floor)
    (gradient,) = torch.autograd.grad(native.sum(), scores)
    losses, expected = evaluate_sorted(scores.detach(), labels, valid, floor, needs_gradient=True)
    assert_close(native, losses)
    assert_close(gradient, expected)


@given(st.integers(0, 2**31))
def test_the_order_of_pixels_and_the_other_masks_do_not_matter(seed: int):
    logits, labels = random_masks(seed, 2, 40)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(seed))
    alone = lovasz_hinge(logits[1], labels[1])
    assert_close(lovasz_hinge(logits[:, order], labels[:, order])[1], alone)
    logits[0] = 7
    assert lovasz_hinge(logits, labels)[1] == alone


@given(st.integers(0, 2**31), st.floats(0.1, 3))
@settings(max_examples=30)
def test_the_loss_bounds_one_minus_iou_from_above(seed: int, scale: float):
    logits, labels = random_masks(seed, 30)
    labels[0] = True
    guess = logits * scale > 0
    iou = (guess & labels).sum() / (guess | labels).sum()
    assert lovasz_hinge(logits * scale, labels) >= 1 - iou - 1e-6


def test_the_gradient_is_the_derivative():
    logits, labels = random_masks(3, 2, 12)
    logits = logits.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda f: lovasz_hinge(f, labels), logits)


@pytest.mark.parametrize("shape", [(0,), (1,), (3, 0), (0, 5), (2, 1)])
def test_tiny_and_empty_masks_have_finite_gradients(shape: tuple[int, ...]):
    logits = torch.zeros(shape, requires_grad=True)
    loss = lovasz_hinge(logits, torch.ones(shape, dtype=torch.bool))
    assert loss.shape == shape[:-1]
    loss.sum().backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_no_valid_pixel_gives_zero_with_zero_gradient():
    logits, labels = random_masks(4, 2, 9)
    logits.requires_grad_()
    loss = lovasz_hinge(logits, labels, valid=torch.zeros_like(labels))
    loss.sum().backward()
    assert_close(loss, torch.zeros(2))
    assert_close(logits.grad, torch.zeros(2, 9))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype):
    logits, labels = random_masks(5, 2, 500)
    half = logits.to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = lovasz_hinge(half, labels)
    assert loss.dtype == torch.float32
    assert_close(loss, lovasz_hinge(half.detach().float(), labels))
    loss.sum().backward()
    assert half.grad is not None
    assert half.grad.dtype == dtype
    assert half.grad.isfinite().all()


def test_a_nan_logit_is_not_hidden():
    labels = torch.tensor([[True, False], [False, False]])
    assert lovasz_hinge(torch.full((2, 2), torch.nan), labels).isnan().all()
    assert lovasz_hinge(torch.full((2, 2), torch.nan, dtype=torch.float64), labels).isnan().all()


def test_labels_of_another_shape_are_refused():
    with pytest.raises(
        ValueError, match=r"`labels` must be bool \(4,\) like `logits`, got torch.bool \(3,\)"
    ):
        lovasz_hinge(torch.zeros(4), torch.zeros(3, dtype=torch.bool))


def test_valid_that_is_not_boolean_is_refused():
    with pytest.raises(ValueError, match=r"`valid` must be bool \(2,\)"):
        lovasz_hinge(torch.zeros(2), torch.ones(2, dtype=torch.bool), valid=torch.ones(2))


def test_a_scalar_is_refused():
    with pytest.raises(ValueError, match="`logits` must be at least one-dimensional"):
        lovasz_hinge(torch.zeros(()), torch.tensor(True))
