"""How long does panoptic quality take on disk, per pair, next to other programs and the least it can take?

Makes its own maps (segments with curved borders, PNGs as Pillow writes them). One process, one thread;
process CPU time; the sides take turns and each keeps its fastest round. Install hotcoco and panopticapi
to see them beside it.

    python benchmarks/panoptic_quality.py [--images 24] [--rounds 5]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table
from scipy.spatial import KDTree

from intarsia import _native
from intarsia.categories import Categories, Category
from intarsia.formats.coco import CocoWriter
from intarsia.formats.png import read_filtered, read_ids
from intarsia.metrics import evaluate_folders
from intarsia.panoptic import PanopticMap, Segment, ids_to_rgb

SCENES = {"640x480, 133 categories": (480, 640, 133, 20), "2048x1024, 19 categories": (1024, 2048, 19, 60)}


def main() -> None:
    """Print one table a size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for title, scene in SCENES.items():
        with tempfile.TemporaryDirectory() as folder:
            _compare(title, Path(folder), scene, options.images, options.rounds)


def _compare(title: str, folder: Path, scene: tuple[int, int, int, int], images: int, rounds: int) -> None:
    truth, prediction = _write(folder, scene, images)
    pairs = [
        (truth.with_suffix("") / f"{n}.png", prediction.with_suffix("") / f"{n}.png") for n in range(images)
    ]
    sides: dict[str, Callable[[], object]] = {
        "floor: inflate, undo filters, pack, count": lambda: [_floor(*pair) for pair in pairs],
        "intarsia evaluate_folders": lambda: evaluate_folders(truth, prediction),
        "intarsia, two workers (wall clock)": lambda: evaluate_folders(truth, prediction, workers=2),
        "intarsia read_ids, both maps": lambda: [read_ids(path) for pair in pairs for path in pair],
        "Pillow np.asarray, both maps": lambda: [
            np.asarray(Image.open(path)) for pair in pairs for path in pair
        ],
    }
    if importlib.util.find_spec("hotcoco"):
        sides["hotcoco"] = lambda: _hotcoco(truth, prediction)
    if importlib.util.find_spec("panopticapi"):
        sides["panopticapi (the reference)"] = lambda: _panopticapi(truth, prediction)
    best = dict.fromkeys(sides, float("inf"))
    for _ in range(rounds):
        for name, run in sides.items():
            clock = time.perf_counter if "wall" in name else time.process_time
            start = clock()
            run()
            best[name] = min(best[name], (clock() - start) / images)
    ours = best["intarsia evaluate_folders"]
    table = Table("", "ms a pair", "times ours", title=title, title_justify="left")
    for name, seconds in best.items():
        table.add_row(name, f"{1000 * seconds:.2f}", f"{seconds / ours:.2f}")
    Console(width=100).print(table)


def _floor(truth: Path, prediction: Path) -> None:
    """Only what touches every pixel: no JSON, no matching."""
    a, b = read_filtered(truth), read_filtered(prediction)
    assert a is not None
    assert b is not None
    _native.count_png_pairs(a.rows, a.channels, b.rows, b.channels, a.height, a.width)


def _hotcoco(truth: Path, prediction: Path) -> object:
    from hotcoco.panoptic import PanopticEval  # pyright: ignore[reportMissingImports]

    evaluation = PanopticEval(str(truth), str(prediction))
    evaluation.evaluate()
    return evaluation.results()


def _panopticapi(truth: Path, prediction: Path) -> object:
    from panopticapi.evaluation import pq_compute_single_core  # pyright: ignore[reportMissingImports]

    true, found = json.loads(truth.read_text()), json.loads(prediction.read_text())
    categories = {row["id"]: row for row in true["categories"]}
    matched = list(zip(true["annotations"], found["annotations"], strict=True))
    return pq_compute_single_core(0, matched, truth.with_suffix(""), prediction.with_suffix(""), categories)


def _write(folder: Path, scene: tuple[int, int, int, int], images: int) -> tuple[Path, Path]:
    height, width, num_categories, num_segments = scene
    rows = [Category(n, f"category {n}", n % 2 == 0, (n, n, n)) for n in range(1, num_categories + 1)]
    paths = folder / "truth.json", folder / "prediction.json"
    for path, jitter in zip(paths, (0.0, 0.02), strict=True):
        with CocoWriter(path, Categories(rows)) as writer:
            for n in range(images):
                one = _scene(height, width, num_segments, num_categories, seed=n, jitter=jitter)
                writer.add(f"{n}.jpg", one)
                Image.fromarray(ids_to_rgb(one.ids)).save(writer.folder / f"{n}.png")
    return paths


def _scene(
    height: int, width: int, segments: int, categories: int, *, seed: int, jitter: float
) -> PanopticMap:
    """Cells around random points, with borders bent by waves; a prediction has its points moved a little."""
    generator, moved = np.random.default_rng(seed), np.random.default_rng(seed + 1000)
    points = generator.uniform(0, 1, (segments, 2)) * (height, width)
    category_ids = generator.integers(1, categories + 1, segments)
    colors = generator.choice(1 << 24, segments + 1, replace=False) + 1
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    for k in range(1, 4):
        bend = min(height, width) / (20 * k)
        y = y + bend * np.sin(x * 12 * k / width + generator.uniform(0, 6))
        x = x + bend * np.sin(y * 12 * k / height + generator.uniform(0, 6))
    points = points + moved.normal(0, jitter, points.shape) * (height, width)
    cell = KDTree(points).query(np.stack([y, x], axis=-1).reshape(-1, 2))[1].reshape(height, width)
    ids = np.where(cell == segments - 1, 0, colors[cell])
    return PanopticMap.keeping_visible(
        ids, [Segment(int(colors[n]), int(category_ids[n])) for n in range(segments)]
    )


if __name__ == "__main__":
    main()
