"""Decoding of embeddings: mean shift in each category of things, or one cut for things and stuff."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Float, Float32, Int32, Integer

from intarsia.clustering import assign_to_centers, mean_shift, resolve_bandwidth
from intarsia.cut.offsets import offsets_of
from intarsia.decoding.assembly import Thing, Thresholds, assembled
from intarsia.decoding.cut import cut_map
from intarsia.decoding.cut_view import CutConfig, CutView
from intarsia.decoding.decoder import AbstractDecoder
from intarsia.decoding.embedding_cut import embedding_cut_view
from intarsia.decoding.embedding_field import EmbeddingField
from intarsia.decoding.given_semantics import PIXEL_SEMANTIC
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.softmax import softmax
from intarsia.decoding.upsampling import upsampled_argmax, upsampled_labels
from intarsia.panoptic import VOID_INDEX, Categories, PanopticMap

__all__ = ["EmbeddingDecoder", "EmbeddingView", "MeanShiftConfig", "group_by_embedding"]


@dataclass(frozen=True, kw_only=True)
class MeanShiftConfig(Thresholds):
    """Settings of grouping, beside the thresholds.

    Attributes:
        kind: "mean_shift" within each thing category, or the "cut": one problem for categories and instances,
            in which pairs of points attract each other up to the bandwidth and repel each other beyond.
        bandwidth: Radius of a cluster in embedding space: "delta_v", "2delta_v", "delta_d", or a number.
        distances: Between the points of a pair, on the grid; for the cut.
    """

    group: ClassVar[str] = "grouping"
    kind: Literal["mean_shift", "cut"] = "mean_shift"
    bandwidth: str | float = "delta_d"
    distances: tuple[int, ...] = (1, 2, 4, 8, 16)


@dataclass(frozen=True, kw_only=True)
class EmbeddingDecoder(AbstractDecoder):
    """Instances from `embeddings`, categories from `semantic_logits`.

    Attributes:
        grouping: By mean shift or by a cut, and thresholds.
        delta_v: Margin of the loss around a mean, which the bandwidth may be given in.
        delta_d: Half the least distance of two means, likewise.
    """

    grouping: MeanShiftConfig
    delta_v: float
    delta_d: float

    @property
    def takes_semantics(self) -> bool:
        """Categories come from `semantic_logits` alone; all else tells instances apart."""
        return True

    @property
    def bandwidth(self) -> float:
        """Radius of a cluster in embedding space."""
        return resolve_bandwidth(self.grouping.bandwidth, delta_v=self.delta_v, delta_d=self.delta_d)

    def decode(self, view: ImageView, categories: Categories) -> PanopticMap:
        """Mean shift in each thing category where it is the most likely, or one cut for things and stuff."""
        if self.grouping.kind == "cut":
            return cut_map(self.cut_view(view, categories), categories, self.cut_config)
        return self.group(EmbeddingView.of(view), categories)

    @property
    def cut_config(self) -> CutConfig:
        """The thresholds of grouping."""
        return CutConfig.of_thresholds(self.grouping)

    def cut_view(self, view: ImageView, categories: Categories) -> CutView:
        """Pairs of points at the distances of grouping, by how far apart their embeddings are."""
        return embedding_cut_view(
            view["semantic_logits"],
            view["embeddings"],
            view.size,
            categories=categories,
            offsets=offsets_of(self.grouping.distances),
            radius=self.bandwidth,
            stride=view.stride,
        )

    def group(
        self,
        view: EmbeddingView,
        categories: Categories,
        *,
        true_instances: Integer[np.ndarray, "hs ws"] | None = None,
    ) -> PanopticMap:
        """`group_by_embedding` with these settings."""
        return group_by_embedding(
            view,
            categories,
            bandwidth=self.bandwidth,
            thresholds=self.grouping,
            true_instances=true_instances,
        )

    def embedding_field(self, view: ImageView) -> EmbeddingField:
        """The embeddings; the margin is the bandwidth of grouping."""
        embeddings = view["embeddings"]
        return EmbeddingField(embeddings, np.full(embeddings.shape[1:], self.bandwidth, np.float32))


@dataclass(frozen=True, eq=False)
class EmbeddingView:
    """One image as mean shift sees it.

    Attributes:
        semantic: The most likely category index on the grid.
        certainty: Probability of that category.
        embeddings: On the grid.
        pixel_semantic: The most likely category index at each pixel.
        stride: Pixels between neighbours on the grid.
    """

    semantic: Integer[np.ndarray, "hs ws"]
    certainty: Float32[np.ndarray, "hs ws"]
    embeddings: Float32[np.ndarray, "d hs ws"]
    pixel_semantic: Integer[np.ndarray, "h w"]
    stride: int

    @classmethod
    def of(cls, view: ImageView) -> EmbeddingView:
        """What the network says about an image."""
        prob = softmax(view["semantic_logits"])
        likely = upsampled_argmax(view["semantic_logits"], *view.size, stride=view.stride)
        semantic_of_pixels = view.arrays.get(PIXEL_SEMANTIC)
        return cls(
            semantic=prob.argmax(axis=0),
            certainty=prob.max(axis=0),
            embeddings=view["embeddings"],
            pixel_semantic=likely
            if semantic_of_pixels is None
            else np.where(semantic_of_pixels < len(prob), semantic_of_pixels, likely).astype(likely.dtype),
            stride=view.stride,
        )

    def with_semantics(
        self, pixels: Integer[np.ndarray, "h w"], grid: Integer[np.ndarray, "hs ws"]
    ) -> EmbeddingView:
        """The same embeddings with other categories, which are certain."""
        return replace(self, semantic=grid, certainty=np.ones_like(self.certainty), pixel_semantic=pixels)


def group_by_embedding(
    view: EmbeddingView,
    categories: Categories,
    *,
    bandwidth: float,
    thresholds: Thresholds,
    true_instances: Integer[np.ndarray, "hs ws"] | None = None,
) -> PanopticMap:
    """The panoptic map: mean shift in each thing category, stuff by its category.

    Args:
        view: What the network says.
        categories: What the category indices mean.
        bandwidth: Radius of a cluster in embedding space.
        thresholds: What is below them becomes void.
        true_instances: Cluster around the mean embeddings of these instances instead of mean shift's.
    """
    labels = np.zeros(view.semantic.shape, np.int32)
    things: list[Thing] = []
    # each thing category by itself
    for index in np.flatnonzero(categories.is_thing):
        foreground = view.semantic == index
        if not foreground.any():
            continue
        if true_instances is None:
            clusters = _clusters(view, foreground, bandwidth, thresholds.min_thing_px)
        else:
            clusters = _around_true_means(view.embeddings, foreground, true_instances, bandwidth)
        scores = _scores(clusters, view, bandwidth)
        labels[clusters > 0] = clusters[clusters > 0] + len(things)
        things += [Thing(int(index), float(score)) for score in scores]
    # at the size of the image; a pixel joins instances of its own category alone
    group = np.array([0, *(thing.category_index for thing in things)], np.uint8)
    stuff = np.array([i for i, row in enumerate(categories) if not row.is_thing] + [VOID_INDEX], np.uint8)
    return assembled(
        view.pixel_semantic,
        upsampled_labels(labels, group, view.pixel_semantic, free=stuff, stride=view.stride),
        things,
        categories=categories,
        thresholds=thresholds,
    )


def _clusters(
    view: EmbeddingView, foreground: Bool[np.ndarray, "hs ws"], bandwidth: float, least_px: int
) -> Int32[np.ndarray, "hs ws"]:
    """Mean shift's; what it leaves over goes to the nearest cluster within two bandwidths."""
    least = max(least_px // view.stride**2, 1)
    return mean_shift(
        view.embeddings,
        foreground,
        bandwidth=bandwidth,
        min_points=least,
        leftover_radius=2 * bandwidth,
    )


def _around_true_means(
    embeddings: Float32[np.ndarray, "d hs ws"],
    foreground: Bool[np.ndarray, "hs ws"],
    instances: Integer[np.ndarray, "hs ws"],
    bandwidth: float,
) -> Int32[np.ndarray, "hs ws"]:
    """Pixels by the nearest of the mean embeddings of the true instances that the foreground shows."""
    members = foreground & (instances > 0)
    _, label = np.unique(instances[members], return_inverse=True)
    count = np.bincount(label)
    sums = [np.bincount(label, row, minlength=len(count)) for row in embeddings[:, members]]
    centers = (np.stack(sums, axis=1) / count[:, None]).astype(np.float32)  # n d
    return assign_to_centers(embeddings, foreground, centers, bandwidth=bandwidth)


def _scores(
    labels: Int32[np.ndarray, "hs ws"], view: EmbeddingView, bandwidth: float
) -> Float[np.ndarray, " n"]:
    """How sure each cluster is: its mean certainty times its share within half a bandwidth of its mean.

    Source: ours.
    """
    members = labels > 0
    label = labels[members] - 1
    embeddings = view.embeddings[:, members]  # d n
    count = np.maximum(np.bincount(label), 1)
    mean = np.stack([np.bincount(label, row) for row in embeddings]) / count
    near = np.square(embeddings - mean[:, label]).sum(axis=0) < (bandwidth / 2) ** 2
    return np.bincount(label, view.certainty[members]) / count * (np.bincount(label, near) / count)
