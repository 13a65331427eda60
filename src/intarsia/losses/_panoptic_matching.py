"""The panoptic matching loss: which detection is which instance, and cross-entropy on the panoptic map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int64
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn.functional import cross_entropy
from torchvision.ops import box_iou

from intarsia._check import counted, fail
from intarsia.panoptic import VOID_INDEX

__all__ = ["DetectionMatch", "Matching", "Normalisation", "match_detections", "panoptic_matching_loss"]

Matching = Literal["optimal", "greedy"]
Normalisation = Literal["softmax", "sum"]
_IGNORE = -1


@dataclass(frozen=True, eq=False)
class DetectionMatch:
    """Which detection each of t true instances is, and what the other ones of q detections are.

    Attributes:
        detection_of_truth: Number of the detection, -1 where there is none.
        duplicate: Detections of an instance that another detection matches better.
        unmatched: Detections of no instance.
    """

    detection_of_truth: Int64[Tensor, " t"]
    duplicate: Bool[Tensor, " q"]
    unmatched: Bool[Tensor, " q"]


def match_detections(
    boxes: Float[Tensor, "q 4"],
    true_boxes: Float[Tensor, "t 4"],
    *,
    categories: Int64[Tensor, " q"],
    true_categories: Int64[Tensor, " t"],
    min_iou: float = 0.5,
    matching: Matching = "optimal",
) -> DetectionMatch:
    """One detection for each true instance, so that their boxes' IoUs sum to the most.

    Boxes of different categories, and boxes with a smaller IoU than `min_iou`, never match.

    Source: Li, Qi and Torr 2020, eq. (5). The greedy form, best pair first, is ours: it differs only where
    instances with almost the same box share detections.

    Args:
        boxes: Detections: x, y, x, y.
        true_boxes: Tight boxes of the true instances.
        categories: Category index of each detection.
        true_categories: Category index of each true instance.
        min_iou: t of the paper, in (0, 1]: from one half on a pair of segments is unique, as in PQ.
        matching: "optimal" (Hungarian algorithm) or "greedy".

    Raises:
        ValueError: If `min_iou` is out of its range.

    Example:
        >>> boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [50, 50, 60, 60]])
        >>> same = torch.zeros(3, dtype=torch.long)
        >>> match = match_detections(boxes, boxes[:1], categories=same, true_categories=same[:1])
        >>> match.detection_of_truth.tolist(), match.duplicate.tolist(), match.unmatched.tolist()
        ([0], [False, True, False], [False, False, True])
    """
    if not 0 < min_iou <= 1:
        fail("min_iou", "in (0, 1]", min_iou)
    iou = box_iou(true_boxes.detach().float(), boxes.detach().float())  # t q
    iou = iou * (true_categories[:, None] == categories)
    iou = iou * (iou >= min_iou)
    rows, columns = (_optimal if matching == "optimal" else _greedy)(iou.cpu())
    detection_of_truth = torch.full((len(true_boxes),), -1, device=boxes.device)
    matched = torch.zeros(len(boxes), dtype=torch.bool, device=boxes.device)
    detection_of_truth[rows.to(boxes.device)] = columns.to(boxes.device)
    matched[columns.to(boxes.device)] = True
    near = (iou > 0).any(dim=0)
    return DetectionMatch(detection_of_truth, near & ~matched, ~near)


def panoptic_matching_loss(
    logits: Float[Tensor, "s h w"] | Sequence[Float[Tensor, "_ h w"]],
    semantic: Int64[Tensor, "*b h w"],
    instances: Int64[Tensor, "*b h w"],
    *,
    match: DetectionMatch | Sequence[DetectionMatch],
    stuff: Int64[Tensor, " f"],
    unmatched_detections: Literal["keep", "drop"] = "keep",
    unmatched_truth: Literal["ignore", "void"] = "ignore",
    normalisation: Normalisation = "softmax",
) -> Float[Tensor, " b"]:
    """Cross-entropy of panoptic logits, where each true instance is its matching detection.

    Duplicates lose their channels: the affinity mixes pixels, never channels, so to drop a channel here is to
    drop its detection before the panoptic head. Void, crowds and instances without a detection do not count.

    Source: Li, Qi and Torr 2020, section 3.5. What happens to detections of no instance, and whether P is
    taken as logits or as probabilities, the paper leaves open. To keep such detections is the default: no
    pixel is theirs, so that the loss lowers their scores, which is what false detections need.

    Args:
        logits: P of each image: a channel for each of `stuff`, then one for each detection, then, if there is
            one more, void. A tensor is the P of one image, whose maps then have no batch axis.
        semantic: Category index of each pixel; 255 for void.
        instances: Number of the true instance, from 1 in the order of `match`; 0 for none.
        match: What `match_detections` found in each image.
        stuff: Category index of each stuff channel.
        unmatched_detections: "keep" detections of no instance as channels that should win nowhere, or "drop".
        unmatched_truth: "ignore" the pixels of instances without a detection, or call them "void", which
            needs the channel of void.
        normalisation: "softmax", or "sum": P is not negative, and divided by its sum over the channels.

    Returns:
        For each image the mean over the pixels that count; 0 with a gradient of 0 where there are none.

    Raises:
        ValueError: If the channels of an image are not as many as stuff and detections, or there are not as
            many maps and matches as images.

    Example:
        >>> none = torch.zeros(0, 4)
        >>> no = torch.zeros(0, dtype=torch.long)
        >>> match = match_detections(none, none, categories=no, true_categories=no)
        >>> semantic = torch.tensor([[6, 7]])
        >>> stuff = torch.tensor([6, 7])
        >>> panoptic_matching_loss(torch.zeros(2, 1, 2), semantic, semantic * 0, match=match, stuff=stuff)
        tensor([0.6931])
    """
    if isinstance(logits, Tensor):
        logits, semantic, instances = [logits], semantic[None], instances[None]
    matches = [match] if isinstance(match, DetectionMatch) else match
    for name, each in (("semantic", semantic), ("instances", instances), ("match", matches)):
        if len(each) != len(logits):
            fail(name, f"of as many images as `logits` ({len(logits)})", len(each))
    losses = []
    for image, panoptic in enumerate(logits):
        channels = _Channels.of(panoptic, matches[image], stuff, unmatched_detections, unmatched_truth)
        labels = channels.labels(semantic[image], instances[image], matches[image], stuff)
        losses.append(_cross_entropy(panoptic[channels.taking_part], labels, normalisation))
    return torch.stack(losses) if losses else torch.zeros(0, device=semantic.device)


@dataclass(frozen=True, eq=False)
class _Channels:
    """Which channels of an image's P take part, and where the pixels of lost instances go.

    Attributes:
        taking_part: Whether each channel does.
        lost: The channel of instances without a detection.
    """

    taking_part: Bool[Tensor, " s"]
    lost: int

    @classmethod
    def of(
        cls,
        logits: Tensor,
        match: DetectionMatch,
        stuff: Tensor,
        detections: str,
        truth: str,
    ) -> _Channels:
        num_stuff, num_detections = len(stuff), len(match.duplicate)
        extra = len(logits) - num_stuff - num_detections
        if extra not in (0, 1):
            fail(
                "logits",
                f"{counted(num_stuff + num_detections, 'channel')}, or one more for void",
                len(logits),
            )
        if truth == "void" and not extra:
            fail(
                "logits",
                "with a channel of void where unmatched truth is void",
                f"{counted(len(logits), 'channel')}",
            )
        dropped = match.duplicate | match.unmatched if detections == "drop" else match.duplicate
        taking_part = torch.cat([~dropped.new_zeros(num_stuff), ~dropped, ~dropped.new_zeros(extra)])
        return cls(taking_part, len(logits) - 1 if truth == "void" else _IGNORE)

    def labels(
        self, semantic: Tensor, instances: Tensor, match: DetectionMatch, stuff: Tensor
    ) -> Int64[Tensor, "h w"]:
        """For each pixel the number of its channel among those that take part."""
        labels = _labels(semantic, instances, match, stuff, self.lost)
        number = torch.where(self.taking_part, self.taking_part.cumsum(0) - 1, _IGNORE)
        return torch.cat([number, number.new_tensor([_IGNORE])])[labels]  # where label -1 looks


def _labels(
    semantic: Tensor, instances: Tensor, match: DetectionMatch, stuff: Tensor, lost_channel: int
) -> Int64[Tensor, "h w"]:
    """The channel of each pixel; a thing without an instance is a crowd, which does not count."""
    channel_of_category = semantic.new_full((VOID_INDEX + 1,), _IGNORE)
    channel_of_category[stuff] = torch.arange(len(stuff), device=stuff.device)
    detection = match.detection_of_truth
    channel_of_instance = torch.where(detection >= 0, detection + len(stuff), lost_channel)
    channel_of_instance = torch.cat([detection.new_full((1,), _IGNORE), channel_of_instance])
    return torch.where(instances > 0, channel_of_instance[instances], channel_of_category[semantic])


def _cross_entropy(logits: Tensor, labels: Tensor, normalisation: Normalisation) -> Float[Tensor, ""]:
    precise = logits.to(torch.promote_types(logits.dtype, torch.float32))
    count = (labels != _IGNORE).sum()
    if not logits.numel() or not count:
        return (precise * 0).sum()
    if normalisation == "sum":
        tiny = torch.finfo(precise.dtype).tiny ** 0.5
        total = precise.sum(dim=0)
        own = precise.gather(0, labels.clamp(min=0)[None])[0]
        cost = (total + tiny).log() - (own + 1e-6 * total + tiny).log()  # an own 0 still has a slope
        return torch.where(labels != _IGNORE, cost, 0).sum() / count
    return cross_entropy(precise[None], labels[None], ignore_index=_IGNORE, reduction="sum") / count


def _optimal(iou: Float[Tensor, "t q"]) -> tuple[Tensor, Tensor]:
    rows, columns = (torch.from_numpy(side) for side in linear_sum_assignment(iou.numpy(), maximize=True))
    valid = iou[rows, columns] > 0
    return rows[valid], columns[valid]


def _greedy(iou: Float[Tensor, "t q"]) -> tuple[Tensor, Tensor]:
    rows, columns = iou.nonzero(as_tuple=True)
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for n in iou[rows, columns].argsort(descending=True, stable=True).tolist():
        row, column = int(rows[n]), int(columns[n])
        if row not in pairs and column not in taken:
            pairs[row] = column
            taken.add(column)
    return torch.tensor([*pairs], dtype=torch.long), torch.tensor([*pairs.values()], dtype=torch.long)
