"""Prediction: photos or videos in, a COCO panoptic folder and pictures out; a broken photo stops nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from jaxtyping import UInt8
from PIL import Image
from rich.console import Console
from rich.progress import track

from intarsia import draw
from intarsia._check import fail
from intarsia._files import whole
from intarsia.commands.video import predict_video
from intarsia.errors import InputError, PartialFailure
from intarsia.formats.coco import CocoWriter
from intarsia.formats.png import read_ids
from intarsia.panoptic import PanopticMap, Segment
from intarsia.pictures.reading import read_image
from intarsia.pictures.video import VIDEO_SUFFIXES
from intarsia.runtime.loading import Backend, Device, Precision, load
from intarsia.runtime.model import Follow, Model
from intarsia.runtime.tiles import Tile

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp"})
"""Which files of a folder are taken for images."""

MAX_DRAWINGS = 8
"""Overlays that may wait to be drawn: bounds the memory."""

MIN_TILES_OF_A_BAR = 6
"""Tiles of one image from which on a bar is shown."""

Picture = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True)
class Prediction:
    """One image's name, as in the JSON, its segments, and the file of its map; any number fit in memory."""

    name: str
    segments: Sequence[Segment]
    file: Path

    @property
    def map(self) -> PanopticMap:
        """The map, read from its file."""
        return PanopticMap(read_ids(self.file), self.segments)


def predict(
    images: Annotated[tuple[str, ...], tyro.conf.Positional],
    *,
    model: str | None = None,
    out: str = "out",
    batch_size: int = 4,
    backend: Backend | None = None,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: int | None = None,
    method: str = "",
    overlays: bool = True,
) -> list[Prediction]:
    """Segment photos and write OUT/panoptic.json, OUT/panoptic/*.png and OUT/overlays/*.jpg.

    Of a video every frame is an image, an instance keeps its id from frame to frame, and the overlays are a
    video, too: OUT/overlays/*.mp4.

    Args:
        images: Image files, and folders that are searched for images at any depth; or video files.
        model: The name of a model that ships with intarsia, or a folder written by training; by default
            `facades`, and `facades-embedding` for a video, whose instances are followed by their embeddings.
        out: The folder to write into; what is there of the same name is replaced.
        batch_size: How many images of one size are run at once where that is faster, on a GPU.
        backend: What runs the network: "onnxruntime", "openvino" or "torch"; by default the first, and torch
            on a GPU or for a model without `model.onnx`.
        device: Where the network runs; "auto" takes a GPU if torch finds one.
        precision: "auto" is float32; "bfloat16" is for openvino and torch.
        threads: How many the network computes with; by default as many as there are cores.
        method: Where the model is of a method that does not ship, its class as `file.py:Class`. That code is
            imported, so it must be yours or of someone you trust; needs torch.
        overlays: Also draw each result over its photo.

    Returns:
        A prediction for every image that could be read and every frame, in the order of the files.

    Raises:
        ValueError: No image was found or can be read, no such model, or `out` cannot be written.
        PartialFailure: Some images could not be read; the others are written.
    """
    paths = (images,) if isinstance(images, str | Path) else images
    videos = _videos(paths)
    files = {} if videos else find_images(paths)
    chosen = model or ("facades-embedding" if videos else "facades")
    loaded = load(chosen, backend=backend, device=device, precision=precision, threads=threads, method=method)
    folder = Path(out)
    if videos:
        return _predict_videos(videos, loaded, folder, overlays=overlays)
    broken: list[str] = []
    pictures = _readable(files, broken)
    first = next(pictures, None)
    if first is None:
        raise InputError(" ".join(broken))
    try:
        predictions = _predict_photos(
            chain([first], pictures), loaded, folder, total=len(files), batch=batch_size, overlays=overlays
        )
    except OSError as error:
        raise InputError(
            f"`out` must be a folder that can be written, got {out} ({error.strerror})."
        ) from None
    print(_summary(predictions, loaded, folder))
    if broken:
        raise PartialFailure(broken, total=len(files), result=predictions)
    return predictions


def _predict_photos(
    pictures: Iterator[tuple[str, Picture]],
    model: Model,
    folder: Path,
    *,
    total: int,
    batch: int,
    overlays: bool,
) -> list[Prediction]:
    """Maps into the writer; overlays are drawn and written beside, while the network goes on."""
    if overlays:
        (folder / "overlays").mkdir(parents=True, exist_ok=True)
    predictions: list[Prediction] = []
    with (
        CocoWriter(folder / "panoptic.json", model.categories) as writer,
        ThreadPoolExecutor(1) as drawing,
    ):
        drawings: list[Future[None]] = []
        for name, picture, panoptic_map in track(
            _predicted(model, pictures, batch, follow=_bar if total < 2 else None),
            total=total,
            description="predicting",
            console=Console(stderr=True),
            disable=total < 2,
        ):
            file = writer.add(name, panoptic_map)
            if overlays:
                path = folder / "overlays" / f"{file.stem}.jpg"
                drawings.append(drawing.submit(_write_overlay, path, picture, panoptic_map, model))
            if len(drawings) > MAX_DRAWINGS:
                drawings.pop(0).result()
            predictions.append(Prediction(name, panoptic_map.segments, file))
        for future in drawings:
            future.result()
    return predictions


def find_images(paths: Sequence[str | Path]) -> dict[str, Path]:
    """The image files among paths and inside folders, by the name each gets in the result.

    Raises:
        ValueError: A path does not exist, or a folder holds no image.
    """
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
            if not inside:
                fail("images", f"a folder with images ({', '.join(sorted(IMAGE_SUFFIXES))})", str(path))
            found |= {_unused(p.relative_to(path).as_posix(), found): p for p in inside}
        elif path.is_file():
            found[_unused(path.name, found)] = path
        else:
            fail("images", "files or folders that exist", str(path))
    if not found:
        fail("images", "at least one file or folder", "none")
    return found


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
    videos: Sequence[Path], model: Model, folder: Path, *, overlays: bool
) -> list[Prediction]:
    predictions: list[Prediction] = []
    try:
        with CocoWriter(folder / "panoptic.json", model.categories) as writer:
            for path in videos:
                video = predict_video(path, model, writer, folder=folder / "overlays" if overlays else None)
                frames = ((name, segments, writer.folder / _flat(name)) for name, segments in video.frames)
                predictions += (Prediction(*frame) for frame in frames)
                print(f"{video.name}: {len(video.frames)} frames, {video.num_instances} things")
    except OSError as error:
        fail("out", "a folder that can be written", f"{folder} ({error.strerror})")
    print(f"Maps in {folder}/panoptic.json" + (f", videos in {folder}/overlays" if overlays else ""))
    return predictions


def _unused(name: str, taken: Iterable[str]) -> str:
    """The name, or with a number where a PNG of that name would be overwritten."""
    stems = {_flat(other).rpartition(".")[0] for other in taken}
    path, number, candidate = Path(name), 2, name
    while _flat(candidate).rpartition(".")[0] in stems:
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}").as_posix()
        number += 1
    return candidate


def _readable(files: dict[str, Path], broken: list[str]) -> Iterator[tuple[str, Picture]]:
    """Read ahead in threads; what cannot be read is noted and passed over."""
    with ThreadPoolExecutor(2) as pool:
        names = iter(files.items())
        waiting: list[tuple[str, Future[Picture]]] = []
        while True:
            for name, path in islice(names, 4 - len(waiting)):
                waiting.append((name, pool.submit(read_image, path)))
            if not waiting:
                return
            name, future = waiting.pop(0)
            try:
                yield name, future.result()
            except InputError as error:
                broken.append(str(error))


def _predicted(
    model: Model, pictures: Iterator[tuple[str, Picture]], batch: int, *, follow: Follow | None
) -> Iterator[tuple[str, Picture, PanopticMap]]:
    """Each picture with its map, in order."""
    waiting: deque[tuple[str, Picture]] = deque()

    def fed() -> Iterator[Picture]:
        for name, picture in pictures:
            waiting.append((name, picture))
            yield picture

    for panoptic_map in model.predict_each(fed(), batch=batch, follow=follow):
        yield *waiting.popleft(), panoptic_map


def _bar(tiles: Sequence[Tile]) -> Iterable[Tile]:
    """How far a single large image is."""
    few = len(tiles) < MIN_TILES_OF_A_BAR
    return track(tiles, description="predicting", console=Console(stderr=True), disable=few)


def _write_overlay(path: Path, picture: Picture, panoptic_map: PanopticMap, model: Model) -> None:
    drawn = Image.fromarray(draw.overlay(picture, panoptic_map, model.categories))
    with whole(path) as partial:
        drawn.save(partial, format="JPEG", quality=90)


def _flat(name: str) -> str:
    return name.replace("/", "_")


def _summary(predictions: Sequence[Prediction], model: Model, folder: Path) -> str:
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
    return "\n".join([*lines, f"Maps in {folder}/panoptic.json, pictures in {folder}/overlays"])
