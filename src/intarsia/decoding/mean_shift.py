"""From category logits and embeddings on a grid to a panoptic map."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int, Int32, Int64, UInt8
from torch import Tensor

from intarsia.clustering import assign_to_centers, mean_shift
from intarsia.decoding.assembly import Thing, assembled
from intarsia.decoding.upsampling import grid_size, upsampled_argmax, upsampled_labels
from intarsia.panoptic import VOID_INDEX, Categories, PanopticMap

__all__ = ["EmbeddingView", "embedding_view", "grouped_by_embedding"]


@dataclass(frozen=True, eq=False)
class EmbeddingView:
    """One image, without the padding of its batch, as grouping sees it.

    Attributes:
        semantic: The most likely category index on the grid.
        certainty: Its probability.
        embeddings: On the grid.
        pixel_semantic: The most likely category index at each pixel.
        stride: Pixels between neighbours on the grid.
    """

    semantic: UInt8[np.ndarray, "hs ws"]
    certainty: Float32[np.ndarray, "hs ws"]
    embeddings: Float32[Tensor, "d hs ws"]
    pixel_semantic: UInt8[np.ndarray, "h w"]
    stride: int

    def with_semantics(self, pixels: Int[Tensor, "hb wb"], grid: Int[Tensor, "gb vb"]) -> EmbeddingView:
        """The same embeddings with other categories, given for the whole batch's size, and certain."""
        height, width = self.pixel_semantic.shape
        rows, columns = self.semantic.shape
        return replace(
            self,
            semantic=grid[:rows, :columns].cpu().numpy().astype(np.uint8),
            certainty=np.ones_like(self.certainty),
            pixel_semantic=pixels[:height, :width].cpu().numpy().astype(np.uint8),
        )


def embedding_view(
    logits: Float[Tensor, "k hs ws"],
    embeddings: Float[Tensor, "d hs ws"],
    size: tuple[int, int],
    *,
    stride: int,
) -> EmbeddingView:
    """What the network says about an image of this size, which stands top left."""
    rows, columns = grid_size(*size, stride=stride)
    logits = logits[:, :rows, :columns].detach().float()
    certainty, semantic = logits.softmax(dim=0).max(dim=0)
    return EmbeddingView(
        semantic=semantic.cpu().numpy().astype(np.uint8),
        certainty=certainty.cpu().numpy(),
        embeddings=embeddings[:, :rows, :columns].detach().float().cpu(),
        pixel_semantic=upsampled_argmax(logits.cpu().numpy(), *size, stride=stride),
        stride=stride,
    )


def grouped_by_embedding(
    view: EmbeddingView,
    categories: Categories,
    *,
    bandwidth: float,
    min_thing_px: int,
    min_stuff_px: int,
    true_instances: Int64[Tensor, "gb vb"] | None = None,
) -> PanopticMap:
    """The panoptic map: mean shift in each thing category, stuff by its category.

    Args:
        view: What the network says.
        categories: What the category indices mean.
        bandwidth: Radius of a cluster in embedding space.
        min_thing_px: Things with fewer pixels become void.
        min_stuff_px: Stuff with fewer pixels becomes void.
        true_instances: Cluster around the mean embeddings of these instances instead of mean shift's; on the
            grid of the whole batch.
    """
    labels = np.zeros(view.semantic.shape, np.int32)
    things: list[Thing] = []
    for index in np.flatnonzero(categories.is_thing):
        foreground = view.semantic == index
        if not foreground.any():
            continue
        if true_instances is None:
            found = _clusters(view, foreground, bandwidth, min_thing_px)
        else:
            found = _around_true_means(view.embeddings, foreground, true_instances, bandwidth)
        scores = _scores(found, view, bandwidth)
        labels[found > 0] = found[found > 0] + len(things)
        things += [Thing(int(index), float(score)) for score in scores]
    group = np.array([0, *(thing.category_index for thing in things)], np.uint8)
    stuff = np.array([i for i, row in enumerate(categories) if not row.is_thing] + [VOID_INDEX], np.uint8)
    return assembled(
        view.pixel_semantic,
        upsampled_labels(labels, group, view.pixel_semantic, free=stuff, stride=view.stride),
        things,
        categories=categories,
        min_thing_px=min_thing_px,
        min_stuff_px=min_stuff_px,
    )


def _clusters(
    view: EmbeddingView, foreground: Bool[np.ndarray, "hs ws"], bandwidth: float, least_px: int
) -> Int32[np.ndarray, "hs ws"]:
    """Mean shift's; what it leaves over goes to the nearest cluster within two bandwidths."""
    least = max(least_px // view.stride**2, 1)
    return mean_shift(
        view.embeddings.numpy(),
        foreground,
        bandwidth=bandwidth,
        min_size_px=least,
        leftover_radius=2 * bandwidth,
    )


def _around_true_means(
    embeddings: Float32[Tensor, "d hs ws"],
    foreground: Bool[np.ndarray, "hs ws"],
    instances: Int64[Tensor, "gb vb"],
    bandwidth: float,
) -> Int32[np.ndarray, "hs ws"]:
    """Pixels by the nearest of the mean embeddings of the true instances that the foreground shows."""
    here = instances[: foreground.shape[0], : foreground.shape[1]]
    members = torch.from_numpy(foreground) & (here > 0)
    shown, label = here[members].unique(return_inverse=True)
    sums = embeddings.new_zeros(len(shown), len(embeddings))
    sums.index_add_(0, label, embeddings[:, members].T)
    centers = sums / label.bincount(minlength=len(shown))[:, None]  # n d
    return assign_to_centers(embeddings.numpy(), foreground, centers.numpy(), bandwidth=bandwidth)


def _scores(
    labels: Int32[np.ndarray, "hs ws"], view: EmbeddingView, bandwidth: float
) -> Float[np.ndarray, " n"]:
    """How sure each cluster is: its mean certainty times its share within half a bandwidth of its mean.

    Source: ours.
    """
    members = labels > 0
    label = labels[members] - 1
    embeddings = view.embeddings.numpy()[:, members]  # d n
    count = np.maximum(np.bincount(label), 1)
    mean = np.stack([np.bincount(label, row) for row in embeddings]) / count
    near = np.square(embeddings - mean[:, label]).sum(axis=0) < (bandwidth / 2) ** 2
    return np.bincount(label, view.certainty[members]) / count * (np.bincount(label, near) / count)
