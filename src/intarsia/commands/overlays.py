"""How results are drawn over their photos, each in a file of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from intarsia import draw
from intarsia._files import remove_partials, whole
from intarsia.formats.coco import refuse_link
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["Overlays"]


@dataclass(frozen=True)
class Overlays:
    """A folder of overlays, and what they show.

    Attributes:
        folder: Where they go, as NAME.jpg.
        boxes: Boxes around things.
        scores: The scores of things.
        colors: Things as shades of their category, or each in a colour of its own.
    """

    folder: Path
    boxes: bool = False
    scores: bool = False
    colors: Literal["category", "instance"] = "category"

    def make_folder(self) -> None:
        """Make the folder.

        Raises:
            ValueError: It is a link to another place.
            OSError: It cannot be made.
        """
        refuse_link(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_partials(self.folder, pattern=".*.partial*")

    def write(
        self,
        stem: str,
        picture: UInt8[np.ndarray, "h w 3"],
        panoptic_map: PanopticMap,
        *,
        categories: Categories,
    ) -> None:
        """Draw one result and write it.

        Raises:
            OSError: The file cannot be written.
        """
        pixels = draw.overlay(
            picture,
            panoptic_map,
            categories,
            boxes=self.boxes,
            scores=self.scores,
            by=self.colors,
        )
        with whole(self.folder / f"{stem}.jpg") as partial:
            Image.fromarray(pixels).save(partial, format="JPEG", quality=90)
