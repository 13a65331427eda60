"""Prediction: photos or videos in, results and pictures out; a broken photo stops nothing."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import tyro
from rich.console import Console
from rich.progress import track

from intarsia._check import fail
from intarsia.commands.cluster import Cluster, ClusterAddress
from intarsia.commands.image_ids import ids_of_photos, truth_of
from intarsia.commands.overlays import Overlays
from intarsia.commands.photo_pages import pages_of
from intarsia.commands.photo_run import Photo, PhotoSettings, photos_of
from intarsia.commands.predict_parts import Joined, predict_in_parts
from intarsia.commands.ranks import Rank
from intarsia.commands.video import Tracking, predict_video
from intarsia.errors import InputError, PartialFailure
from intarsia.formats.image_files import ImageRows, Output
from intarsia.formats.label_places import LABEL_FOLDERS
from intarsia.formats.png import read_ids
from intarsia.formats.resolution import Resolution
from intarsia.formats.results import holds_labels_of_results
from intarsia.panoptic import Categories, PanopticMap, Segment
from intarsia.pictures.finding import find_photos
from intarsia.pictures.suffixes import is_picture_name
from intarsia.pictures.video import VIDEO_SUFFIXES
from intarsia.runtime.diameter import Diameter
from intarsia.runtime.loading import Backend, Device, Precision
from intarsia.runtime.tiles import Tile

__all__ = ["Prediction", "predict"]

T = TypeVar("T")

MIN_TILES_OF_A_BAR = 6
"""Tiles of one image from which on a bar is shown."""

NOTHING_BY_DEFAULT = (
    "No things found. Where no model is named, `facades` looks for parts of buildings; "
    "for nuclei under a microscope: --model nuclei"
)
"""Said where the default model finds no thing in any image: it may be the wrong one."""


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
    size: str | None = None,
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
    cluster: ClusterAddress = None,
    workers: int | None = None,
) -> list[Prediction]:
    """Segment photos and write results into OUT, by default OUT/panoptic.json and OUT/panoptic/*.png.

    Any of these can be written: "coco"; "labels", label images in OUT/labels/*.tif; "table", one row a
    segment in OUT/segments.csv; "geojson", polygons in OUT/geojson/; "instances", COCO's in
    OUT/instances.json. OUT/overlays/*.jpg is for looking. Of a video every frame is an image, an instance
    keeps its id from frame to frame, and the overlays are a video, too: OUT/overlays/*.mp4.

    With `cluster`, or started by `torchrun`, photos are predicted in parts by many processes, which all see
    OUT. The files are the same; a killed worker loses nothing, and the command goes on where it was stopped.

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
        size: In what size the network sees images, as "768x384" (width x height), "800/1333" (shorter side,
            longest side) or "" (their own); by default as in the model's training, and left out where
            `diameter` says the scale. Maps have the images' own.
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
        cluster: Work on a Ray cluster: HOST:PORT, or "local" for one on this machine. Alone: the cluster
            that this machine is part of, and where there is none one on this machine.
        workers: Of a cluster: how many models at once; by default one each GPU, and where there are none as
            many as there are cores for.

    Returns:
        A prediction for every image that could be read and every frame, in the order of the files.

    Raises:
        ValueError: No image was found or can be read, no such model, or `out` cannot be written.
        PartialFailure: Some images could not be read or written; the others are.
    """
    paths = (images,) if isinstance(images, str | Path) else images
    videos = _videos(paths)
    folder = Path(out)
    settings = PhotoSettings(
        model=model or ("facades-embedding" if videos else "facades"),
        out=folder,
        drawn=Overlays(folder / "overlays", boxes, scores, colors) if overlays else None,
        write=(*write, "labels") if stack else write,
        category=category,
        resolution=None if pixel_size is None else Resolution.of_pixel_size(pixel_size),
        stacks=stack,
        channel=channel,
        size=size,
        diameter=diameter,
        batch_size=batch_size,
        backend=backend,
        device=device,
        precision=precision,
        threads=threads,
        method=method,
    )
    place = _place(cluster, workers, settings)
    _check_stack(stack, page, videos)
    if (videos or stack) and diameter is not None:
        fail("diameter", "left out for videos and stacks", diameter)
    if size is not None and diameter is not None:
        fail("size", "left out where `diameter` says at what scale images are seen", size)
    if (videos or stack) and place is not None:
        got = f"the video {videos[0]}" if videos else "stacks"
        fail("images", "single photos where many processes share the work", got)
    if videos:
        return _writing(out, lambda: _predict_videos(videos, settings, tracking=tracking))
    located = find_photos(paths, out=out)
    pages = pages_of(located.files, "all" if stack else page)
    photos = photos_of(pages, ids_of_photos(pages, truth or truth_of(paths, out=out)))
    _check_no_data_set(folder, write)
    joined = _writing(out, lambda: _predicted(photos, settings, place))
    predictions = [_prediction(rows, settings) for rows in joined.rows]
    if isinstance(place, Rank) and place.number:
        return predictions  # what went wrong the first rank says, of all
    print(_summary(predictions, joined.categories, settings))
    if model is None and not _shows_things(predictions, joined.categories):
        print(NOTHING_BY_DEFAULT)
    if failures := [*joined.broken, *located.passed_over]:
        raise PartialFailure(failures, total=len(pages) + located.num_passed_over, result=predictions)
    return predictions


def _place(cluster: str | None, workers: int | None, settings: PhotoSettings) -> Cluster | Rank | None:
    """Who does the work, if not this process alone."""
    if cluster is None:
        if workers is not None:
            fail("workers", "used with `cluster`", workers)
        return Rank.of(os.environ)
    return Cluster(cluster, workers, settings.threads or 1, wants_gpu=settings.device != "cpu")


def _writing(out: str, work: Callable[[], T]) -> T:
    """Do it; what the system does not let us write is said in a sentence."""
    try:
        return work()
    except OSError as error:
        fail("out", "a folder that can be written", f"{out} ({error.strerror})")


def _predicted(photos: Sequence[Photo], settings: PhotoSettings, place: Cluster | Rank | None) -> Joined:
    """In this process, or by many."""
    if place is not None:
        return predict_in_parts(photos, settings, place)
    run = settings.loaded()
    broken: list[str] = []
    pictures = run.pictures(photos, broken)
    first = next(pictures, None)
    if first is None:
        raise InputError(" ".join(broken))
    run.make_folders()
    alone = len(photos) < 2
    rows_of_images: list[ImageRows] = []
    with settings.results(run.model.categories) as results:
        pictures = chain([first], pictures)
        if settings.stacks:
            maps = run.stack_maps(pictures, broken, photos=photos, results=results)
        else:
            maps = run.maps(pictures, follow=_bar if alone else None)
        rows = run.rows(photos, maps, broken)
        console = Console(stderr=True)
        for row in track(rows, total=len(photos), description="predicting", console=console, disable=alone):
            results.add_written(row)
            rows_of_images.append(row.without_measures())
    return Joined(run.model.categories, tuple(rows_of_images), tuple(broken))


def _prediction(rows: ImageRows, settings: PhotoSettings) -> Prediction:
    file = settings.out / "panoptic" / f"{rows.stem}.png" if "coco" in settings.write else None
    return Prediction(rows.name, rows.to_segments(), file)


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
    videos: Sequence[Path], settings: PhotoSettings, *, tracking: Tracking
) -> list[Prediction]:
    run = settings.loaded()
    run.make_folders()
    drawn = settings.drawn
    predictions: list[Prediction] = []
    with settings.results(run.model.categories) as results:
        for path in videos:
            video = predict_video(path, run.model, results, folder=drawn and drawn.folder, tracking=tracking)
            for name, segments in video.frames:
                stem = name.replace("/", "_").removesuffix(".png")
                predictions.append(Prediction(name, segments, results.map_file(stem)))
            print(f"{video.name}: {len(video.frames)} frames, {video.num_instances} things")
    print(f"Results in {settings.out}" + (f", videos in {drawn.folder}" if drawn else ""))
    return predictions


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


def _shows_things(predictions: Sequence[Prediction], categories: Categories) -> bool:
    things = {category.id for category in categories.things}
    return any(segment.category_id in things for image in predictions for segment in image.segments)


def _summary(predictions: Sequence[Prediction], categories: Categories, settings: PhotoSettings) -> str:
    """One line an image, for the first ten, and where everything is."""
    lines = []
    for prediction in predictions[:10]:
        counts: dict[str, int] = {}
        for segment in prediction.segments:
            name = categories[categories.index_of(segment.category_id)].name
            counts[name] = counts.get(name, 0) + 1
        said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda kv: -kv[1]))
        lines.append(f"{prediction.name}: {said or 'nothing found'}")
    if len(predictions) > 10:
        lines.append(f"... and {len(predictions) - 10} more images")
    pictures = f", pictures in {settings.drawn.folder}" if settings.drawn else ""
    return "\n".join([*lines, f"Results in {settings.out}{pictures}"])
