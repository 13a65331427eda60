"""Fine-tuning through the cut: the loss is panoptic quality, its gradient comes back through the solver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from intarsia._check import check_least, fail
from intarsia.data.affinity_targets import affinity_targets
from intarsia.data.targets import PanopticTargets
from intarsia.decoding.cut import CutConfig
from intarsia.layers import CutIndicatorLayer, CutLayer, Perturbation, scale_free_costs
from intarsia.losses import SurrogateOptions, batch_panoptic_quality_loss, panoptic_quality_loss
from intarsia.methods.pooled_quality import PooledQuality
from intarsia.panoptic import VOID_INDEX

__all__ = [
    "CutCostsOfBatch",
    "EndToEndConfig",
    "costs_to_learn_from",
    "drop_costs",
    "pooled_quality",
    "quality_loss",
    "separate_cut_losses",
]


@dataclass(frozen=True, kw_only=True)
class EndToEndConfig(SurrogateOptions, Perturbation):
    """Settings of fine-tuning through the cut, beside those of the surrogate and of the perturbation.

    Attributes:
        loss: "surrogate" of panoptic quality on segments; "separate" losses on classes and on cut pairs, the
            ablation of the paper's appendix A.4.
        weight: Factor of the loss; lambda multiplies it, so that it decides how far the cut is perturbed. 10,
            the paper's on Cityscapes.
        memory: Share of the past that stays from batch to batch in the exact form, see `PooledQuality`; 0
            looks at one batch alone, as the paper does.
        scale_free: Take the part along the costs themselves out of their gradient, see `scale_free_costs`.
        refine: Train through the cut with local search on top. Decoding may refine when training does not.
        cost_dropout: Share of the points whose node costs, and of the affinity costs, that are set to 0; the
            paper's tenth.
        min_size: Things of fewer points of the grid have no mask; 3, as in the released code.
        thing_area_scale: Factor of the least area of things in the surrogate; the released code has 4.
        learned_areas: Learn the area below which segments of a category do not count, t of eq. (6), and
            decode with it; the paper says that it over-fits.
        pretraining_weight: Factor of the losses of pre-training beside this one; 0 leaves them out, as the
            paper does.
        trained: "last": the last layers of the semantic head and of the classifiers, and the scales of the
            costs; "last_two": the last layer of the semantic head and the last two of the classifiers, no
            scales, as the paper says; "heads": both heads and the scales; "all": everything.
        frozen_norms: What stays of all norms: the "statistics", "all" of them, or "none".
        ladder: How much slower layers learn below the scales of the costs: 1 / ladder in the last layers,
            1 / (2 ladder) below them, 1 / (3 ladder) in the features of affinities; 0 for none.
    """

    loss: Literal["surrogate", "separate"] = "surrogate"
    weight: float = 10.0
    memory: float = 0.0
    scale_free: bool = True
    refine: bool = False
    cost_dropout: float = 0.1
    min_size: int = 3
    thing_area_scale: float = 1.0
    learned_areas: bool = False
    pretraining_weight: float = 0.0
    trained: Literal["last", "last_two", "heads", "all"] = "heads"
    frozen_norms: Literal["statistics", "all", "none"] = "statistics"
    ladder: float = 0.0

    def __post_init__(self) -> None:
        SurrogateOptions.__post_init__(self)
        Perturbation.__post_init__(self)
        if not 0 <= self.cost_dropout < 1:
            fail("end_to_end.cost_dropout", "in [0, 1)", self.cost_dropout)
        for name in ("ladder", "pretraining_weight", "thing_area_scale"):
            check_least(f"end_to_end.{name}", getattr(self, name), 0)
        if self.memory and self.form != "exact":
            fail("end_to_end.memory", f'0 with the form "{self.form}"', self.memory)
        if self.learned_areas and (self.loss == "separate" or self.trained == "last_two"):
            fail("end_to_end.learned_areas", 'false with the loss "separate" and with "last_two"', True)
        if self.weight <= 0:
            fail("end_to_end.weight", "above 0", self.weight)


@dataclass(frozen=True, eq=False)
class CutCostsOfBatch:
    """c_V and c_E of a batch, and the pairs that c_E is of."""

    nodes: Float[Tensor, "b k h w"]
    affinities: Float[Tensor, "b o h w"]
    offsets: Sequence[tuple[int, int]]
    splittable: Sequence[bool]


def quality_loss(
    costs: CutCostsOfBatch,
    grid: PanopticTargets,
    config: EndToEndConfig,
    *,
    cut: CutConfig,
    least_area: Float[Tensor, " k"],
    pooled: PooledQuality | None = None,
    loss_scale: float = 1.0,
) -> Float[Tensor, ""]:
    """Cut each image; w (1 - PQ) of the segments, with a gradient of the costs.

    Lambda is drawn from torch's own generator, so that a run that is continued draws the same.

    Source: Abbas and Swoboda 2021 (COPS), section 3.3.

    Args:
        costs: Of the batch.
        grid: The truth on the grid.
        config: Sizes of the perturbation, form and weight of the loss; see `EndToEndConfig`.
        cut: What decodes: its solver is trained through.
        least_area: t of each class, in points of the grid: what is smaller does not count.
        pooled: Takes the place of the surrogate of the batch, where quality is pooled over past batches.
        loss_scale: What the loss is multiplied with before `backward`; 1 for nothing.
    """
    layer = CutLayer(
        costs.offsets,
        costs.splittable,
        perturbation=config,
        solver=cut.solver,
        refine=config.refine,
        min_size=config.min_size,
        seed=_draw_seed(),
    )
    segments = layer(costs.nodes, costs.affinities, truth=grid, loss_scale=loss_scale)
    if pooled is not None:
        return config.weight * (1 - pooled(segments, least_area=least_area))
    if config.form == "paper":  # eq. (6) is of each image by itself
        of_images = panoptic_quality_loss(segments, least_area=least_area, options=config)
        return config.weight * of_images.mean()
    return config.weight * batch_panoptic_quality_loss(segments, least_area=least_area, options=config)


def pooled_quality(config: EndToEndConfig | None, num_categories: int) -> PooledQuality | None:
    """The memory of fine-tuning, if it has one."""
    if config is None or not config.memory:
        return None
    return PooledQuality(num_categories, memory=config.memory, options=config)


def separate_cut_losses(
    costs: CutCostsOfBatch,
    grid: PanopticTargets,
    config: EndToEndConfig,
    *,
    cut: CutConfig,
    weights: Float[Tensor, "b h w"],
    loss_scale: float = 1.0,
) -> dict[str, Float[Tensor, ""]]:
    """Losses on the classes and, for each offset, on the cut pairs that the solver answers.

    Source: Abbas and Swoboda 2021 (COPS), eq. (7) and (8), weighted as in pre-training.

    Args:
        costs: Of the batch.
        grid: The truth on the grid.
        config: Sizes of the perturbation and weight of the losses; see `EndToEndConfig`.
        cut: What decodes; its solver is trained through.
        weights: Of each grid point.
        loss_scale: What the losses are multiplied with before `backward`; 1 for nothing.
    """
    layer = CutIndicatorLayer(
        costs.offsets,
        costs.splittable,
        perturbation=config,
        solver=cut.solver,
        refine=config.refine,
        seed=_draw_seed(),
    )
    pairs = affinity_targets(grid, costs.offsets, weights=weights)
    labelled = (grid.semantic != VOID_INDEX) & ~grid.crowd  # b h w
    indicators = layer(
        _with_gradient_where(costs.nodes, labelled[:, None]),
        _with_gradient_where(costs.affinities, pairs.valid),
        loss_scale=loss_scale,
    )
    # eq. (7): the share of points in a wrong class
    classes = torch.arange(costs.nodes.shape[1], device=labelled.device)
    true_classes = (grid.semantic[:, None] == classes[:, None, None]).float()  # b k h w
    point_weights = (weights * labelled)[:, None]
    wrong = ((indicators.x - true_classes).abs() * point_weights).sum() / point_weights.sum().clamp(min=1)
    # eq. (8): an F-score of the cut pairs for each offset
    cuts, true_cuts = indicators.y * pairs.weights, (~pairs.joined & pairs.valid).float()
    both = (cuts * true_cuts).sum((0, 2, 3))  # o
    either = (cuts + pairs.weights * true_cuts).sum((0, 2, 3)) / 2
    f_score = (both + 1e-3) / (either + 1e-3)
    return {"classes": config.weight * wrong, "cut_pairs": config.weight * (1 - f_score).sum()}


def costs_to_learn_from(costs: CutCostsOfBatch, config: EndToEndConfig, *, training: bool) -> CutCostsOfBatch:
    """The same costs, in training with dropout, and with the part of their gradient that `config` wants."""
    if training:
        costs = drop_costs(costs, config.cost_dropout)
    if not config.scale_free:
        return costs
    nodes, affinities = scale_free_costs(costs.nodes, costs.affinities)
    return replace(costs, nodes=nodes, affinities=affinities)


def drop_costs(costs: CutCostsOfBatch, share: float) -> CutCostsOfBatch:
    """Set the node costs of some points, and some affinity costs, to 0; the rest is not made larger.

    Source: Abbas and Swoboda 2021 (COPS), appendix A.2 and released code.
    """
    if not share:
        return costs
    b, _, height, width = costs.nodes.shape
    points = torch.rand(b, 1, height, width, device=costs.nodes.device) >= share
    pairs = torch.rand(costs.affinities.shape, device=costs.affinities.device) >= share
    return CutCostsOfBatch(costs.nodes * points, costs.affinities * pairs, costs.offsets, costs.splittable)


def _with_gradient_where(costs: Tensor, labelled: Tensor) -> Tensor:
    return torch.where(labelled, costs, costs.detach())


def _draw_seed() -> int:
    return int(torch.randint(2**62, ()))
