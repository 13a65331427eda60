"""What turns a network's arrays into a panoptic map: all that prediction needs of a method beside it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields
from typing import NoReturn

import numpy as np

from intarsia._check import fail
from intarsia.decoding.affinity_walk import AffinityField
from intarsia.decoding.assembly import Thresholds
from intarsia.decoding.cut_view import CutConfig, CutView
from intarsia.decoding.embedding_field import EmbeddingField
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.pixel_field import PixelField
from intarsia.decoding.scales import ONE_LOOK, Looks, Scales
from intarsia.draw.distances import distances_from
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["AbstractDecoder"]


class AbstractDecoder(ABC):
    """From the named arrays of one image to its map. A frozen dataclass of plain values, saved with a model.

    A method in training and an exported network of it are decoded by the same one, so their maps are the
    same.
    """

    @abstractmethod
    def decode(self, view: ImageView, categories: Categories) -> PanopticMap:
        """The panoptic map of one image.

        Args:
            view: What the network said.
            categories: What its category indices mean.
        """

    def check_categories(self, categories: Categories) -> None:
        """Refuse thresholds of single categories that are for another number of them.

        Raises:
            ValueError: As `Thresholds.least_px` and `least_score`.
        """
        for entry in fields(self):  # pyright: ignore[reportArgumentType] - every decoder is a dataclass
            settings = getattr(self, entry.name)
            if isinstance(settings, Thresholds):
                settings.least_px(categories)
                settings.least_score(categories)

    @property
    def reach_points(self) -> int:
        """How far apart on the grid two points may be that one value of the network is about."""
        return 0

    @property
    def takes_semantics(self) -> bool:
        """Whether categories of another network can stand for those of the own; see `with_semantics`."""
        return False

    def at_scales(self, scales: Scales) -> AbstractDecoder:
        """What decodes the answers that `merge_looks` makes of looks at these scales.

        Raises:
            ValueError: The method can make no one answer of several looks, or not of these.
        """
        return self if scales == ONE_LOOK else self._fail_at_scales()

    def merge_looks(self, looks: Looks) -> Mapping[str, np.ndarray]:
        """One answer of looks at several scales.

        Args:
            looks: What the network says at each.

        Raises:
            ValueError: As `at_scales`.
        """
        return self._fail_at_scales()

    def _fail_at_scales(self) -> NoReturn:
        got = f"one decoded by {type(self).__name__}"
        fail("scales", "1 for all models but those that cut affinities", got)

    @property
    def cut_config(self) -> CutConfig:
        """How the cuts of `cut_view` are solved and what becomes of their segments.

        Raises:
            ValueError: As `cut_view`.
        """
        return self._fail_without_cut()

    def cut_view(self, view: ImageView, categories: Categories) -> CutView:
        """One image as a cut problem, for cutting several as one.

        Args:
            view: What the network said.
            categories: What its category indices mean.

        Raises:
            ValueError: The method knows no costs of pairs.
        """
        return self._fail_without_cut()

    def _fail_without_cut(self) -> NoReturn:
        fail("model", "of a method with affinities or an embedding", f"one decoded by {type(self).__name__}")

    def embedding_field(self, view: ImageView) -> EmbeddingField:
        """Where the pixels lie in the space that the method groups them in, for following instances.

        Raises:
            ValueError: The method groups in another way.
        """
        return fail("model", "of a method with an embedding", f"one that is decoded by {type(self).__name__}")

    def affinity_field(self, view: ImageView) -> AffinityField:
        """Which pairs of pixels the method takes for one segment.

        Raises:
            ValueError: The method groups in another way.
        """
        return fail("model", "of a method with affinities", f"one that is decoded by {type(self).__name__}")

    def pixel_field(self, view: ImageView, pixel: tuple[int, int]) -> PixelField:
        """What one pixel is to every point of the grid: here how far from it in embedding space.

        Args:
            view: What the network said.
            pixel: Row and column in the image.

        Raises:
            ValueError: The method groups in another way.
        """
        field = self.embedding_field(view)
        at = pixel[0] // view.stride, pixel[1] // view.stride
        distances = distances_from(field.embeddings, at)
        return PixelField("distance", distances, field.embeddings, margin=float(field.margin[at]))
