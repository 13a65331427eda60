"""`intarsia bench`: how long a model takes for the network, the grouping and the whole, and on what."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import tyro
from jaxtyping import UInt8
from PIL import Image

from intarsia._check import fail
from intarsia.formats.json_file import write_json
from intarsia.formats.png import write_ids
from intarsia.pictures.reading import read_image
from intarsia.runtime.find import models_that_run_here
from intarsia.runtime.loading import Backend, Device, Precision, load
from intarsia.runtime.model import Model

__all__ = ["Timing", "bench"]

SIZES = (512, 1024)
MIN_WIDTH = 120
"""Characters a line in a file or a pipe, so that no column is cut."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one model takes for one picture; times are medians in milliseconds of wall clock.

    Attributes:
        model: Name or folder of the model.
        network: What computes it, where, and in which precision.
        threads: How many it computes with; 0 leaves it to the network.
        height: Of the picture, in pixels.
        width: Of the picture.
        segments: That were seen.
        network_ms: From the picture to what the network says.
        grouping_ms: From there to the panoptic map.
        whole_ms: From the bytes of a PNG to the PNG of the map: reading, network, grouping, writing.
        repeats: How often each was timed, after one time that does not count.
    """

    model: str
    network: str
    threads: int
    height: int
    width: int
    segments: int
    network_ms: float
    grouping_ms: float
    whole_ms: float
    repeats: int


def bench(
    models: Annotated[tuple[str, ...], tyro.conf.Positional] = (),
    *,
    image: str | None = None,
    sizes: tuple[int, ...] = SIZES,
    repeats: int = 5,
    backend: Backend | None = None,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: int | None = None,
    json: str | None = None,
) -> list[Timing]:
    """Time models on this machine: the network, the grouping, and the whole from file to file.

    Args:
        models: Names of models that ship with intarsia, or folders written by training; by default all that
            ship.
        image: A photo, brought to each of the sizes; by default a drawn wall with windows, on which grouping
            has about as much to do as on a photo of a facade.
        sizes: Sides of the square pictures, in pixels; of a photo the longer side.
        repeats: How often each is timed; the medians are shown.
        backend: What runs the networks: "onnxruntime", "openvino" or "torch"; by default the first, and torch
            on a GPU or for a model without `model.onnx`.
        device: Where the networks run; "auto" takes a GPU if torch finds one.
        precision: "auto" is float32; "bfloat16" is for openvino and torch.
        threads: How many the networks compute with.
        json: Also write the numbers to this file.

    Returns:
        A timing for each model and size.

    Raises:
        ValueError: No such model or image, or a number is below 1.

    Example:
        >>> bench(sizes=(0,))
        Traceback (most recent call last):
            ...
        intarsia.errors.InputError: `sizes` must be at least 1, got 0.
    """
    for name, values in (("repeats", (repeats,)), ("sizes", sizes)):
        if not values or min(values) < 1:
            fail(name, "at least 1", ", ".join(map(str, values)) or "none")
    photo = None if image is None else read_image(image)
    timings: list[Timing] = []
    for name in models or tuple(models_that_run_here()):
        model = load(name, backend=backend, device=device, precision=precision, threads=threads)
        timings += [
            _time(name, model, picture_of(photo, side), repeats=repeats, threads=threads or 0)
            for side in sizes
        ]
    _print(timings, photo_name=image)
    if json is not None:
        write_json(Path(json), [asdict(timing) for timing in timings])
    return timings


def picture_of(photo: UInt8[np.ndarray, "h w 3"] | None, side: int) -> UInt8[np.ndarray, "ph pw 3"]:
    """The photo with its longer side so long; without a photo a wall with windows.

    Example:
        >>> picture_of(np.zeros((10, 20, 3), np.uint8), 10).shape, picture_of(None, 64).shape
        ((5, 10, 3), (64, 64, 3))
    """
    if photo is None:
        return _wall(side)
    scale = side / max(photo.shape[:2])
    size = max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale))
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BICUBIC))


def _wall(side: int) -> UInt8[np.ndarray, "s s 3"]:
    """Rows of windows of 40 x 56 pixels, every 80 pixels, on a wall with some grain."""
    rows, columns = np.ogrid[:side, :side]
    window = (rows % 80 > 12) & (rows % 80 < 68) & (columns % 80 > 20) & (columns % 80 < 60)
    frame = window & ((columns % 80 == 40) | (rows % 80 == 40))
    wall = np.where(window[..., None] & ~frame[..., None], (58, 72, 96), (176, 164, 148))
    grain = np.random.default_rng(0).normal(0, 6, (side, side, 1))
    return np.clip(wall + grain, 0, 255).astype(np.uint8)


def _time(
    name: str, model: Model, picture: UInt8[np.ndarray, "h w 3"], *, repeats: int, threads: int
) -> Timing:
    file = BytesIO()
    Image.fromarray(picture).save(file, "PNG", compress_level=1)

    def whole() -> None:
        with TemporaryDirectory() as folder:
            write_ids(Path(folder) / "map.png", model.predict(read_image(file.getvalue())).ids)

    view = model.view(picture)
    return Timing(
        name,
        model.network.description,
        threads,
        *picture.shape[:2],
        segments=len(model.decode(view).segments),
        network_ms=_median_ms(lambda: model.view(picture), repeats),
        grouping_ms=_median_ms(lambda: model.decode(view), repeats),
        whole_ms=_median_ms(whole, repeats),
        repeats=repeats,
    )


def _median_ms(work: Callable[[], object], repeats: int) -> float:
    work()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(times)


def _print(timings: Sequence[Timing], *, photo_name: str | None) -> None:
    from rich.console import Console
    from rich.table import Table

    # a file or a pipe gets the whole table, however wide
    console = Console()
    if not console.is_terminal:
        console = Console(width=MIN_WIDTH)
    table = Table("model", "runs by", "threads", "size", "segments", "network", "grouping", "whole")
    for timing in timings:
        milliseconds = (
            f"{value:.0f} ms" for value in (timing.network_ms, timing.grouping_ms, timing.whole_ms)
        )
        size = f"{timing.height}x{timing.width}"
        threads = str(timing.threads) if timing.threads else "all"
        table.add_row(timing.model, timing.network, threads, size, str(timing.segments), *milliseconds)
    console.print(table)
    # what was timed, and where
    repeats = timings[0].repeats
    often = "once" if repeats == 1 else f"{repeats} times, of which the median is shown"
    lines = [
        f"Machine   {_processor()}, {os.cpu_count()} cores",
        f"Picture   {'a drawn wall with windows' if photo_name is None else photo_name}",
        f"Timed     by the wall clock, {often}; one time before does not count",
        "network   from the picture to what the network says of it",
        "grouping  from there to the panoptic map",
        "whole     from a PNG to the PNG of the map: reading, network, grouping, writing",
    ]
    console.print("\n".join(lines), highlight=False, markup=False)


def _processor() -> str:
    """The name of the processor, as far as the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
