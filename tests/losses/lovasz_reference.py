"""The Lovász losses written as in the paper: one mask at a time, a sort, differences of the Jaccard loss."""

from __future__ import annotations

import torch
from torch import Tensor


def jaccard_steps(sorted_labels: Tensor) -> Tensor:
    labels = sorted_labels.to(torch.float64)
    num = labels.sum()
    jaccard = 1 - (num - labels.cumsum(0)) / (num + (1 - labels).cumsum(0))
    jaccard[1:] = jaccard[1:] - jaccard[:-1].clone()
    return jaccard


def hinge_of_one_mask(logits: Tensor, labels: Tensor, valid: Tensor | None = None) -> Tensor:
    if valid is not None:
        logits, labels = logits[valid], labels[valid]
    if not len(logits):
        return logits.sum() * 0
    margins = 1 - logits * (2 * labels.to(logits.dtype) - 1)
    sorted_margins, order = margins.sort(descending=True, stable=True)
    return sorted_margins.clamp(min=0) @ jaccard_steps(labels[order]).to(logits.dtype)


def softmax_of_one_image(probabilities: Tensor, labels: Tensor, ignore: int, only_present: bool) -> Tensor:
    valid = labels != ignore
    probabilities, labels = probabilities[:, valid], labels[valid]
    losses = []
    for c, of_class in enumerate(probabilities):
        truth = labels == c
        if (only_present and not truth.any()) or not len(labels):
            continue
        errors, order = (truth.to(of_class.dtype) - of_class).abs().sort(descending=True, stable=True)
        losses.append(errors @ jaccard_steps(truth[order]).to(of_class.dtype))
    return torch.stack(losses).mean() if losses else probabilities.sum() * 0
