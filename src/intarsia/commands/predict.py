"""Prediction: photos or videos in, results and pictures out; a broken photo stops nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, TypeVar

import tyro
from rich.console import Console
from rich.progress import track

from intarsia._check import counted, fail
from intarsia.commands.cluster import Cluster, ClusterAddress
from intarsia.commands.image_ids import ids_of_photos, truth_of
from intarsia.commands.overlays import Overlays
from intarsia.commands.photo_pages import pages_of
from intarsia.commands.photo_run import PhotoSettings
from intarsia.commands.photos import Photo, photos_of
from intarsia.commands.predict_options import check_no_data_set, check_options, videos_among
from intarsia.commands.predict_parts import RunResult, predict_in_parts
from intarsia.commands.prediction import Prediction, shows_things, summary_of
from intarsia.commands.ranks import Rank
from intarsia.commands.semantic_masks import mask_files
from intarsia.commands.tile_bar import tile_bar
from intarsia.commands.video import Tracking, predict_video
from intarsia.errors import InputError, PartialFailure
from intarsia.formats.image_files import ImageRows, Output
from intarsia.formats.resolution import Resolution
from intarsia.pictures.finding import Photos, find_photos
from intarsia.pictures.object_store import is_address
from intarsia.runtime.diameter import Diameter
from intarsia.runtime.loading import Backend, Device, Precision

__all__ = ["Prediction", "predict"]

T = TypeVar("T")

_WORDS = tyro.conf.arg(constructor=tuple[str, ...], help_behavior_hint="(at least one)")
"""How the command line reads several paths."""

Paths: TypeAlias = str | Path | Sequence[str | Path]
"""One file or folder, or several."""

NOTHING_BY_DEFAULT = (
    "No things found. Where no model is named, `facades` looks for parts of buildings; "
    "for nuclei under a microscope: --model nuclei"
)
"""Said where the default model finds no thing in any image: it may be the wrong one."""


def predict(
    images: Annotated[Paths, tyro.conf.Positional, _WORDS],
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
    semantic: str | None = None,
    size: str | None = None,
    diameter: Diameter | None = None,
    scales: tuple[int, ...] = (),
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
        images: Image files, and folders that are searched for images at any depth, also of object stores
            (`s3://bucket/photos`; extra `cluster`); or video files.
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
        semantic: A folder of masks (.png, .tif) with the categories of another network, each of the name of
            its photo: ids of the model's categories, and 255 for what is left to the model; or as the
            `categories.json` in there says. For models that group pixels, such as `facades-embedding`.
        diameter: How large the things are, in pixels: images are seen at the scale at which they are as large
            as in the model's training; "auto" finds it from a first look at each image. By default the
            model's own way: `nuclei` looks again at what is far from its training, others at nothing. Not for
            videos and stacks.
        size: In what size the network sees images, as "768x384" (width x height), "800/1333" (shorter side,
            longest side) or "" (their own, and no second look); by default as in the model's training, and
            left out where `diameter` says the scale. Maps have the images' own.
        scales: At how many times its size each image is seen for one answer, as 1 2, for models that cut
            affinities; by default the model's own. `nuclei` sees images at their own and at double size; 1
            alone is three times as fast.
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
    folder = Path(out)
    # a video is an image a frame, and has a model of its own
    videos = videos_among(paths)
    # all that a process must know of the run
    settings = PhotoSettings(
        model=model or ("facades-embedding" if videos else "facades"),
        out=folder,
        overlays=Overlays(folder / "overlays", boxes, scores, colors) if overlays else None,
        write=(*write, "labels") if stack else write,
        category=category,
        resolution=None if pixel_size is None else Resolution.of_pixel_size(pixel_size),
        stacks=stack,
        semantic=None if semantic is None else Path(semantic),
        # how photos are seen, and what runs the network
        channel=channel,
        size=size,
        diameter=diameter,
        scales=scales,
        batch_size=batch_size,
        backend=backend,
        device=device,
        precision=precision,
        threads=threads,
        method=method,
    )
    # what excludes each other is refused before anything is written
    has_stored = any(map(is_address, paths))
    crew = _crew(cluster, workers, settings, has_stored=has_stored)
    check_options(settings, page=page, videos=videos, in_parts=crew is not None, has_stored=has_stored)
    if videos:
        return _writing(out, lambda: _predict_videos(videos, settings, tracking=tracking))
    # photos in, maps and files out
    listing = find_photos(paths, out=out)
    photos = _photos(listing, settings, page=page, truth=truth or truth_of(paths, out=out))
    check_no_data_set(folder, write)
    return _predict_listing(listing, photos, settings, crew, by_default=model is None)


def _predict_listing(
    listing: Photos,
    photos: Sequence[Photo],
    settings: PhotoSettings,
    crew: Cluster | Rank | None,
    *,
    by_default: bool,
) -> list[Prediction]:
    """Predict photos, print what was found, say what failed; `by_default` if nobody chose the model."""
    result = _writing(settings.out, lambda: _predict_photos(photos, settings, crew))
    predictions = [Prediction.of(rows, settings) for rows in result.rows]
    if isinstance(crew, Rank) and crew.number:
        return predictions  # what went wrong the first rank says, of all
    print(summary_of(predictions, result.categories, settings))
    if by_default and not shows_things(predictions, result.categories):
        print(NOTHING_BY_DEFAULT)
    if failures := [*result.broken, *listing.passed_over]:
        raise PartialFailure(failures, total=len(photos) + listing.num_passed_over, result=predictions)
    return predictions


def _crew(
    cluster: str | None, workers: int | None, settings: PhotoSettings, *, has_stored: bool
) -> Cluster | Rank | None:
    """Who does the work, if not this process alone; photos of object stores are fetched part by part."""
    if cluster is None:
        if workers is not None:
            fail("workers", "used with `cluster`", workers)
        return Rank.of(os.environ) or (Rank(0, 1) if has_stored else None)
    return Cluster(cluster, workers, settings.threads or 1, wants_gpu=settings.device != "cpu")


def _photos(
    listing: Photos,
    settings: PhotoSettings,
    *,
    page: int | Literal["all"] | None,
    truth: str | Path | None,
) -> list[Photo]:
    """Photos by their names, with the ids of the truth and the masks of another network."""
    pages = pages_of(listing.files, "all" if settings.stacks else page)
    ids = ids_of_photos(pages, truth)
    masks = {} if settings.semantic is None else mask_files(settings.semantic, pages)
    return photos_of(pages, ids, masks=masks, stored=listing.stored)


def _writing(out: str | Path, work: Callable[[], T]) -> T:
    """The result of `work`; where the system refuses to write, its error becomes one sentence."""
    try:
        return work()
    except OSError as error:
        fail("out", "a folder that can be written", f"{out} ({error.strerror})")


def _predict_photos(
    photos: Sequence[Photo], settings: PhotoSettings, crew: Cluster | Rank | None
) -> RunResult:
    """Predict in this process, or share the photos out among many."""
    if crew is not None:
        return predict_in_parts(photos, settings, crew)
    run = settings.load()
    broken: list[str] = []
    # nothing is written before one photo could be read
    photos_at_hand = run.read(photos, broken)
    first = next(photos_at_hand, None)
    if first is None:
        raise InputError(" ".join(broken))
    run.make_folders()
    photos_at_hand = chain([first], photos_at_hand)
    is_alone = len(photos) < 2
    rows_of_images: list[ImageRows] = []
    # maps as they come, each written before the next
    with settings.results(run.model.categories) as results:
        if settings.stacks:
            maps = run.stack_maps(photos_at_hand, broken, photos=photos, results=results)
        else:
            maps = run.maps(photos_at_hand, follow=tile_bar if is_alone else None)
        rows = run.rows(photos, maps, broken)
        console = Console(stderr=True)
        for row in track(
            rows, total=len(photos), description="predicting", console=console, disable=is_alone
        ):
            results.add_written(row)
            rows_of_images.append(row.without_measures())
    return RunResult(run.model.categories, tuple(rows_of_images), tuple(broken))


def _predict_videos(
    videos: Sequence[Path], settings: PhotoSettings, *, tracking: Tracking
) -> list[Prediction]:
    run = settings.load()
    run.make_folders()
    folder = settings.overlays and settings.overlays.folder
    predictions: list[Prediction] = []
    with settings.results(run.model.categories) as results:
        for path in videos:
            video = predict_video(path, run.model, results, folder=folder, tracking=tracking)
            for name, segments in video.frames:
                stem = name.replace("/", "_").removesuffix(".png")
                predictions.append(Prediction(name, segments, results.map_file(stem)))
            frames, things = counted(len(video.frames), "frame"), counted(video.num_instances, "thing")
            print(f"{video.name}: {frames}, {things}")
    print(f"Results in {settings.out}" + (f", videos in {folder}" if folder else ""))
    return predictions
