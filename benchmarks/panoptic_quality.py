"""How long does panoptic quality take on disk, per pair, next to other programs and the least it can take?

Makes its own maps (segments with curved borders, PNGs as Pillow writes them). One process, one thread;
process CPU time; the sides take turns and each keeps its fastest round. The floor is what touches every
pixel: no JSON, no matching. `png_plain.cpp` does the same as one would write it first, and shares
nothing with the library but libdeflate. Install hotcoco and panopticapi to see them beside it.

    python benchmarks/panoptic_quality.py [--images 60] [--rounds 5]
    python benchmarks/panoptic_quality.py --memory 100 300 1000 3000
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import deflate
import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table
from scipy.spatial import KDTree

from intarsia import _native
from intarsia.categories import Categories, Category
from intarsia.formats.coco import CocoWriter
from intarsia.formats.png import read_ids
from intarsia.metrics import evaluate_folders
from intarsia.metrics.measuring import count_pairs_of_files
from intarsia.panoptic import PanopticMap, Segment, ids_to_rgb

FLOOR = "floor: inflate, undo filters, pack, count"
SCENES = {"640x480, 133 categories": (480, 640, 133, 20), "2048x1024, 19 categories": (1024, 2048, 19, 60)}


def main() -> None:
    """Print one table a size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", type=int, nargs="*", help="numbers of images: measure memory instead")
    options = parser.parse_args()
    if options.memory:
        return _memory(tuple(options.memory))
    for title, scene in SCENES.items():
        with tempfile.TemporaryDirectory() as folder:
            _compare(title, Path(folder), scene, options.images, options.rounds)


def _compare(title: str, folder: Path, scene: tuple[int, int, int, int], images: int, rounds: int) -> None:
    truth, prediction = _write(folder, scene, images)
    pairs = [
        (truth.with_suffix("") / f"{n}.png", prediction.with_suffix("") / f"{n}.png") for n in range(images)
    ]
    library = _plain_library()
    a, b = (read_ids(path) for path in pairs[0])
    assert _plain(library, *pairs[0]) == len(_native.count_id_pairs(a.ravel(), b.ravel()))
    sides: dict[str, Callable[[], object]] = {
        FLOOR: lambda: [count_pairs_of_files(*pair) for pair in pairs],
        "plain C++ with SSE, pixel by pixel": lambda: [_plain(library, *pair) for pair in pairs],
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
    ours, floor = best["intarsia evaluate_folders"], best[FLOOR]
    table = Table("", "ms a pair", "times ours", "times floor", title=title, title_justify="left")
    for name, seconds in best.items():
        table.add_row(name, f"{1000 * seconds:.2f}", f"{seconds / ours:.2f}", f"{seconds / floor:.2f}")
    Console(width=100).print(table)


def _plain(library: ctypes.CDLL, truth: Path, prediction: Path) -> int:
    """Only what touches every pixel: no JSON, no matching."""
    a, b = _inflated(truth), _inflated(prediction)
    return library.count_pairs(
        a[0].ctypes.data, b[0].ctypes.data, ctypes.c_size_t(a[1]), ctypes.c_size_t(a[2])
    )


def _inflated(path: Path) -> tuple[np.ndarray, int, int]:
    """The filtered rows, height and width of a plain 8-bit RGB PNG."""
    content, at, packed = path.read_bytes(), 8, b""
    width, height = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        if content[at + 4 : at + 8] == b"IDAT":
            packed += content[at + 8 : at + 8 + length]
        at += 12 + length
    rows = deflate.zlib_decompress(packed, height * (1 + 3 * width))
    return np.frombuffer(rows, np.uint8), height, width


def _plain_library() -> ctypes.CDLL:
    """`png_plain.cpp`, compiled for this processor."""
    source = Path(__file__).with_name("png_plain.cpp")
    out = Path(tempfile.mkdtemp()) / "png_plain.so"
    flags = ["-O3", "-march=native", "-std=c++20", "-shared", "-fPIC"]
    subprocess.run(["c++", *flags, str(source), "-o", str(out)], check=True)
    library = ctypes.CDLL(str(out))
    library.count_pairs.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]
    library.count_pairs.restype = ctypes.c_size_t
    return library


def _memory(sizes: tuple[int, ...]) -> None:
    """The most memory of one evaluation of so many images of 64x64 pixels, each in a process of its own."""
    code = (
        "import resource, sys; from intarsia.metrics import evaluate_folders\n"
        "evaluate_folders(sys.argv[1], sys.argv[2], workers=2)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    table = Table("images of 64x64", "MB at most", title="memory", title_justify="left")
    for images in sizes:
        with tempfile.TemporaryDirectory() as folder:
            paths = _write(Path(folder), (64, 64, 19, 12), images)
            command = [sys.executable, "-c", code, *map(str, paths)]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        table.add_row(str(images), f"{float(out):.1f}")
    Console(width=100).print(table)


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
