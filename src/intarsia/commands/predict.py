"""Prediction: photos or videos in, results and pictures out; a broken photo stops nothing."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import numpy as np
import tyro
from jaxtyping import UInt8
from rich.console import Console
from rich.progress import track

from intarsia._check import fail
from intarsia.commands.image_ids import ids_of_photos, truth_of
from intarsia.commands.overlays import Overlays
from intarsia.commands.photo_pages import PhotoPage, pages_of, read_ahead
from intarsia.commands.stacks import predicted_stacks
from intarsia.commands.video import Tracking, predict_video
from intarsia.errors import InputError, PartialFailure
from intarsia.formats.label_places import LABEL_FOLDERS
from intarsia.formats.png import read_ids
from intarsia.formats.results import Output, ResultFolder, holds_labels_of_results
from intarsia.panoptic import PanopticMap, Segment
from intarsia.pictures.finding import Photos, find_photos
from intarsia.pictures.suffixes import is_picture_name
from intarsia.pictures.values import read_values
from intarsia.pictures.video import VIDEO_SUFFIXES
from intarsia.runtime.diameter import Diameter
from intarsia.runtime.loading import Backend, Device, Precision, load
from intarsia.runtime.model import Follow, Model
from intarsia.runtime.tiles import Tile

__all__ = ["Prediction", "predict"]

MAX_DRAWINGS = 8
"""Overlays that may wait to be drawn: bounds the memory."""

MIN_TILES_OF_A_BAR = 6
"""Tiles of one image from which on a bar is shown."""

NOTHING_BY_DEFAULT = (
    "No things found. Where no model is named, `facades` looks for parts of buildings; "
    "for nuclei under a microscope: --model nuclei"
)
"""Said where the default model finds no thing in any image: it may be the wrong one."""

Picture = UInt8[np.ndarray, "h w 3"]
Predicted: TypeAlias = tuple[str, Picture, PanopticMap]
"""A picture's name, its pixels and its map."""


@dataclass(frozen=True)
class Prediction:
    """One image's name, as in the JSON, its segments, and the file of its map; any number fit in memory.

    The file is None where maps were not written.
    """

    name: str
    segments: Sequence[Segment]
    file: Path | None

    @property
    def map(self) -> PanopticMap:
        """The map, read from its file."""
        if self.file is None:
            fail("write", "with coco for maps to be read again", "others only")
        return PanopticMap(read_ids(self.file), self.segments)


def predict(
    images: Annotated[tuple[str, ...], tyro.conf.Positional],
    *,
    model: str | None = None,
    out: str = "out",
    write: tuple[Output, ...] = ("coco",),
    category: str | None = None,
    pixel_size: float | None = None,
    truth: str | None = None,
    page: int | Literal["all"] | None = None,
    stack: bool = False,
    tracking: Tracking = "centres",
    channel: tuple[int, ...] = (),
    diameter: Diameter | None = None,
    batch_size: int = 4,
    backend: Backend | None = None,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: int | None = None,
    method: str = "",
    overlays: bool = True,
    boxes: bool = False,
    scores: bool = False,
    colors: Literal["category", "instance"] = "category",
) -> list[Prediction]:
    """Segment photos and write results into OUT, by default OUT/panoptic.json and OUT/panoptic/*.png.

    Any of these can be written: "coco"; "labels", label images in OUT/labels/*.tif; "table", one row a
    segment in OUT/segments.csv; "geojson", polygons in OUT/geojson/; "instances", COCO's in
    OUT/instances.json. OUT/overlays/*.jpg is for looking. Of a video every frame is an image, an instance
    keeps its id from frame to frame, and the overlays are a video, too: OUT/overlays/*.mp4.

    Args:
        images: Image files, and folders that are searched for images at any depth; or video files.
        model: The name of a model that ships with intarsia, or a folder written by training; by default
            `facades`, which says so where it finds no things at all, and `facades-embedding` for a video,
            whose instances are followed by their embeddings.
        out: The folder to write into; what is there of the same name is replaced.
        write: What to write: coco, labels, table, geojson, instances.
        category: Label images number the things of this category only.
        pixel_size: Side of a pixel in micrometres; by default as the files say, where they do.
        truth: A COCO JSON whose image ids are taken, so that the result can be evaluated against it; by
            default the `panoptic.json` of the folder that is predicted.
        page: Which page of stacks; "all" makes an image of every page, called NAME_0000, NAME_0001, ...
        stack: The pages of each file are sections of one volume: a thing keeps its number from page to page,
            and OUT/labels/NAME.tif is a label image of as many pages. Every page is also an image, as with
            `page="all"`. For models whose method knows what pairs of points cost, `nuclei` and `facades` too.
        tracking: Things of a video keep their ids by their "centres" in embedding space, or by one "cut" over
            neighbouring frames, which models with affinities allow, too.
        channel: Which channel to see, or up to three as red, green and blue; of files whose channels are not
            the colours of a picture.
        diameter: How large the things are, in pixels: images are seen at the scale at which they are as large
            as in the model's training; "auto" finds it from a first look at each image. Not for videos
            and stacks.
        batch_size: How many images of one size are run at once where that is faster, on a GPU.
        backend: What runs the network: "onnxruntime", "openvino" or "torch"; by default the first, and torch
            on a GPU or for a model without `model.onnx`.
        device: Where the network runs; "auto" takes a GPU if torch finds one.
        precision: "auto" is float32; "bfloat16" is for openvino and torch.
        threads: How many the network computes with; by default as many as there are cores.
        method: Where the model is of a method that does not ship, its class as `file.py:Class`. That code is
            imported, so it must be yours or of someone you trust; needs torch.
        overlays: Also draw each result over its photo.
        boxes: Draw boxes around things.
        scores: Write the scores of things.
        colors: Draw things as shades of their "category", or each "instance" in a colour of its own.

    Returns:
        A prediction for every image that could be read and every frame, in the order of the files.

    Raises:
        ValueError: No image was found or can be read, no such model, or `out` cannot be written.
        PartialFailure: Some images could not be read or written; the others are.
    """
    paths = (images,) if isinstance(images, str | Path) else images
    videos = _videos(paths)
    photos = Photos({}) if videos else find_photos(paths, out=out)
    _check_stack(stack, page, videos)
    pages = pages_of(photos.files, "all" if stack else page)
    ids = {} if videos else ids_of_photos(pages, truth or truth_of(paths, out=out))
    chosen = model or ("facades-embedding" if videos else "facades")
    loaded = load(chosen, backend=backend, device=device, precision=precision, threads=threads, method=method)
    if (videos or stack) and diameter is not None:
        fail("diameter", "left out for videos and stacks", diameter)
    # where results go; the first picture is read before a folder is made
    folder = Path(out)
    drawn = Overlays(folder / "overlays", boxes, scores, colors) if overlays else None
    _check_no_data_set(folder, write)
    broken: list[str] = []
    pictures = read_ahead(pages, broken, channel=channel)
    first = next(pictures, None)
    if first is None and not videos:
        raise InputError(" ".join(broken))
    try:
        if drawn is not None:
            drawn.make_folder()
        options = {"write": (*write, "labels") if stack else write, "stacks": stack}
        options |= {"category": category, "pixel_size_um": pixel_size}
        with ResultFolder(folder, loaded.categories, **options) as results:
            if first is None:
                return _predict_videos(videos, loaded, results, drawn, tracking=tracking)
            run = Run(loaded, results, drawn, pages, ids, diameter)
            maps = (run.stacks if stack else run.maps)(chain([first], pictures), broken, batch=batch_size)
            predictions = run.predict(maps, broken)
    except OSError as error:
        raise InputError(
            f"`out` must be a folder that can be written, got {out} ({error.strerror})."
        ) from None
    print(_summary(predictions, loaded, folder, drawn))
    if model is None and not _shows_things(predictions, loaded):
        print(NOTHING_BY_DEFAULT)
    if failures := [*broken, *photos.passed_over]:
        raise PartialFailure(failures, total=len(pages) + photos.num_passed_over, result=predictions)
    return predictions


def _check_stack(stack: bool, page: int | str | None, videos: Sequence[Path]) -> None:
    if stack and videos:
        fail("stack", "for files of several pages", f"the video {videos[0]}")
    if stack and page is not None:
        fail("page", "left out for a stack, all of whose pages are seen", page)


def _check_no_data_set(folder: Path, write: Sequence[str]) -> None:
    """A data set has photos beside its JSON or its labels, and results never have."""
    has_photos = (folder / "images").is_dir()
    if (folder / "panoptic.json").is_file() and has_photos:
        fail(
            "out", "another folder than that of a data set, whose panoptic.json it would replace", str(folder)
        )
    if "labels" not in write or holds_labels_of_results(folder):
        return
    places = [folder / name for name in LABEL_FOLDERS if (folder / name).is_dir()]
    if places and (has_photos or any(map(is_picture_name, folder.iterdir()))):
        expected = f"another folder than that of a data set, whose {places[0].name}/ must stay as it is"
        fail("out", expected, str(folder))


def _videos(paths: Sequence[str | Path]) -> list[Path]:
    """The paths if they are videos; a folder is searched for images only."""
    videos = [path for path in map(Path, paths) if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()]
    if videos and len(videos) < len(paths):
        others = [str(path) for path in paths if Path(path) not in videos]
        fail("images", "all photos or all videos", f"the video {videos[0]} and {others[0]}")
    if len({video.stem for video in videos}) < len(videos):
        fail("images", "videos of different names", ", ".join(map(str, videos)))
    return videos


def _predict_videos(
    videos: Sequence[Path],
    model: Model,
    results: ResultFolder,
    drawn: Overlays | None,
    *,
    tracking: Tracking,
) -> list[Prediction]:
    predictions: list[Prediction] = []
    for path in videos:
        video = predict_video(path, model, results, folder=drawn and drawn.folder, tracking=tracking)
        for name, segments in video.frames:
            stem = name.replace("/", "_").removesuffix(".png")
            predictions.append(Prediction(name, segments, results.map_file(stem)))
        print(f"{video.name}: {len(video.frames)} frames, {video.num_instances} things")
    print(f"Results in {results.folder}" + (f", videos in {drawn.folder}" if drawn else ""))
    return predictions


@dataclass(frozen=True)
class Run:
    """Photos into results; overlays are drawn and written beside, while the network goes on.

    Attributes:
        model: What predicts the maps.
        results: Where maps go.
        drawn: Where overlays go; None for none.
        pages: The photos by their names.
        ids: Of the images in the JSONs.
        diameter: Of the things, in pixels, as `Model.predict` takes it.
    """

    model: Model
    results: ResultFolder
    drawn: Overlays | None
    pages: Mapping[str, PhotoPage]
    ids: Mapping[str, int | str]
    diameter: Diameter | None

    def maps(
        self, pictures: Iterator[tuple[str, Picture]], broken: list[str], *, batch: int
    ) -> Iterator[Predicted]:
        """Each picture with its map, in order."""
        follow = _bar if len(self.pages) < 2 else None
        return _predicted(self.model, pictures, batch, follow=follow, diameter=self.diameter)

    def stacks(
        self, pictures: Iterator[tuple[str, Picture]], broken: list[str], *, batch: int
    ) -> Iterator[Predicted]:
        """Each page with its map, stack by stack; what is no whole stack is noted in `broken`."""
        options = {"pages": self.pages, "results": self.results, "broken": broken, "batch": batch}
        return predicted_stacks(self.model, pictures, **options)

    def predict(self, maps: Iterator[Predicted], broken: list[str]) -> list[Prediction]:
        """A prediction for each picture whose results could be written; the others are noted in `broken`."""
        predictions: list[Prediction] = []
        drawings: list[Future[None]] = []
        total = len(self.pages)
        with ThreadPoolExecutor(1) as pool:
            # the network goes on while an overlay is drawn
            for name, picture, panoptic_map in track(
                maps,
                total=total,
                description="predicting",
                console=Console(stderr=True),
                disable=total < 2,
            ):
                try:
                    stem = self._add(name, panoptic_map)
                except InputError as error:
                    broken.append(str(error))
                    continue
                if self.drawn is not None:
                    options = {"categories": self.model.categories}
                    drawings.append(pool.submit(self.drawn.write, stem, picture, panoptic_map, **options))
                if len(drawings) > MAX_DRAWINGS:
                    drawings.pop(0).result()
                predictions.append(Prediction(name, panoptic_map.segments, self.results.map_file(stem)))
            for future in drawings:
                future.result()
        return predictions

    def _add(self, name: str, panoptic_map: PanopticMap) -> str:
        photo = self.pages[name]
        values = read_values(photo.path, page=photo.page) if "table" in self.results.write else None
        options = {"image_id": self.ids[name], "source": photo.path, "values": values}
        return self.results.add(name, panoptic_map, **options)


def _predicted(
    model: Model,
    pictures: Iterator[tuple[str, Picture]],
    batch: int,
    *,
    follow: Follow | None,
    diameter: Diameter | None,
) -> Iterator[Predicted]:
    """Each picture with its map, in order."""
    waiting: deque[tuple[str, Picture]] = deque()

    def fed() -> Iterator[Picture]:
        for name, picture in pictures:
            waiting.append((name, picture))
            yield picture

    for panoptic_map in model.predict_each(fed(), batch=batch, follow=follow, diameter=diameter):
        yield *waiting.popleft(), panoptic_map


def _bar(tiles: Sequence[Tile]) -> Iterable[Tile]:
    """How far a single large image is: a bar on a terminal, elsewhere a line for each tenth of the way."""
    console = Console(stderr=True)
    if len(tiles) < MIN_TILES_OF_A_BAR:
        return tiles
    if console.is_terminal:
        return track(tiles, description="predicting", console=console)
    return _with_lines(tiles)


def _with_lines(tiles: Sequence[Tile]) -> Iterator[Tile]:
    started = time.monotonic()
    print(f"predicting a large image in {len(tiles)} tiles", file=sys.stderr)
    for number, tile in enumerate(tiles, start=1):
        yield tile
        if number * 10 // len(tiles) > (number - 1) * 10 // len(tiles) and number < len(tiles):
            left_s = (time.monotonic() - started) / number * (len(tiles) - number)
            print(f"{number} of {len(tiles)} tiles, about {left_s:.0f} s left", file=sys.stderr)


def _shows_things(predictions: Sequence[Prediction], model: Model) -> bool:
    things = {category.id for category in model.categories.things}
    return any(segment.category_id in things for prediction in predictions for segment in prediction.segments)


def _summary(predictions: Sequence[Prediction], model: Model, folder: Path, drawn: Overlays | None) -> str:
    """One line an image, for the first ten, and where everything is."""
    lines = []
    for prediction in predictions[:10]:
        counts: dict[str, int] = {}
        for segment in prediction.segments:
            name = model.categories[model.categories.index_of(segment.category_id)].name
            counts[name] = counts.get(name, 0) + 1
        said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda kv: -kv[1]))
        lines.append(f"{prediction.name}: {said or 'nothing found'}")
    if len(predictions) > 10:
        lines.append(f"... and {len(predictions) - 10} more images")
    return "\n".join([*lines, f"Results in {folder}" + (f", pictures in {drawn.folder}" if drawn else "")])
