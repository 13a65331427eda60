"""Mutated TIFFs, PNGs and their like through every reader of pictures and label images.

Each must be read or refused in one sentence, soon: anything else ends the run and prints the input's number.

    python native/fuzz/fuzz_pictures.py [--inputs 100000] [--seed 0] [--first 0]
"""

from __future__ import annotations

import argparse
import io
import random
import signal
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from intarsia.errors import InputError
from intarsia.formats.label_image import num_pages as num_label_pages
from intarsia.formats.label_image import read_labels
from intarsia.pictures.reading import num_pages, read_image, read_size

MEMORY = Path("/dev/shm")
SLOW_S = 10.0
"""An input of a few hundred bytes that computes longer hangs; a busy machine is no reason to stop."""
INTERESTING = (b"\0", b"\xff", b"\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\x80", b"\x01\0", b"\0\x01")


def main() -> None:
    """Read the command line and fuzz."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    options = parser.parse_args()
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        numbers = range(options.first, options.first + options.inputs)
        refused, read = fuzz(Path(folder), options.seed, numbers)
    for name, count in read.items():
        print(f"{name}: {count} inputs, {refused[name]} readings refused")


def fuzz(folder: Path, seed: int, numbers: range) -> tuple[Counter[str], Counter[str]]:
    """Read the inputs of these numbers: by kind, how many readings were refused, and how many inputs."""
    kinds = files()
    refused, read = Counter[str](), Counter[str]()
    for name, content in kinds.items():
        (folder / name).write_bytes(content)
        for reader in readers(name):
            reader(folder / name)  # what is not mutated must be read: else only refusals are tested
    for number in numbers:
        generator = random.Random(seed << 40 | number)
        name = list(kinds)[number % len(kinds)]
        path = folder / name
        path.write_bytes(_mutated(kinds[name], generator))
        read[name] += 1
        for reader in readers(name):
            try:
                with limited(SLOW_S), warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # Pillow's about metadata
                    reader(path)
            except InputError:
                refused[name] += 1
            except BaseException:
                print(f"input {number} of seed {seed}, {name}: {path.read_bytes()!r}")
                raise
    return refused, read


class Hang(BaseException):
    """No `Exception`, which the readers would take for what is wrong with the file."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """End what computes for longer, where the system has a clock for it."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def end(*_: object) -> None:
        raise Hang(f"more than {seconds:g} s of computing")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def readers(name: str) -> tuple[Callable[[Path], object], ...]:
    """What reads a file of this name."""
    pictures = (
        lambda path: read_image(path, page=0, channel=0),
        read_image if "stack" not in name else num_pages,
    )
    common = (num_pages, read_size, num_label_pages)
    return (*pictures, *common, read_labels) if "labels" in name else (*pictures, *common)


def files() -> dict[str, bytes]:
    """A small file of every kind, by its name."""
    labels = np.kron(np.array([[0, 1], [2, 3]], np.uint16), np.ones((4, 5), np.uint16))
    rgb = np.arange(8 * 10 * 3, dtype=np.uint16).reshape(8, 10, 3) * 17
    stack = np.stack([labels, labels + 1, labels])
    return {
        "labels.tif": _tiff(labels),
        "labels_zlib_tiles.tif": _tiff(labels, compression="zlib", predictor=True, tile=(16, 16)),
        "labels_big.tif": _tiff(labels.astype(np.uint64), bigtiff=True, byteorder=">"),
        "labels_white.tif": _tiff(labels > 1, photometric="miniswhite"),
        "labels_stack.tif": _tiff(stack, photometric="minisblack"),
        "labels_imagej_stack.tif": _tiff(stack, imagej=True, truncate=True, metadata={"axes": "ZYX"}),
        "labels_ome_stack.tif": _tiff(stack, ome=True, photometric="minisblack", metadata={"axes": "ZYX"}),
        "planar.tif": _tiff(np.moveaxis(rgb, 2, 0).copy(), photometric="rgb"),
        "float.tif": _tiff(rgb.astype(np.float32), photometric="rgb"),
        "lzw.tif": _pillow(rgb.astype(np.uint8), "TIFF", compression="tiff_lzw"),
        "jpeg.tif": _pillow(rgb.astype(np.uint8), "TIFF", compression="jpeg"),
        "labels.png": _pillow(labels, "PNG"),
        "rgb.png": _pillow(rgb.astype(np.uint8), "PNG"),
        "photo.jpg": _pillow(rgb.astype(np.uint8), "JPEG"),
        "labels.gif": _pillow(labels.astype(np.uint8), "GIF"),
        "labels.bmp": _pillow(labels.astype(np.uint8), "BMP"),
        "labels.pgm": _pillow(labels.astype(np.uint8), "PPM"),
    }


def _tiff(values: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def _pillow(values: np.ndarray, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, format, **options)
    return file.getvalue()


def _mutated(content: bytes, generator: random.Random) -> bytes:
    """Bytes changed, dropped, repeated; half of the time near the beginning, where headers are."""
    text = bytearray(content)
    for _ in range(generator.randint(1, 4)):
        at = generator.randrange(min(len(text), generator.choice([64, 400, len(text)])))
        action = generator.random()
        if action < 0.5:
            text[at] = generator.randrange(256)
        elif action < 0.8:
            word = generator.choice(INTERESTING)
            text[at : at + len(word)] = word
        elif action < 0.9:
            del text[at : at + generator.choice([1, 4, 40])]
        else:
            text[at:at] = text[at : at + generator.choice([1, 4, 40])]
        if not text:
            return b"II"
    return bytes(text[: generator.randrange(1, len(text) + 1)] if generator.random() < 0.1 else text)


if __name__ == "__main__":
    main()
