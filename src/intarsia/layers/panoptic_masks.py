"""What a cut becomes for a loss: one mask a segment, with the true segment that it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from intarsia._check import fail
from intarsia.panoptic import VOID_INDEX


@runtime_checkable
class PanopticTruth(Protocol):
    """The truth of a batch on the grid of the costs; `intarsia.data.targets.PanopticTargets` is one.

    Attributes:
        semantic: Class of each pixel, 255 in void and padding, shaped (b, h, w).
        instances: Number of the instance, 0 where there is none, shaped (b, h, w). A pixel of a splittable
            class without an instance (a crowd) counts as void; instances of other classes are not looked at.

    Example:
        >>> hasattr(PanopticTruth, "semantic")
        True
    """

    @property
    def semantic(self) -> Tensor:
        """The category index of each pixel."""
        ...

    @property
    def instances(self) -> Tensor:
        """The instance of each pixel, 0 where there is none."""
        ...


@dataclass(frozen=True, eq=False)
class PanopticMasks:
    """The segments of a batch of cuts, each next to its true segment. A loss on `masks` reaches the costs.

    The channels of an image are its predicted segments, one a class outside P and one an instance, in the
    order of their first pixels, and then the true segments that no prediction was matched with: their masks
    are empty, and the gradient there says where such a segment should appear.

    Source: Abbas and Swoboda 2021 (COPS), section 3.3; the channels are those of the released code.

    Attributes:
        masks: z of each image, 0 or 1, float32, differentiable.
        truth: The matched true segment of each mask; all False where there is none.
        categories: Class of each mask.
        valid: Where the truth says something: neither void nor crowd. All True without a truth.
        labels: x, the class of each pixel.
        clusters: The connected segment of each pixel, numbered 0 ... C-1 in each image.

    Example:
        >>> from intarsia.layers import CutLayer
        >>> layer = CutLayer([(0, 1)], [True], min_size=1)
        >>> masks = layer(torch.zeros(1, 1, 1, 4), torch.tensor([[[[1.0, -2.0, 1.0, 0.0]]]]))
        >>> masks.masks[0][:, 0]
        tensor([[1., 1., 0., 0.],
                [0., 0., 1., 1.]])
    """

    masks: tuple[Float[Tensor, "_ h w"], ...]
    truth: tuple[Bool[Tensor, "_ h w"], ...]
    categories: tuple[Int64[Tensor, " _"], ...]
    valid: Bool[Tensor, "b h w"]
    labels: Int64[Tensor, "b h w"]
    clusters: Int64[Tensor, "b h w"]

    def __len__(self) -> int:
        return len(self.masks)


@dataclass(frozen=True, eq=False)
class TrueSegments:
    """The segments that an image should have, on the grid, with void as -1."""

    segments: np.ndarray  # (h, w)
    categories: np.ndarray  # one a segment

    @classmethod
    def of(cls, semantic: np.ndarray, instances: np.ndarray, splittable: np.ndarray) -> TrueSegments:
        """Instances of splittable classes and each other class as a whole, ordered by class and number."""
        void = semantic == VOID_INDEX
        categories = np.where(void, 0, semantic)
        if categories.min(initial=0) < 0 or categories.max(initial=0) >= len(splittable):
            fail(
                "truth.semantic", f"in [0, {len(splittable)}) or {VOID_INDEX}", int(categories.max(initial=0))
            )
        if instances.min(initial=0) < 0:
            fail("truth.instances", "at least 0", int(instances.min()))
        void |= splittable[categories] & (instances == 0)
        stride = int(instances.max(initial=0)) + 1
        keys = np.where(void, -1, categories * stride + np.where(splittable[categories], instances, 0))
        names, segments = np.unique(keys, return_inverse=True)
        num_void = int(void.any())
        return cls(segments.reshape(keys.shape) - num_void, names[num_void:] // stride)

    @classmethod
    def unknown(cls, shape: tuple[int, ...]) -> TrueSegments:
        """No truth is given: no void and no segments."""
        return cls(np.zeros(shape, np.int64), np.empty(0, np.int64))

    def matches_of(self, segments: np.ndarray, categories: np.ndarray, splittable: np.ndarray) -> np.ndarray:
        """For each predicted segment its true one, or -1: in each class the matching of largest summed IoU.

        A class that is not splittable is one segment on either side; these belong together even at IoU 0.

        Pixels of segment -1 or beyond `categories` belong to no predicted segment. Void pixels do not count.
        """
        match = np.full(len(categories), -1)
        iou = self._iou(segments, len(categories))
        for k in np.intersect1d(categories, self.categories):
            rows, cols = np.flatnonzero(categories == k), np.flatnonzero(self.categories == k)
            i, j = linear_sum_assignment(iou[np.ix_(rows, cols)], maximize=True)
            overlaps = (iou[rows[i], cols[j]] > 0) | ~splittable[k]
            match[rows[i][overlaps]] = cols[j][overlaps]
        return match

    def _iou(self, segments: np.ndarray, num_segments: int) -> np.ndarray:
        num_true = len(self.categories)
        if not num_true:
            return np.zeros((num_segments, 0))
        valid = self.segments >= 0
        row = np.where((segments >= 0) & (segments < num_segments), segments, num_segments)[valid]
        pairs = np.bincount(row * num_true + self.segments[valid], minlength=(num_segments + 1) * num_true)
        both = pairs.reshape(num_segments + 1, num_true)
        either = both.sum(axis=1, keepdims=True) + both.sum(axis=0) - both
        return (both / np.maximum(either, 1))[:num_segments]


def one_hot_masks(segments: Tensor, num_segments: int) -> Bool[Tensor, "s h w"]:
    """Mask s is where `segments` is s.

    Example:
        >>> one_hot_masks(torch.tensor([[1, -1, 0]]), 2).int().tolist()
        [[[0, 0, 1]], [[1, 0, 0]]]
    """
    return segments[None] == torch.arange(num_segments, device=segments.device)[:, None, None]
