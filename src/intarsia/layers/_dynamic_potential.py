"""The dynamic potential: semantics and detections as one map with a channel for each possible segment."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from intarsia.layers.mask_pasting import inside_boxes, pasted_masks

__all__ = ["Variant", "dynamic_potential"]

Variant = Literal["A", "B", "C"]


def dynamic_potential(
    semantic_logits: Float[Tensor, "k h w"],
    boxes: Float[Tensor, "q 4"],
    mask_logits: Float[Tensor, "q m m"] | None = None,
    *,
    categories: Int64[Tensor, " q"],
    scores: Float[Tensor, " q"],
    stuff: Int64[Tensor, " f"],
    variant: Variant = "B",
    stuff_score: float = 1.0,
    stride: int = 4,
) -> Float[Tensor, "s h w"]:
    """Ψ of one image: how much each point of the grid looks like each stuff category and each detection.

    With V the semantic probabilities and M a detection's mask probabilities pasted into its box,
        Ψ_i(k) = s_k V_i(c_k) without masks, s_k V_i(c_k) M_i(k) in variant B, s_k (V_i(c_k) + M_i(k)) in C,
    inside box k and 0 outside; the box of stuff is the whole image. Variant A works on logits, without
    scores, and adds a channel for void: what the thing categories say beyond the boxes.

    Gradients reach semantics, scores and masks, not the boxes, whose edges are hard. Any number of
    detections, also none.

    Source: Li, Qi and Torr 2020, eq. (1), (2) and Figure 4; variant A is Xiong et al. 2019 (UPSNet). The
    paper does not tell the score of stuff; 1 leaves stuff "unattenuated", as its appendix A.3 calls it.

    Args:
        semantic_logits: On the grid.
        boxes: Detections: x, y, x, y in pixels.
        mask_logits: On the cells of each box; None for detections without masks.
        categories: Category index of each detection.
        scores: s of each detection, in [0, 1].
        stuff: Category indices of stuff.
        variant: "A", "B" or "C".
        stuff_score: s of stuff; 1, as for sure detections.
        stride: Pixels between neighbours on the grid; 4, the finest level of the pyramid.

    Returns:
        A channel for each of `stuff`, then one for each detection; in variant A, void comes last.

    Example:
        >>> logits, box = torch.zeros(2, 1, 3), torch.tensor([[0.0, 0, 4, 4]])
        >>> car, road = torch.tensor([0]), torch.tensor([1])
        >>> dynamic_potential(logits, box, categories=car, scores=torch.tensor([0.8]), stuff=road)
        tensor([[[0.5000, 0.5000, 0.5000]],
        <BLANKLINE>
                [[0.4000, 0.0000, 0.0000]]])
    """
    size = (semantic_logits.shape[1], semantic_logits.shape[2])
    inside = inside_boxes(boxes, size, stride=stride)  # q h w
    if variant == "A":
        return _with_void(semantic_logits, boxes, mask_logits, categories, stuff, inside, stride)
    prob = semantic_logits.softmax(dim=0)
    things = prob[categories]  # q h w
    if mask_logits is not None:
        masks = pasted_masks(mask_logits.sigmoid(), boxes, size, stride=stride).to(things.dtype)
        things = things * masks if variant == "B" else things + masks
    things = scores[:, None, None].to(things.dtype) * things * inside
    return torch.cat([stuff_score * prob[stuff], things])


def _with_void(
    logits: Tensor,
    boxes: Tensor,
    mask_logits: Tensor | None,
    categories: Tensor,
    stuff: Tensor,
    inside: Tensor,
    stride: int,
) -> Float[Tensor, "s h w"]:
    """Variant A: logits of stuff, semantic plus mask logits of detections, and void."""
    stuff_and_things = logits[categories] * inside  # q h w
    things = stuff_and_things
    if mask_logits is not None:
        size = (logits.shape[1], logits.shape[2])
        things = stuff_and_things + pasted_masks(mask_logits, boxes, size, stride=stride).to(
            stuff_and_things.dtype
        )
    is_thing = torch.ones(len(logits), dtype=torch.bool, device=logits.device)
    is_thing[stuff] = False
    best = logits[is_thing].amax(dim=0) if is_thing.any() else torch.zeros_like(logits[0])
    in_a_box = stuff_and_things.amax(dim=0) if len(stuff_and_things) else torch.zeros_like(best)
    return torch.cat([logits[stuff], things, (best - in_a_box)[None]])
