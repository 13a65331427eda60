"""How long does a shipped model take for an image, by each backend?

    python benchmarks/predict.py [--model facades] [--rounds 3] [--sizes 512x512 1024x2048] [--mask2former]
        [--folder 100]

CPU milliseconds of one thread, the least of the rounds; in each round every backend runs once, so that what
else the machine does meets all of them. "eager" is the method in torch as it was trained, its norms not
folded; the ratios are to that. "decoding" is everything from the network's arrays to the map. With
--mask2former, transformers' Mask2Former with a Swin-T runs beside it, once, with random weights: its time
does not depend on them, but that of its map does a little. With --folder N, a folder of N photos of the first
size goes through `intarsia.predict`, read, written and drawn, beside N times the network and decoding alone
by the same backend. What is not installed is left out with a sentence.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

import intarsia
import intarsia.methods.load as methods
from intarsia.methods.torch_model import as_model
from intarsia.pictures.reading import read_image
from intarsia.runtime import Model

PHOTOS = Path(__file__).parents[1] / "examples" / "photos"
EAGER = "torch, eager"


def main() -> None:
    """Print one table an image size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="facades")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", nargs="+", default=["512x512", "1024x2048"], help="HEIGHTxWIDTH")
    parser.add_argument("--mask2former", action="store_true")
    parser.add_argument("--folder", type=int, default=0, metavar="N")
    options = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=110)
    models = backends(options.model)
    for missing in ("openvino", "transformers"):
        if importlib.util.find_spec(missing) is None and (missing == "openvino" or options.mask2former):
            console.print(f"Left out: what needs the package {missing}, which is not installed.")
    for size in options.sizes:
        height, width = map(int, size.split("x"))
        image = mosaic(height, width)
        table = Table("backend", "CPU ms", "of eager", title=f"{options.model}, {size}, one thread")
        add_rows(table, models, image, options.rounds)
        if options.mask2former and importlib.util.find_spec("transformers"):
            add_mask2former(table, image)
        console.print(table)
    if options.folder:
        image = mosaic(*map(int, options.sizes[0].split("x")))
        console.print(folder_row(models["onnxruntime"], options.model, image, options.folder))


def folder_row(model: Model, name: str, image: np.ndarray, num_photos: int) -> str:
    """What a folder takes from files to files, and network and decoding alone of as many photos."""
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        photos.mkdir()
        for n in range(num_photos):
            Image.fromarray(np.roll(image, 8 * n, axis=1)).save(photos / f"{n:03}.jpg", quality=90)
        pictures = [read_image(file) for file in sorted(photos.iterdir())]

        def all_of_it() -> None:
            with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
                intarsia.predict(
                    (str(photos),), model=name, out=f"{folder}/out", backend="onnxruntime", threads=1
                )

        least = cpu_ms(lambda: [model.decode(model.view(picture)) for picture in pictures])
        spent = cpu_ms(all_of_it)
    return (
        f"{num_photos} photos: {spent:.0f} CPU ms from files to files, "
        f"{least:.0f} network and decoding, ratio {spent / least:.2f}"
    )


def backends(name: str) -> dict[str, Model]:
    """The model by everything that is installed here."""
    models = {
        EAGER: as_model(methods.load(name), threads=1),
        "torch, norms folded": intarsia.load(name, backend="torch", device="cpu", threads=1),
        "torch, bfloat16": intarsia.load(
            name, backend="torch", device="cpu", precision="bfloat16", threads=1
        ),
        "onnxruntime": intarsia.load(name, backend="onnxruntime", device="cpu", threads=1),
    }
    if importlib.util.find_spec("openvino"):
        for precision in ("float32", "bfloat16"):
            models[f"OpenVINO, {precision}"] = intarsia.load(
                name, backend="openvino", precision=precision, threads=1
            )
    return models


def add_rows(table: Table, models: dict[str, Model], image: np.ndarray, rounds: int) -> None:
    """One row a backend, and what decoding takes."""
    tasks: dict[str, Callable[[], object]] = {
        name: lambda model=model: model.view(image) for name, model in models.items()
    }
    model = models["onnxruntime"]
    view = model.view(image)
    tasks["decoding"] = lambda: model.decode(view)
    for task in tasks.values():
        task()
    times = [{name: cpu_ms(task) for name, task in tasks.items()} for _ in range(rounds)]
    least = {name: min(row[name] for row in times) for name in tasks}
    for name, spent in least.items():
        ratio = "" if name in (EAGER, "decoding") else f"{spent / least[EAGER]:.2f}"
        table.add_row(name, f"{spent:.0f}", ratio)


def add_mask2former(table: Table, image: np.ndarray) -> None:
    """Network and map of Mask2Former, once each after a small image."""
    transformers: Any = importlib.import_module("transformers")
    swin = transformers.SwinConfig(
        embed_dim=96,
        depths=[2, 2, 6, 2],
        num_heads=[3, 6, 12, 24],
        window_size=7,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = transformers.Mask2FormerConfig(backbone_config=swin, num_labels=133)
    network = transformers.Mask2FormerForUniversalSegmentation(config).eval()
    processor = transformers.Mask2FormerImageProcessor()
    pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].float() / 255
    answer: Any = None

    def predict() -> None:
        nonlocal answer
        answer = network(pixel_values=pixels)

    def decode() -> None:
        size = (image.shape[0], image.shape[1])
        processor.post_process_panoptic_segmentation(answer, target_sizes=[size])

    with torch.inference_mode():
        network(pixel_values=pixels[..., :128, :128])
        table.add_row("Mask2Former Swin-T, network", f"{cpu_ms(predict):.0f}", "")
        table.add_row("Mask2Former Swin-T, map", f"{cpu_ms(decode):.0f}", "")


def mosaic(height: int, width: int) -> np.ndarray:
    """The examples' photos side by side."""
    photos = [Image.fromarray(read_image(PHOTOS / name)) for name in ("china.jpg", "nuclei.tif")]
    squares = [np.asarray(photo.resize((512, 512))) for photo in photos]
    rows = [
        np.concatenate([squares[(row + column) % len(squares)] for column in range(-(-width // 512))], axis=1)
        for row in range(-(-height // 512))
    ]
    return np.concatenate(rows)[:height, :width]


def cpu_ms(task: Callable[[], object]) -> float:
    """CPU milliseconds of the whole process: a second thread would count."""
    started = time.process_time()
    task()
    return 1000 * (time.process_time() - started)


if __name__ == "__main__":
    main()
