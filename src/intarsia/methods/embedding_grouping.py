"""From category logits and embeddings at stride 4 to a panoptic map."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int, Int32, UInt8
from torch import Tensor

from intarsia.clustering import assign_to_centers, mean_shift
from intarsia.methods.assembly import Thing, assembled
from intarsia.methods.upsampling import grid_size, upsampled_argmax, upsampled_labels
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["EmbeddingView", "embedding_view", "grouped_by_embedding"]


@dataclass(frozen=True, eq=False)
class EmbeddingView:
    """One image, without the padding of its batch, as grouping sees it.

    Attributes:
        semantic: The most likely category index on the grid.
        certainty: Its probability.
        embeddings: On the grid.
        pixel_semantic: The most likely category index at each pixel.
    """

    semantic: UInt8[np.ndarray, "hs ws"]
    certainty: Float32[np.ndarray, "hs ws"]
    embeddings: Float32[np.ndarray, "d hs ws"]
    pixel_semantic: UInt8[np.ndarray, "h w"]

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
    logits: Float[Tensor, "k hs ws"], embeddings: Float[Tensor, "d hs ws"], height: int, width: int
) -> EmbeddingView:
    """What the network says about an image of this size, which stands top left."""
    rows, columns = grid_size(height, width)
    logits = logits[:, :rows, :columns].detach().float()
    certainty, semantic = logits.softmax(dim=0).max(dim=0)
    return EmbeddingView(
        semantic=semantic.cpu().numpy().astype(np.uint8),
        certainty=certainty.cpu().numpy(),
        embeddings=np.ascontiguousarray(embeddings[:, :rows, :columns].detach().float().cpu().numpy()),
        pixel_semantic=upsampled_argmax(logits, height, width),
    )


def grouped_by_embedding(
    view: EmbeddingView,
    categories: Categories,
    *,
    bandwidth: float,
    min_thing_px: int,
    min_stuff_px: int,
    true_instances: Int[np.ndarray, "gb vb"] | None = None,
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
    for index in np.flatnonzero([category.is_thing for category in categories]):
        foreground = view.semantic == index
        if not foreground.any():
            continue
        if true_instances is None:
            least = max(min_thing_px // 16, 1)
            found = mean_shift(
                torch.from_numpy(view.embeddings),
                torch.from_numpy(foreground),
                bandwidth=bandwidth,
                min_size_px=least,
            ).numpy()
        else:
            found = _around_true_means(view.embeddings, foreground, true_instances, bandwidth)
        scores = _scores(found, view, bandwidth)
        labels[found > 0] = found[found > 0] + len(things)
        things += [Thing(int(index), float(score)) for score in scores]
    group = np.array([0, *(thing.category_index for thing in things)], np.uint8)
    stuff = np.array([i for i, row in enumerate(categories) if not row.is_thing] + [255], np.uint8)
    return assembled(
        view.pixel_semantic,
        upsampled_labels(labels, group, view.pixel_semantic, free=stuff),
        things,
        categories,
        min_thing_px=min_thing_px,
        min_stuff_px=min_stuff_px,
    )


def _scores(
    labels: Int32[np.ndarray, "hs ws"], view: EmbeddingView, bandwidth: float
) -> Float[np.ndarray, " n"]:
    """How sure each cluster is: its mean certainty times its share within half a bandwidth of its mean."""
    members = labels > 0
    label = labels[members] - 1
    embeddings = view.embeddings[:, members]  # d n
    count = np.maximum(np.bincount(label), 1)
    mean = np.stack([np.bincount(label, row) for row in embeddings]) / count
    near = np.square(embeddings - mean[:, label]).sum(axis=0) < (bandwidth / 2) ** 2
    return np.bincount(label, view.certainty[members]) / count * (np.bincount(label, near) / count)


def _around_true_means(
    embeddings: Float32[np.ndarray, "d hs ws"],
    foreground: Bool[np.ndarray, "hs ws"],
    instances: Int[np.ndarray, "gb vb"],
    bandwidth: float,
) -> Int32[np.ndarray, "hs ws"]:
    """Pixels by the nearest of the mean embeddings of the true instances that the foreground shows."""
    rows, columns = foreground.shape
    members = foreground & (instances[:rows, :columns] > 0)
    shown, label = np.unique(instances[:rows, :columns][members], return_inverse=True)
    if len(shown) == 0:
        return np.zeros(foreground.shape, np.int32)
    sums = np.stack([np.bincount(label, row) for row in embeddings[:, members]], axis=1)  # n d
    centers = (sums / np.bincount(label)[:, None]).astype(np.float32)
    return assign_to_centers(
        torch.from_numpy(embeddings),
        torch.from_numpy(foreground),
        torch.from_numpy(centers),
        bandwidth=bandwidth,
    ).numpy()
