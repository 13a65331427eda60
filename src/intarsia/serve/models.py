"""The models that a server holds: loaded once, asked for maps and for what they see inside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, UInt8

from intarsia.decoding.cut import CutDecoder
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.insight import Inside
from intarsia.decoding.softmax import softmax
from intarsia.errors import InputError
from intarsia.panoptic import Categories, PanopticMap
from intarsia.runtime.loading import Device, load
from intarsia.runtime.model import Model

__all__ = ["ServedModel", "served_models"]


class ServedModel:
    """One model: its name, its categories, and two questions that it answers."""

    def __init__(self, name: str, model: Model) -> None:
        """Take a loaded model."""
        self.name = name
        self._model = model

    @property
    def categories(self) -> Categories:
        """Of the model."""
        return self._model.categories

    @property
    def stride(self) -> int:
        """Pixels a point of the grid that `look_inside` answers on."""
        return self._model.stride

    def segment(self, pixels: UInt8[np.ndarray, "h w 3"]) -> PanopticMap:
        """The panoptic map of a picture."""
        return self._model.predict(pixels)

    def look_inside(self, pixels: UInt8[np.ndarray, "h w 3"], panoptic_map: PanopticMap) -> Inside:
        """What the network says about a picture; without probabilities of categories, those of the map."""
        view, decoder = self._model.view(pixels), self._model.decoder
        prob = self._category_prob(view, panoptic_map)
        if isinstance(decoder, CutDecoder) and "affinity_costs" in view.arrays:
            joined = 1 / (1 + np.exp(-view["affinity_costs"]))  # costs are log-odds
            return Inside(view.stride, prob, affinity_prob=joined.astype(np.float32), offsets=decoder.offsets)
        try:
            field = decoder.embedding_field(view)
        except InputError:
            return Inside(view.stride, prob)
        return Inside(view.stride, prob, embeddings=field.embeddings, margin=field.margin)

    def _category_prob(self, view: ImageView, panoptic_map: PanopticMap) -> Float32[np.ndarray, "k h w"]:
        if "semantic_logits" in view.arrays:
            return softmax(view["semantic_logits"])
        semantic = panoptic_map.resized(*view.grid).semantic(self.categories)
        return np.stack([semantic == k for k in range(len(self.categories))]).astype(np.float32)


def served_models(names: Sequence[str], *, device: Device) -> list[ServedModel]:
    """Load the models.

    Raises:
        ValueError: There is no such model, or no such device.
    """
    return [ServedModel(name, load(name, device=device)) for name in names]
