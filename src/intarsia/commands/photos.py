"""Photos of a run: what each is called and where it is, and those that are in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from intarsia.commands.photo_pages import PhotoPage
from intarsia.formats.image_files import stems_of
from intarsia.pictures.object_store import StoredFile
from intarsia.runtime.given_semantics import ImageWithSemantics

__all__ = ["Photo", "ReadPhoto", "photos_of"]

Picture = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True, slots=True)
class Photo:
    """One image to predict.

    Attributes:
        name: As in the JSON.
        stem: How its files are called, whatever becomes of the other photos.
        image_id: In the JSON.
        page: Where it is.
        mask: Where its categories are, if those of another network are taken.
        stored: Where it is if not on this machine; its page then has its name alone, until it is fetched.
    """

    name: str
    stem: str
    image_id: int | str
    page: PhotoPage
    mask: Path | None = None
    stored: StoredFile | None = None


@dataclass(frozen=True, eq=False, slots=True)
class ReadPhoto:
    """A photo in memory.

    Attributes:
        name: As in the JSON.
        picture: Its pixels, upright.
        semantic: The category index of each pixel, if those of another network are taken.
    """

    name: str
    picture: Picture
    semantic: Int64[np.ndarray, "h w"] | None = None

    @property
    def image(self) -> Picture | ImageWithSemantics:
        """As a model takes it."""
        return self.picture if self.semantic is None else ImageWithSemantics(self.picture, self.semantic)


def photos_of(
    pages: Mapping[str, PhotoPage],
    ids: Mapping[str, int | str],
    *,
    masks: Mapping[str, Path],
    stored: Mapping[str, StoredFile],
) -> list[Photo]:
    """The photos of a run, in order.

    Args:
        pages: Where each photo is, by its name.
        ids: Of the photos, in the JSON.
        masks: Files with the categories of photos, as far as those of another network are taken.
        stored: Photos that are in an object store.
    """
    stems = stems_of(pages)
    return [
        Photo(name, stem, ids[name], pages[name], masks.get(name), stored.get(name))
        for name, stem in zip(pages, stems, strict=True)
    ]
