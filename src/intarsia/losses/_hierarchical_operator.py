"""The terms of the hierarchical Lovász loss as a compiler sees them: one operator with its gradients.

How many instances and categories there are, only numbers tell, so that no graph can hold what the terms are
made of. The operator runs it with autograd and answers the derivatives beside the values.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from intarsia.losses._gradients import no_gradient, scale
from intarsia.losses._hierarchical_options import HierarchicalLovaszOptions, HierarchicalLovaszTerms
from intarsia.losses._hierarchical_terms import Outputs, Rule, Truth

# The outputs that each term depends on, in the order of the terms.
_CAUSES = {
    "instance": ("pixels", "sharpness", "position"),
    "category": ("pixels", "log_lambda", "means"),
    "seed": ("seeds",),
    "variance": ("sharpness",),
    "hierarchy": ("sharpness", "log_lambda"),
}
_OUTPUTS, _TRUTH, _OPTIONS = (
    tuple(field.name for field in fields(kind)) for kind in (Outputs, Truth, HierarchicalLovaszOptions)
)


def compiled_terms(outputs: Outputs, truth: Truth, rule: Rule) -> HierarchicalLovaszTerms:
    """`Rule.terms` as one operator."""
    tensors = _tensors(outputs)
    needs_gradient = torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in tensors)
    options = [getattr(rule.options, name) for name in _OPTIONS]
    terms, _ = hierarchical_operator(
        *tensors,
        *[getattr(truth, name) for name in _TRUTH],
        *(needs_gradient, rule.category_from, rule.pooled),
        *options,
    )
    return HierarchicalLovaszTerms(*(terms.squeeze(1) if rule.pooled else terms))


@torch.library.custom_op(
    "intarsia::hierarchical_lovasz",
    mutates_args=(),
    schema="(Tensor pixels, Tensor seeds, Tensor sharpness, Tensor log_lambda, Tensor? means, "
    "Tensor? position, Tensor instances, Tensor classes, Tensor distinct, bool needs_gradient, "
    "int category_from, bool pooled, str instance_loss, str category_loss, str absent, int max_instances, "
    "int min_class_points, float foreground_weight, float hierarchy_ratio) -> (Tensor, Tensor[])",
)
def hierarchical_operator(*arguments: Any) -> tuple[Tensor, list[Tensor]]:
    """The terms, a row each, and where needed their derivatives in the order of `_CAUSES`.

    Args:
        arguments: Those of `Outputs`, of `Truth`, whether derivatives are needed, and those of `Rule`.
    """
    outputs, truth, (needs_gradient, category_from, pooled, *options) = _unpack(arguments)
    named = dict(zip(_OPTIONS, options, strict=True))
    rule = Rule(category_from, pooled, HierarchicalLovaszOptions(**named))
    if not needs_gradient:
        return _rows(rule.terms(outputs, truth)), []
    # An operator runs below autograd, which is a state of its thread: another thread has it.
    stream = torch.cuda.current_stream(outputs.pixels.device) if outputs.pixels.is_cuda else None
    with ThreadPoolExecutor(1) as above:
        return above.submit(_differentiate, outputs, truth, rule, stream).result()


@hierarchical_operator.register_fake
def _(*arguments: Any) -> tuple[Tensor, list[Tensor]]:
    outputs, _, (needs_gradient, _, pooled, *_) = _unpack(arguments)
    terms = outputs.pixels.new_empty(len(_CAUSES), 1 if pooled else outputs.pixels.shape[0])
    causes = [x for names in _CAUSES.values() for x in _present(outputs, names)] if needs_gradient else []
    return terms, [cause.new_empty(cause.shape) for cause in causes]


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, list[Tensor]]) -> None:
    _, slopes = output
    ctx.save_for_backward(*slopes)
    ctx.mark_non_differentiable(*slopes)
    ctx.given = {name for name, tensor in zip(_OUTPUTS, inputs, strict=False) if tensor is not None}
    ctx.nothing = [no_gradient(argument) for argument in inputs[len(_OUTPUTS) :]]


def _backward(ctx: Any, factors: Tensor, _: Any) -> tuple[Any, ...]:
    slopes, gradients = iter(ctx.saved_tensors), {}
    for factor, names in zip(factors, _CAUSES.values(), strict=True):
        for name in names:
            if name not in ctx.given:
                continue
            slope = next(slopes)
            part = scale(slope, factor.expand(slope.shape[0]))
            gradients[name] = gradients[name] + part if name in gradients else part
    return *(gradients.get(name) for name in _OUTPUTS), *ctx.nothing


hierarchical_operator.register_autograd(_backward, setup_context=_save)


def _differentiate(
    outputs: Outputs, truth: Truth, rule: Rule, stream: torch.cuda.Stream | None
) -> tuple[Tensor, list[Tensor]]:
    leaves = Outputs(*map(_leaf, _tensors(outputs)))
    slopes = []
    with torch.cuda.stream(stream), torch.enable_grad():  # no stream changes nothing
        terms = rule.terms(leaves, truth)
        for term, names in _CAUSES.items():
            total, causes = getattr(terms, term).sum(), _present(leaves, names)
            slopes += torch.autograd.grad(
                total, causes, retain_graph=True, allow_unused=True, materialize_grads=True
            )
    return _rows(terms).detach(), [slope.contiguous() for slope in slopes]


def _unpack(arguments: tuple[Any, ...]) -> tuple[Outputs, Truth, list[Any]]:
    middle = len(_OUTPUTS)
    end = middle + len(_TRUTH)
    return Outputs(*arguments[:middle]), Truth(*arguments[middle:end]), list(arguments[end:])


def _present(outputs: Outputs, names: tuple[str, ...]) -> list[Tensor]:
    return [tensor for name in names if (tensor := getattr(outputs, name)) is not None]


def _tensors(outputs: Outputs) -> list[Any]:
    return [getattr(outputs, name) for name in _OUTPUTS]


def _leaf(tensor: Any) -> Any:
    return None if tensor is None else tensor.detach().requires_grad_()


def _rows(terms: HierarchicalLovaszTerms) -> Tensor:
    return torch.stack([getattr(terms, term).reshape(-1) for term in _CAUSES])
