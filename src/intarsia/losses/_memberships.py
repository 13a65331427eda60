"""Gaussian memberships of pixels to centres, and what they cost: all centres together, memory bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from intarsia.losses._lovasz_extension import evaluate_masks
from intarsia.losses._totals import Totals

MembershipLoss = Literal["lovasz", "bce", "focal"]

_ELEMENTS_AT_A_TIME = {"cpu": 1 << 18}  # the working set stays in the cache
_ELEMENTS_ELSEWHERE = 1 << 26


def memberships_cost(
    pixels: Float[Tensor, "b d p"],
    centers: Float[Tensor, "s d"],
    log_lambda: Float[Tensor, " s"],
    *,
    index: Int[Tensor, "b p"],
    rows: Int[Tensor, " s"],
    image: Int[Tensor, " s"],
    valid: Bool[Tensor, "b p"],
    kind: MembershipLoss = "lovasz",
) -> Totals:
    """For each centre the loss of the memberships φ = exp(-λ |e - μ|^2) of all pixels of its image.

    Centres are taken as many at a time as memory allows, each share in one batched sort; distances are
    differences, never products, because λ reaches 10^4. Gradients are made on the way forward, so nothing of
    the size centres x pixels is kept.

    Source: Neven et al. 2019, eq. (5) and (6); "bce" and "focal" (Lin et al. 2017) are for comparison.

    Args:
        pixels: The embedding of each pixel.
        centers: One embedding a centre.
        log_lambda: Logarithm of λ = 1 / (2 σ^2) of each centre.
        index: What each pixel belongs to, -1 for nothing.
        rows: Which entries of `index` are members of each centre.
        image: The image of each centre.
        valid: Pixels that count.
        kind: "lovasz" of the logits 2 φ - 1, "bce" or "focal" of φ.

    Returns:
        Of each image the sum over its centres, and how many these are.

    Example:
        >>> def row_of(values):
        ...     return torch.tensor([values])
        >>> everywhere = torch.ones(1, 2, dtype=torch.bool)
        >>> where = {"index": row_of([0, -1]), "rows": row_of(0), "image": row_of(0), "valid": everywhere}
        >>> memberships_cost(torch.tensor([[[0.0, 9.0]]]), torch.zeros(1, 1), torch.zeros(1), **where).sums
        tensor([0.])
    """
    sums = _MembershipsCost.apply(pixels, centers, log_lambda, index, rows, image, valid, kind)
    counts = image.bincount(minlength=len(pixels)).to(pixels.dtype)
    return Totals(sums, counts)  # pyright: ignore[reportArgumentType]


class _MembershipsCost(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx,
        pixels: Tensor,
        centers: Tensor,
        log_lambda: Tensor,
        index: Tensor,
        rows: Tensor,
        image: Tensor,
        valid: Tensor,
        kind: MembershipLoss,
    ) -> Tensor:
        needs_gradient = any(ctx.needs_input_grad)
        gradients = [torch.zeros_like(x, memory_format=torch.contiguous_format) for x in (pixels, centers)]
        exponent_grad = torch.zeros_like(log_lambda)
        sums = pixels.new_zeros(len(pixels))
        limit = _ELEMENTS_AT_A_TIME.get(pixels.device.type, _ELEMENTS_ELSEWHERE)
        share = max(1, limit // max(1, index.shape[1]))
        numbers = torch.arange(len(rows), device=rows.device)
        for chunk in numbers.split(share) if len(rows) else ():
            where, lambdas = image[chunk], log_lambda[chunk].exp()[:, None]
            labels = index.index_select(0, where) == rows[chunk, None]
            exponent = -lambdas * _squared_distances(pixels, centers[chunk], where)  # n p
            losses, grad = _evaluate(exponent, labels, valid.index_select(0, where), kind, needs_gradient)
            sums.index_add_(0, where, losses)
            if grad is not None:
                exponent_grad[chunk] = (grad * exponent).sum(1)
                _spread_gradient(-2 * lambdas * grad, pixels, centers, where, chunk, gradients)
        ctx.save_for_backward(*gradients, exponent_grad, image)
        return sums

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, *grads: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        of_pixels, of_centers, of_exponents, image = ctx.saved_tensors
        (share,) = grads  # b
        of_center = share[image]
        return (
            of_pixels * share[:, None, None],
            of_centers * of_center[:, None],
            of_exponents * of_center,
            *[None] * 5,
        )


def _squared_distances(pixels: Tensor, centers: Tensor, image: Tensor) -> Tensor:
    sums = pixels.new_zeros(len(centers), pixels.shape[2])
    for k in range(pixels.shape[1]):
        step = _values(pixels, k, image) - centers[:, k, None]
        sums.addcmul_(step, step)
    return sums


def _values(pixels: Tensor, k: int, image: Tensor) -> Tensor:
    """Dimension k of the image of each centre, without copies where all centres share one."""
    if _only_one(image):
        return pixels[int(image[0]), k][None]
    return pixels[:, k].index_select(0, image)


def _only_one(image: Tensor) -> bool:
    """Whether all centres are of one image; False on a GPU, where the answer would stall the queue."""
    return image.device.type == "cpu" and bool((image == image[0]).all())


def _evaluate(
    exponent: Tensor, labels: Tensor, valid: Tensor, kind: MembershipLoss, needs_gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """The losses of some centres, and their derivatives by the exponents of their memberships."""
    if kind == "lovasz":  # its gradient by the logits is known beside its value, no graph is needed
        phi = exponent.exp()
        losses, grad = evaluate_masks(2 * phi - 1, labels, valid, 1.0, needs_gradient=needs_gradient)
        return losses, None if grad is None else grad.mul_(phi).mul_(2)
    if not needs_gradient:
        return _ELEMENTWISE[kind](exponent, labels, valid), None
    with torch.enable_grad():
        leaf = exponent.detach().requires_grad_()
        losses = _ELEMENTWISE[kind](leaf, labels, valid)
        (grad,) = torch.autograd.grad(losses.sum(), leaf)
    return losses.detach(), grad


def _spread_gradient(
    push: Tensor, pixels: Tensor, centers: Tensor, image: Tensor, chunk: Tensor, gradients: list[Tensor]
) -> None:
    """d loss / d pixels and d centers from push = 2 d loss / d |e - μ|^2."""
    of_pixels, of_centers = gradients
    for k in range(pixels.shape[1]):
        step = (_values(pixels, k, image) - centers[chunk, k, None]).mul_(push)
        of_centers[chunk, k] = -step.sum(1)
        if _only_one(image):
            of_pixels[int(image[0]), k] += step.sum(0)
        else:
            of_pixels[:, k].index_add_(0, image, step)


def _binary_cross_entropy(exponent: Tensor, labels: Tensor, valid: Tensor) -> Tensor:
    return _cross_entropies(exponent, labels, valid).sum(1) / valid.sum(1).clamp(min=1)


def _focal(exponent: Tensor, labels: Tensor, valid: Tensor) -> Tensor:
    """γ = 2, α = 1/4, over the number of members: Lin et al. 2017."""
    phi = exponent.exp()
    wrong = torch.where(labels, 1 - phi, phi)
    share = torch.where(labels, 0.25, 0.75)
    each = share * wrong.square() * _cross_entropies(exponent, labels, valid)
    return each.sum(1) / (labels & valid).sum(1).clamp(min=1)


def _cross_entropies(exponent: Tensor, labels: Tensor, valid: Tensor) -> Tensor:
    """-log φ inside and -log(1 - φ) outside, where φ stays 10^-6 below 1; 0 where nothing counts."""
    outside = -torch.log(-torch.expm1(exponent.clamp(max=-1e-6)))
    return torch.where(valid, torch.where(labels, -exponent, outside), 0)


_ELEMENTWISE: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "bce": _binary_cross_entropy,
    "focal": _focal,
}


def own_memberships(
    pixels: Float[Tensor, "b d p"],
    centers: Float[Tensor, "s d"],
    log_lambda: Float[Tensor, " s"],
    *,
    index: Int[Tensor, "b p"],
) -> Float[Tensor, "b p"]:
    """Each pixel's membership to the centre that it belongs to, 0 where it belongs to none; no gradient.

    Example:
        >>> pixels = torch.tensor([[[3.0, 1.17741, 7.0]]])
        >>> sigma_1 = -torch.tensor([2.0]).log()  # the logarithm of λ = 1/2
        >>> own_memberships(pixels, torch.zeros(1, 1), sigma_1, index=torch.tensor([[-1, 0, -1]]))
        tensor([[0.0000, 0.5000, 0.0000]])
    """
    with torch.no_grad():
        padded = F.pad(centers, (0, 0, 0, 1))  # index -1 finds the row of zeros
        squared = torch.zeros_like(pixels[:, 0])
        for k in range(pixels.shape[1]):
            squared += (pixels[:, k] - padded[index, k]).square()
        phi = torch.exp(-F.pad(log_lambda.exp(), (0, 1))[index] * squared)
        return torch.where(index >= 0, phi, 0)
