"""Prediction: photos or videos in, a COCO panoptic folder and pictures out; a broken photo stops nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import tyro
from jaxtyping import UInt8
from PIL import Image
from rich.console import Console
from rich.progress import track

from intarsia import draw
from intarsia._check import fail
from intarsia.commands.video import predict_video
from intarsia.errors import InputError, PartialFailure
from intarsia.formats.coco import CocoWriter
from intarsia.formats.png import read_ids
from intarsia.methods.load import load
from intarsia.methods.method import AbstractMethod
from intarsia.panoptic import PanopticMap, Segment
from intarsia.pictures.reading import read_image
from intarsia.pictures.video import VIDEO_SUFFIXES

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp"})
"""Which files of a folder are taken for images."""

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
    device: Literal["auto", "cpu", "cuda"] = "auto",
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
        batch_size: How many images of one size are run at once.
        device: Where the network runs; "auto" takes a GPU if there is one.
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
    method = load(model or ("facades-embedding" if videos else "facades"))
    method.to(chosen_device(device)).eval()
    folder = Path(out)
    if videos:
        return _predicted_videos(videos, method, folder, overlays=overlays)
    broken: list[str] = []
    pictures = _readable(files, broken)
    first = next(pictures, None)
    if first is None:
        raise InputError(" ".join(broken))
    pictures = chain([first], pictures)
    predictions: list[Prediction] = []
    try:
        if overlays:
            (folder / "overlays").mkdir(parents=True, exist_ok=True)
        with CocoWriter(folder / "panoptic.json", method.categories) as writer:
            shown = track(
                _predicted(method, pictures, batch_size),
                total=len(files),
                description="predicting",
                console=Console(stderr=True),
                disable=len(files) < 2,
            )
            for name, picture, panoptic_map in shown:
                file = writer.add(name, panoptic_map)
                if overlays:
                    _write_overlay(folder / "overlays" / _flat(name), picture, panoptic_map, method)
                predictions.append(Prediction(name, panoptic_map.segments, file))
    except OSError as error:
        raise InputError(
            f"`out` must be a folder that can be written, got {out} ({error.strerror})."
        ) from None
    print(_summary(predictions, method, folder))
    if broken:
        raise PartialFailure(broken, total=len(files), result=predictions)
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


def _predicted_videos(
    videos: Sequence[Path], method: AbstractMethod, folder: Path, *, overlays: bool
) -> list[Prediction]:
    predictions: list[Prediction] = []
    try:
        with CocoWriter(folder / "panoptic.json", method.categories) as writer:
            for path in videos:
                found = predict_video(path, method, writer, folder=folder / "overlays" if overlays else None)
                frames = ((name, segments, writer.folder / _flat(name)) for name, segments in found.frames)
                predictions += (Prediction(*frame) for frame in frames)
                print(f"{found.name}: {len(found.frames)} frames, {found.num_instances} things")
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
    method: AbstractMethod, pictures: Iterator[tuple[str, Picture]], batch_size: int
) -> Iterator[tuple[str, Picture, PanopticMap]]:
    while batch := list(islice(pictures, batch_size)):
        maps = method.predict([picture for _, picture in batch], batch=batch_size)
        for (name, picture), panoptic_map in zip(batch, maps, strict=True):
            yield name, picture, panoptic_map


def _write_overlay(path: Path, picture: Picture, panoptic_map: PanopticMap, method: AbstractMethod) -> None:
    drawn = Image.fromarray(draw.overlay(picture, panoptic_map, method.categories))
    partial = path.with_suffix(".partial")
    drawn.save(partial, format="JPEG", quality=90)
    partial.replace(path.with_suffix(".jpg"))


def _flat(name: str) -> str:
    return name.replace("/", "_")


def chosen_device(device: str) -> torch.device:
    """The device that "auto", "cpu" or "cuda" means here.

    Raises:
        ValueError: There is no GPU.
    """
    if device == "cuda" and not torch.cuda.is_available():
        fail("device", "one that torch finds here", "cuda")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def _summary(predictions: Sequence[Prediction], method: AbstractMethod, folder: Path) -> str:
    """One line an image, for the first ten, and where everything is."""
    lines = []
    for prediction in predictions[:10]:
        counts: dict[str, int] = {}
        for segment in prediction.segments:
            name = method.categories[method.categories.index_of(segment.category_id)].name
            counts[name] = counts.get(name, 0) + 1
        said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda kv: -kv[1]))
        lines.append(f"{prediction.name}: {said or 'nothing found'}")
    if len(predictions) > 10:
        lines.append(f"... and {len(predictions) - 10} more images")
    return "\n".join([*lines, f"Maps in {folder}/panoptic.json, pictures in {folder}/overlays"])
