"""What holds for every loss of `intarsia.losses`: a value an image, less is better, finite for any truth."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from intarsia import layers, losses, nets
from intarsia.losses import DetectionMatch

STUFF, NUM_CATEGORIES, MOST_INSTANCES = torch.tensor([0, 1]), 3, 2
BESIDE_THE_LOSSES = {
    "batch_hierarchical_lovasz_terms",
    "class_sums",
    "discriminative_terms",
    "hierarchical_lovasz_terms",
    "match_detections",
    "match_masks",
    "panoptic_quality_sums",
    "panoptic_quality_surrogate",  # the quality itself, under the name that people know
}


@dataclass(frozen=True)
class Truth:
    """Categories 0 and 1 are stuff; 2 is a thing with the instances 1 and 2."""

    semantic: Tensor  # b h w
    instances: Tensor

    def __len__(self) -> int:
        return len(self.semantic)

    @property
    def void(self) -> Tensor:
        return self.semantic == 255

    @property
    def segments(self) -> Tensor:
        """A mask for each stuff category and instance: b 4 h w."""
        stuff = [(self.semantic == c) for c in STUFF]
        return torch.stack([*stuff, self.instances == 1, self.instances == 2], dim=1)

    def image(self, i: int) -> Truth:
        return Truth(self.semantic[[i]], self.instances[[i]])


@dataclass(frozen=True)
class Case:
    """A loss of what a network says: its channels, the perfect answer, and the value."""

    channels: int
    perfect: Callable[[Truth], Tensor]
    loss: Callable[[Tensor, Truth], Tensor]
    squash: Callable[[Tensor], Tensor] = torch.clone  # of random numbers into the range of outputs


def truth_of(kind: str) -> Truth:
    generator = torch.Generator().manual_seed(0)
    size = {"mixed": (3, 4, 6), "void": (2, 3, 4), "single": (2, 1, 1), "empty": (2, 0, 3)}[kind]
    semantic = torch.randint(0, NUM_CATEGORIES, size, generator=generator)
    semantic[torch.rand(size, generator=generator) < 0.2] = 255
    if kind == "void":
        semantic[:] = 255
    instances = torch.randint(1, MOST_INSTANCES + 1, size, generator=generator) * (semantic == 2)
    return Truth(semantic, instances)


def joined(truth: Truth) -> tuple[Tensor, Tensor]:
    """Whether a pixel and the one to its right are in one segment, and whether both are known."""
    segment = torch.where(truth.instances > 0, 10 + truth.instances, truth.semantic)
    valid = torch.zeros(len(truth), 1, *segment.shape[1:], dtype=torch.bool)
    same = torch.zeros_like(valid)
    valid[:, 0, :, :-1] = ~truth.void[..., :-1] & ~truth.void[..., 1:]
    same[:, 0, :, :-1] = segment[..., :-1] == segment[..., 1:]
    return same & valid, valid


def affinity(function: Callable) -> Case:
    def loss(x: Tensor, truth: Truth) -> Tensor:
        same, valid = joined(truth)
        return function(x, same, valid=valid, k=0.5)

    return Case(1, lambda truth: 40 * joined(truth)[0].float() - 20, loss)


def categories(function: Callable, **options) -> Case:
    def perfect(truth: Truth) -> Tensor:
        return torch.stack([20.0 * (truth.semantic == c) for c in range(NUM_CATEGORIES)], dim=1)

    return Case(NUM_CATEGORIES, perfect, lambda x, truth: function(x, truth.semantic, **options))


def hinge() -> Case:
    def loss(x: Tensor, truth: Truth) -> Tensor:
        known = ~truth.void.flatten(1)
        return losses.lovasz_hinge(x.flatten(1), (truth.instances > 0).flatten(1), valid=known)

    return Case(1, lambda truth: 4.0 * (truth.instances > 0)[:, None] - 2, loss)


def embeddings() -> Case:
    def perfect(truth: Truth) -> Tensor:
        return torch.stack([10.0 * truth.instances, torch.zeros(truth.instances.shape)], dim=1)

    return Case(2, perfect, lambda x, truth: losses.discriminative_loss(x, truth.instances))


def hierarchical() -> Case:
    def perfect(truth: Truth) -> Tensor:
        inside = (truth.instances > 0).float()
        return torch.stack([9.0 * truth.instances, 9.0 * truth.semantic, inside, 0 * inside], dim=1)

    def loss(x: Tensor, truth: Truth) -> Tensor:
        return losses.hierarchical_lovasz_loss(
            x[:, :2],
            truth.instances,
            truth.semantic,
            seeds=x[:, 2],
            sharpness=x[:, 3] * 0.1,
            category_from=1,
        )

    return Case(4, perfect, loss)


def quality(function: Callable) -> Case:
    def loss(x: Tensor, truth: Truth) -> Tensor:
        of = torch.tensor([0, 1, 2, 2])
        pairs = losses.MatchedMasks(list(x), list(truth.segments), [of] * len(x), ~truth.void)
        return function(pairs, least_area=-1e4, options=losses.SurrogateOptions(sharpness=2.0))

    return Case(4, lambda truth: truth.segments.float(), loss, torch.sigmoid)


def matching() -> Case:
    found = DetectionMatch(torch.tensor([0, 1]), *torch.zeros(2, 2, dtype=torch.bool))

    def loss(x: Tensor, truth: Truth) -> Tensor:
        maps = (list(x), truth.semantic, truth.instances)
        return losses.panoptic_matching_loss(*maps, match=[found] * len(x), stuff=STUFF)

    return Case(4, lambda truth: 20.0 * truth.segments, loss)


CASES = {
    "affinity_loss": affinity(losses.affinity_loss),
    "batch_affinity_loss": affinity(losses.batch_affinity_loss),
    "batch_panoptic_quality_loss": quality(losses.batch_panoptic_quality_loss),
    "batch_top_k_cross_entropy": categories(losses.batch_top_k_cross_entropy, k=0.5),
    "discriminative_loss": embeddings(),
    "hierarchical_lovasz_loss": hierarchical(),
    "lovasz_hinge": hinge(),
    "lovasz_softmax": categories(lambda x, truth: losses.lovasz_softmax(x.softmax(1), truth)),
    "panoptic_matching_loss": matching(),
    "panoptic_quality_loss": quality(losses.panoptic_quality_loss),
    "top_k_cross_entropy": categories(losses.top_k_cross_entropy, k=0.5),
}
each_loss = pytest.mark.parametrize("name", CASES)


def random_output(case: Case, truth: Truth, seed: int = 1) -> Tensor:
    shape = (len(truth), case.channels, *truth.semantic.shape[1:])
    return case.squash(torch.randn(shape, generator=torch.Generator().manual_seed(seed))).requires_grad_()


def test_every_loss_is_looked_at():
    functions = {name for name in losses.__all__ if inspect.isfunction(getattr(losses, name))}
    assert functions == CASES.keys() | BESIDE_THE_LOSSES


@each_loss
@pytest.mark.parametrize("kind", ["mixed", "void", "single", "empty"])
def test_it_has_one_finite_value_an_image_and_a_finite_gradient(name: str, kind: str):
    case, truth = CASES[name], truth_of(kind)
    output = random_output(case, truth)
    loss = case.loss(output, truth)
    assert loss.shape == (() if name.startswith("batch_") else (len(truth),))
    assert loss.isfinite().all()
    loss.sum().backward()
    assert output.grad is not None
    assert output.grad.isfinite().all()
    assert output.grad.any() == (kind == "mixed") or kind == "single"


@each_loss
def test_less_is_better(name: str):
    case, truth = CASES[name], truth_of("mixed")
    perfect, guess = case.loss(case.perfect(truth), truth), case.loss(random_output(case, truth), truth)
    assert (perfect < 0.05).all()
    assert (guess > perfect + 0.05).all()


@each_loss
def test_it_is_computed_in_float32_under_autocast(name: str):
    case, truth = CASES[name], truth_of("mixed")
    half = random_output(case, truth).detach().bfloat16().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = case.loss(half, truth)
    assert loss.dtype == torch.float32
    assert_close(loss, case.loss(half.detach().float(), truth), rtol=0.02, atol=0.02)
    loss.sum().backward()
    assert half.grad is not None
    assert half.grad.isfinite().all()


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("batch_")])
def test_an_image_costs_the_same_in_any_batch(name: str):
    case, truth = CASES[name], truth_of("mixed")
    output = random_output(case, truth).detach()
    alone = [case.loss(output[[i]], truth.image(i)) for i in range(len(truth))]
    assert_close(case.loss(output, truth), torch.cat(alone))


@pytest.mark.parametrize("package", [losses, layers, nets], ids=lambda p: p.__name__)
def test_no_module_stands_where_a_function_should(package: ModuleType):
    modules = {info.name for info in pkgutil.iter_modules(package.__path__)}
    assert not modules & set(package.__all__)
    assert not [name for name in package.__all__ if inspect.ismodule(getattr(package, name))]


def test_nothing_in_losses_keeps_a_state():
    public = [getattr(losses, name) for name in losses.__all__]
    assert not [value for value in public if inspect.isclass(value) and issubclass(value, torch.nn.Module)]
