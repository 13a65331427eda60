"""Photos into results: what a run is told, and how it goes image by image; a part of the photos or all."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from jaxtyping import Int64, UInt8

from intarsia.commands.overlays import Overlays
from intarsia.commands.photo_pages import PhotoPage, read_ahead
from intarsia.commands.semantic_masks import MaskValues
from intarsia.commands.stacks import predicted_stacks
from intarsia.errors import InputError
from intarsia.formats.image_files import ImageFiles, ImageRows, stems_of
from intarsia.formats.resolution import Resolution
from intarsia.formats.results import ResultFolder
from intarsia.panoptic import Categories, PanopticMap
from intarsia.pictures.object_store import StoredFile
from intarsia.pictures.values import read_values
from intarsia.runtime.diameter import Diameter
from intarsia.runtime.given_semantics import ImageWithSemantics
from intarsia.runtime.loading import Backend, Device, Precision, load
from intarsia.runtime.model import Model
from intarsia.runtime.picture_views import Follow

__all__ = ["Photo", "PhotoRun", "PhotoSettings", "ReadPhoto", "photos_of"]

MAX_DRAWINGS = 8
"""Overlays that may wait to be drawn: bounds the memory."""

Picture = UInt8[np.ndarray, "h w 3"]
Predicted: TypeAlias = tuple[str, Picture, PanopticMap]
"""A photo's name, its pixels and its map."""


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


@dataclass(frozen=True, kw_only=True)
class PhotoSettings:
    """All that a run is told but its photos; a process that has them can predict a part.

    Attributes:
        model: A name or a folder.
        out: The folder of the results.
        drawn: Overlays; None for none.
        write: Which of `intarsia.formats.image_files.OUTPUTS`.
        category: Label images number the things of this category only.
        resolution: Of all images; None for as their files say.
        stacks: The pages of a file are one volume.
        semantic: A folder of masks with the categories of another network; None for the model's own.
        channel: Which channels to see; none for those of the model's training.
        size: In what size images are seen; None for that of the model's training.
        diameter: Of the things, in pixels, as `Model.predict` takes it.
        batch_size: Images of one size in one go.
        backend: What runs the network.
        device: Where it runs.
        precision: What it computes in.
        threads: How many it computes with.
        method: A class of the user's own.
    """

    model: str
    out: Path
    drawn: Overlays | None
    write: tuple[str, ...] = ("coco",)
    category: str | None = None
    resolution: Resolution | None = None
    stacks: bool = False
    semantic: Path | None = None
    channel: tuple[int, ...] = ()
    size: str | None = None
    diameter: Diameter | None = None
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
        options = {"write": self.write, "category": self.category, "pixel_size_um": size}
        options |= {"stacks": self.stacks}
        return ResultFolder(self.out, categories, **options)

    def load(self) -> PhotoRun:
        """The run, ready to go.

        Raises:
            ValueError: No such model, or what is asked for does not exist.
        """
        options = {"backend": self.backend, "device": self.device, "precision": self.precision}
        model = load(self.model, threads=self.threads, method=self.method, **options)
        masks = None
        if self.semantic is not None:
            model.check_takes_semantics()
            masks = MaskValues.of(self.semantic, model.categories)
        options = {"category": self.category, "resolution": self.resolution, "stacks": self.stacks}
        files = ImageFiles(self.out, model.categories, frozenset(self.write), **options)
        model.intake = model.intake.with_options(self.channel, self.size)
        return PhotoRun(model, files, self.drawn, masks, self.diameter, self.batch_size)


@dataclass(frozen=True)
class PhotoRun:
    """Photos into results; overlays are drawn and written beside, while the network goes on.

    Attributes:
        model: What turns pictures into maps.
        files: What writes maps and other files of an image.
        drawn: Where overlays go; None for none.
        masks: What the values of masks mean, if those of another network are taken.
        diameter: Of the things, in pixels, as `Model.predict` takes it.
        batch_size: Images of one size in one go.
    """

    model: Model
    files: ImageFiles
    drawn: Overlays | None
    masks: MaskValues | None = None
    diameter: Diameter | None = None
    batch_size: int = 4

    def make_folders(self) -> None:
        """Make the folders of what is one file an image.

        Raises:
            ValueError: One is a link to another place.
            OSError: One cannot be made.
        """
        self.files.make_folders()
        if self.drawn is not None:
            self.drawn.make_folder()

    def read(self, photos: Iterable[Photo], broken: list[str]) -> Iterator[ReadPhoto]:
        """The photos in order; what cannot be read is noted in `broken` and left out."""
        by_name = {photo.name: photo for photo in photos}
        pages = {name: self._page_of(photo) for name, photo in by_name.items()}
        for name, picture in read_ahead(pages, broken, channel=self.model.intake.channel):
            try:
                yield ReadPhoto(name, picture, self._semantic(by_name[name], picture))
            except InputError as error:
                broken.append(str(error))

    def maps(self, photos: Iterable[ReadPhoto], *, follow: Follow | None = None) -> Iterator[Predicted]:
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

        options = {"batch": self.batch_size, "follow": follow, "diameter": self.diameter}
        for panoptic_map in self.model.predict_each(feed(), **options):
            photo = waiting.popleft()
            yield photo.name, photo.picture, panoptic_map

    def stack_maps(
        self,
        pages: Iterable[ReadPhoto],
        broken: list[str],
        *,
        photos: Iterable[Photo],
        results: ResultFolder,
    ) -> Iterator[Predicted]:
        """Each page with its map, stack by stack; what is no whole stack is noted in `broken`."""
        options = {"pages": {photo.name: photo.page for photo in photos}, "results": results}
        options |= {"broken": broken, "batch": self.batch_size}
        return predicted_stacks(self.model, ((page.name, page.picture) for page in pages), **options)

    def rows(
        self, photos: Iterable[Photo], maps: Iterable[Predicted], broken: list[str]
    ) -> Iterator[ImageRows]:
        """Write the files of each picture, and yield what it adds to the files of the run.

        Args:
            photos: What the names of the pictures stand for.
            maps: As `maps` or `stack_maps` gives them.
            broken: Takes a sentence for each that could not be written.
        """
        by_name = {photo.name: photo for photo in photos}
        drawings: deque[Future[None]] = deque()
        with ThreadPoolExecutor(1) as pool:
            for name, picture, panoptic_map in maps:
                photo = by_name[name]
                try:
                    rows = self._write(photo, panoptic_map)
                except InputError as error:
                    broken.append(str(error))
                    continue
                if self.drawn is not None:
                    options = {"categories": self.model.categories}
                    drawings.append(
                        pool.submit(self.drawn.write, photo.stem, picture, panoptic_map, **options)
                    )
                if len(drawings) > MAX_DRAWINGS:
                    drawings.popleft().result()
                yield rows
            for future in drawings:
                future.result()

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
        options = {"image_id": photo.image_id, "source": page.path, "values": values}
        return self.files.write_image(photo.name, panoptic_map, stem=photo.stem, **options)
