"""Photos into results: what a run is told, and how it goes image by image; a part of the photos or all."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Int64

from intarsia._threads import do_beside
from intarsia.commands.overlays import Overlays
from intarsia.commands.photo_pages import PhotoPage, read_ahead
from intarsia.commands.photos import Photo, Picture, ReadPhoto
from intarsia.commands.semantic_masks import MaskValues
from intarsia.commands.stacks import predicted_stacks
from intarsia.errors import InputError
from intarsia.formats.image_files import ImageFiles, ImageRows
from intarsia.formats.resolution import Resolution
from intarsia.formats.results import ResultFolder
from intarsia.panoptic import Categories, PanopticMap
from intarsia.pictures.values import read_values
from intarsia.runtime.diameter import Diameter
from intarsia.runtime.given_semantics import ImageWithSemantics
from intarsia.runtime.loading import Backend, Device, Precision, load
from intarsia.runtime.model import Model
from intarsia.runtime.picture_views import Follow

__all__ = ["PhotoRun", "PhotoSettings"]

MAX_DRAWINGS = 8
"""Overlays that may wait to be drawn: bounds the memory."""

PhotoWithMap: TypeAlias = tuple[str, Picture, PanopticMap]
"""A photo's name, its pixels and its map."""


@dataclass(frozen=True, kw_only=True)
class PhotoSettings:
    """All that a run is told but its photos; a process that has them can predict a part.

    The other attributes are options of `predict`, which says what they mean.

    Attributes:
        overlays: What draws each result over its photo; None for nothing.
        resolution: Of all images; None for as their files say.
        stacks: The pages of a file are one volume.
    """

    model: str
    out: Path
    overlays: Overlays | None
    write: tuple[str, ...] = ("coco",)
    category: str | None = None
    resolution: Resolution | None = None
    stacks: bool = False
    semantic: Path | None = None
    channel: tuple[int, ...] = ()
    size: str | None = None
    diameter: Diameter | None = None
    scales: tuple[int, ...] = ()
    batch_size: int = 4
    backend: Backend | None = None
    device: Device = "auto"
    precision: Precision = "auto"
    threads: int | None = None
    method: str = ""

    def results(self, categories: Categories) -> ResultFolder:
        """The folder of results, for the files of the whole run.

        Raises:
            ValueError: As `ResultFolder`.
            OSError: A folder cannot be made.
        """
        size = None if self.resolution is None else self.resolution.pixel_size_um
        return ResultFolder(
            self.out,
            categories,
            write=self.write,
            category=self.category,
            pixel_size_um=size,
            stacks=self.stacks,
        )

    def load(self) -> PhotoRun:
        """The run, ready to go.

        Raises:
            ValueError: No such model, or what is asked for does not exist.
        """
        model = load(
            self.model,
            backend=self.backend,
            device=self.device,
            precision=self.precision,
            threads=self.threads,
            method=self.method,
        )
        # the categories of another network, if they are given
        masks = None
        if self.semantic is not None:
            model.check_takes_semantics()
            masks = MaskValues.of(self.semantic, model.categories)
        files = ImageFiles(
            self.out,
            model.categories,
            frozenset(self.write),
            category=self.category,
            resolution=self.resolution,
            stacks=self.stacks,
        )
        model.intake = model.intake.with_options(self.channel, self.size, scales=self.scales)
        return PhotoRun(model, files, self.overlays, masks, self.diameter, self.batch_size)


@dataclass(frozen=True)
class PhotoRun:
    """Photos into results; overlays are drawn and written beside, while the network goes on.

    Attributes:
        model: What turns pictures into maps.
        files: What writes maps and other files of an image.
        overlays: What draws each result over its photo; None for nothing.
        masks: What the values of masks mean, if those of another network are taken.
        diameter: As `predict` takes it.
        batch_size: As `predict` takes it.
    """

    model: Model
    files: ImageFiles
    overlays: Overlays | None
    masks: MaskValues | None
    diameter: Diameter | None
    batch_size: int

    def make_folders(self) -> None:
        """Make the folders of what is one file an image.

        Raises:
            ValueError: One is a link to another place.
            OSError: One cannot be made.
        """
        self.files.make_folders()
        if self.overlays is not None:
            self.overlays.make_folder()

    def read(self, photos: Iterable[Photo], broken: list[str]) -> Iterator[ReadPhoto]:
        """The photos in order; what cannot be read is noted in `broken` and left out."""
        by_name = {photo.name: photo for photo in photos}
        pages = {name: self._page_of(photo) for name, photo in by_name.items()}
        for name, picture in read_ahead(pages, broken, channel=self.model.intake.channel):
            try:
                yield ReadPhoto(name, picture, self._semantic(by_name[name], picture))
            except InputError as error:
                broken.append(str(error))

    def maps(self, photos: Iterable[ReadPhoto], *, follow: Follow | None = None) -> Iterator[PhotoWithMap]:
        """Each photo with its map, in order.

        Args:
            photos: As `read` gives them.
            follow: Goes over the tiles of a large image.
        """
        waiting: deque[ReadPhoto] = deque()

        def feed() -> Iterator[Picture | ImageWithSemantics]:
            for photo in photos:
                waiting.append(photo)
                yield photo.image

        maps = self.model.predict_each(
            feed(),
            batch=self.batch_size,
            follow=follow,
            diameter=self.diameter,
        )
        for panoptic_map in maps:
            photo = waiting.popleft()
            yield photo.name, photo.picture, panoptic_map

    def stack_maps(
        self,
        pages: Iterable[ReadPhoto],
        broken: list[str],
        *,
        photos: Iterable[Photo],
        results: ResultFolder,
    ) -> Iterator[PhotoWithMap]:
        """Each page with its map, stack by stack; what is no whole stack is noted in `broken`."""
        return predicted_stacks(
            self.model,
            ((page.name, page.picture) for page in pages),
            pages={photo.name: photo.page for photo in photos},
            results=results,
            broken=broken,
            batch=self.batch_size,
        )

    def rows(
        self, photos: Iterable[Photo], maps: Iterable[PhotoWithMap], broken: list[str]
    ) -> Iterator[ImageRows]:
        """Write the files of each picture, and yield what it adds to the files of the run.

        Args:
            photos: What the names of the pictures stand for.
            maps: As `maps` or `stack_maps` gives them.
            broken: Takes a sentence for each that could not be written.
        """
        results = self._write_each(photos, maps, broken)
        if self.overlays is not None:
            draw = partial(_draw, self.overlays, self.model.categories)
            results = do_beside(draw, results, most_waiting=MAX_DRAWINGS)
        for result in results:
            yield result.rows

    def _write_each(
        self, photos: Iterable[Photo], maps: Iterable[PhotoWithMap], broken: list[str]
    ) -> Iterator[_PhotoResult]:
        by_name = {photo.name: photo for photo in photos}
        for name, picture, panoptic_map in maps:
            photo = by_name[name]
            try:
                rows = self._write(photo, panoptic_map)
            except InputError as error:
                broken.append(str(error))
                continue
            yield _PhotoResult(photo.stem, picture, panoptic_map, rows)

    def _semantic(self, photo: Photo, picture: Picture) -> Int64[np.ndarray, "h w"] | None:
        if self.masks is None or photo.mask is None:
            return None
        size = (picture.shape[0], picture.shape[1])
        return self.masks.read(photo.mask, size, photo=photo.name)

    def _page_of(self, photo: Photo) -> PhotoPage:
        """The page that is seen: the one that was asked for, else that of the model's training."""
        page = photo.page
        return page if page.page is not None else PhotoPage(page.path, self.model.intake.page)

    def _write(self, photo: Photo, panoptic_map: PanopticMap) -> ImageRows:
        page = self._page_of(photo)
        values = read_values(page.path, page=page.page) if "table" in self.files.write else None
        return self.files.write_image(
            photo.name,
            panoptic_map,
            stem=photo.stem,
            image_id=photo.image_id,
            source=page.path,
            values=values,
        )


class _PhotoResult(NamedTuple):
    """Of a photo whose files are written: what its drawing needs, and what the files of the run take."""

    stem: str
    picture: Picture
    map: PanopticMap
    rows: ImageRows


def _draw(overlays: Overlays, categories: Categories, result: _PhotoResult) -> None:
    overlays.write(result.stem, result.picture, result.map, categories=categories)
