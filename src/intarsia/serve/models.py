"""The models that a server holds: loaded once, asked for maps and for what they see inside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from intarsia.decoding.insight import Inside, look_inside
from intarsia.panoptic import Categories, PanopticMap
from intarsia.runtime.diameter import Diameter
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
    def diameter_px(self) -> float | None:
        """How large things were in its training; None where it does not know, and takes no diameter."""
        return self._model.spec.diameter_px

    def segment(self, pixels: UInt8[np.ndarray, "h w 3"], diameter: Diameter | None = None) -> PanopticMap:
        """The panoptic map of a picture with things of this diameter.

        Raises:
            ValueError: The diameter is out of range or not for this model.
        """
        return self._model.predict(pixels, diameter=diameter)

    def look_inside(
        self,
        pixels: UInt8[np.ndarray, "h w 3"],
        panoptic_map: PanopticMap,
        diameter: Diameter | None = None,
    ) -> Inside:
        """What the network says about a picture; without probabilities of categories, those of the map.

        Raises:
            ValueError: As `segment`.
        """
        view = self._model.view(pixels, diameter=diameter)
        return look_inside(view, self._model.decoder, panoptic_map, categories=self.categories)


def served_models(names: Sequence[str], *, device: Device) -> list[ServedModel]:
    """Load the models.

    Raises:
        ValueError: There is no such model, or no such device.
    """
    return [ServedModel(name, load(name, device=device)) for name in names]
