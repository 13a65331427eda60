"""The models that a server holds: loaded once, asked for maps and for what they see inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from intarsia.commands.predict import chosen_device
from intarsia.decoding.insight import Inside
from intarsia.decoding.upsampling import grid_size
from intarsia.errors import InputError
from intarsia.methods.images import as_tensor
from intarsia.methods.load import load
from intarsia.methods.method import AbstractMethod
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["ServedModel", "served_models"]


class ServedModel:
    """One model: its name, its categories, and two questions that it answers."""

    def __init__(self, name: str, method: AbstractMethod) -> None:
        """Take a loaded method."""
        self.name = name
        self._method = method.eval()

    @property
    def categories(self) -> Categories:
        """Of the model."""
        return self._method.categories

    @property
    def stride(self) -> int:
        """Pixels a point of the grid that `look_inside` answers on."""
        return self._method.stride

    def segment(self, pixels: UInt8[np.ndarray, "h w 3"]) -> PanopticMap:
        """The panoptic map of a picture."""
        return self._method.predict(pixels)

    @torch.inference_mode()
    def look_inside(self, pixels: UInt8[np.ndarray, "h w 3"], panoptic_map: PanopticMap) -> Inside:
        """What the network says about a picture; without probabilities of categories, those of the map."""
        output = self._method._evaluated(as_tensor(pixels)[None])
        stride = self._method.stride
        rows, columns = grid_size(*pixels.shape[:2], stride=stride)

        def cropped(field: Tensor) -> np.ndarray:
            return field[0, ..., :rows, :columns].detach().float().cpu().numpy()

        logits = getattr(output, "semantic_logits", None)
        prob = (
            _one_hot(panoptic_map, self.categories, stride, (rows, columns))
            if logits is None
            else cropped(logits.softmax(dim=1))
        )
        affinity = getattr(output, "affinity_logits", None)
        if affinity is not None:
            offsets: Any = getattr(self._method, "offsets", ())
            return Inside(stride, prob, affinity_prob=cropped(affinity.sigmoid()), offsets=tuple(offsets))
        try:
            field = self._method.embedding_field(output)
        except InputError:
            return Inside(stride, prob)
        embeddings, margin = field.embeddings[:, :rows, :columns], field.margin[:rows, :columns]
        return Inside(stride, prob, embeddings=embeddings, margin=margin)


def served_models(names: Sequence[str], *, device: str) -> list[ServedModel]:
    """Load the models.

    Raises:
        ValueError: There is no such model, or no such device.
    """
    chosen = chosen_device(device)
    return [ServedModel(name, load(name).to(chosen)) for name in names]


def _one_hot(
    panoptic_map: PanopticMap, categories: Categories, stride: int, grid: tuple[int, int]
) -> np.ndarray:
    semantic = panoptic_map.resized(*grid).semantic(categories)
    return np.stack([semantic == index for index in range(len(categories))]).astype(np.float32)
