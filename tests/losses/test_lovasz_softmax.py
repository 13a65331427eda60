"""The Lovász softmax: golden value, the slow form, void and absent classes."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch.testing import assert_close

from intarsia.losses import lovasz_softmax
from tests.losses.lovasz_reference import softmax_of_one_image


def random_case(seed: int, *, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    probabilities = torch.randn(3, 5, 6, 7, generator=generator, dtype=dtype).softmax(1)
    labels = torch.randint(0, 4, (3, 6, 7), generator=generator)  # class 4 is never present
    labels[torch.rand(labels.shape, generator=generator) < 0.2] = 255
    return probabilities.requires_grad_(), labels


def test_the_golden_value():
    probabilities = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.6, 0.3, 0.1]]).T[None]
    got = lovasz_softmax(probabilities, torch.tensor([[0, 1, 1, 0]]))
    assert_close(got, torch.tensor([0.408333]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("classes", ["present", "all"])
def test_the_batch_equals_the_loop(classes: Literal["present", "all"], dtype: torch.dtype):
    probabilities, labels = random_case(0, dtype=dtype)
    labels[1] = 255
    expected = torch.stack(
        [
            softmax_of_one_image(p.flatten(1), y.flatten(), 255, classes == "present")
            for p, y in zip(probabilities, labels, strict=True)
        ]
    )
    got = lovasz_softmax(probabilities, labels, classes=classes)
    assert_close(got, expected)
    (slow_gradient,) = torch.autograd.grad(expected.sum(), probabilities)
    (gradient,) = torch.autograd.grad(got.sum(), probabilities)
    assert_close(gradient, slow_gradient, atol=1e-6, rtol=1e-4)


def test_the_gradient_is_the_derivative():
    probabilities, labels = random_case(1, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p: lovasz_softmax(p, labels), probabilities)


def test_certain_and_right_costs_nothing():
    labels = torch.tensor([[0, 2, 1, 255]])
    certain = torch.eye(3)[labels.clamp(max=2)].movedim(-1, 1)
    assert lovasz_softmax(certain, labels).item() == 0


def test_another_void_label_is_honoured():
    probabilities, labels = random_case(2)
    moved = torch.where(labels == 255, -1, labels)
    assert_close(lovasz_softmax(probabilities, moved, ignore=-1), lovasz_softmax(probabilities, labels))


@pytest.mark.parametrize("classes", ["present", "all"])
def test_all_void_gives_zero_with_zero_gradient(classes: Literal["present", "all"]):
    probabilities, labels = random_case(3)
    loss = lovasz_softmax(probabilities, torch.full_like(labels, 255), classes=classes)
    loss.sum().backward()
    assert_close(loss, torch.zeros(3))
    assert_close(probabilities.grad, torch.zeros_like(probabilities))


def test_no_pixels_at_all_give_zero():
    probabilities = torch.zeros(2, 3, 0, requires_grad=True)
    loss = lovasz_softmax(probabilities, torch.zeros(2, 0, dtype=torch.long))
    loss.sum().backward()
    assert_close(loss, torch.zeros(2))


def test_bfloat16_is_computed_in_float32():
    probabilities, labels = random_case(4)
    half = probabilities.detach().bfloat16().requires_grad_()
    loss = lovasz_softmax(half, labels)
    assert_close(loss, lovasz_softmax(half.detach().float(), labels))
    loss.sum().backward()
    assert half.grad is not None
    assert half.grad.isfinite().all()


def test_a_label_beyond_the_classes_is_refused():
    with pytest.raises(ValueError, match=r"`labels` must be in \[0, 2\) or `ignore`, got 7"):
        lovasz_softmax(torch.zeros(1, 2, 1), torch.tensor([[7]]))


def test_a_negative_label_is_refused():
    with pytest.raises(ValueError, match=r"`labels` must be in \[0, 2\) or `ignore`, got -1"):
        lovasz_softmax(torch.zeros(1, 2, 1), torch.tensor([[-1]]))


def test_labels_of_another_size_are_refused():
    with pytest.raises(ValueError, match="`labels` must be shaped like `probabilities`"):
        lovasz_softmax(torch.zeros(1, 2, 4), torch.zeros(1, 3, dtype=torch.long))
