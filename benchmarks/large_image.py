"""One large image, in tiles and in one piece: seconds, peak memory, and whether the answers are the same.

    python benchmarks/large_image.py [--model facades] [--images examples/photos] [--sides 1024 2048]
        [--tiles 1024 2048] [--whole-to 2048]

A square mosaic of the photos, mirrored where they meet again, is predicted in a process of its own for each
side and tile: once with tiles of each side given, once in one piece up to --whole-to. Memory is the peak of
the process above what it had with the model and the image loaded. "same" is the share of pixels with the
same category, and of segments with an equal one (IoU above 0.99), in the answer of one piece.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image

from intarsia.methods import CombinatorialPanoptic
from intarsia.methods.load import load
from intarsia.panoptic import Categories, PanopticMap
from intarsia.runtime.tiles import TilingConfig

IN_ONE_PIECE = 1 << 16


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="facades")
    parser.add_argument("--images", type=Path, default=Path(__file__).parents[1] / "examples" / "photos")
    parser.add_argument("--sides", type=int, nargs="+", default=[1024, 2048])
    parser.add_argument("--tiles", type=int, nargs="+", default=[1024, 2048])
    parser.add_argument("--whole-to", type=int, default=2048)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return predict_one(options.model, options.images, options.child)
    print(f"{'image':<14}{'tiles':>8}{'seconds':>9}{'peak MiB':>10}{'segments':>10}  same")
    categories = load(options.model).categories
    for side in options.sides:
        tiles = [IN_ONE_PIECE] * (side <= options.whole_to) + [tile for tile in options.tiles if tile < side]
        whole: PanopticMap | None = None
        for tile in tiles:
            found, numbers = in_own_process(options, side, tile)
            whole = found if tile == IN_ONE_PIECE else whole
            name = "none" if tile == IN_ONE_PIECE else str(tile)
            same = "" if whole is None or whole is found else agreement(found, whole, categories)
            print(
                f"{side} x {side:<7}{name:>8}{numbers['seconds']:>9.1f}{numbers['mib']:>10.0f}"
                f"{len(found.segments):>10}  {same}",
                flush=True,
            )


def in_own_process(
    options: argparse.Namespace, side: int, tile_px: int
) -> tuple[PanopticMap, dict[str, float]]:
    """The answer and what it took."""
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder)
        (task / "task.json").write_text(json.dumps({"side": side, "tile_px": tile_px}))
        command = [sys.executable, __file__, "--model", options.model, "--images", str(options.images)]
        subprocess.run([*command, "--child", str(task)], check=True)
        found = PanopticMap.load(task / "answer.npz")
        return found, json.loads((task / "numbers.json").read_text())


def predict_one(model: str, images: Path, task: Path) -> None:
    """What the process of one measurement does."""
    settings = json.loads((task / "task.json").read_text())
    method = cast(CombinatorialPanoptic, load(model))
    method.config = replace(method.config, tiling=TilingConfig(tile_px=settings["tile_px"]))
    mosaic = mosaic_of(images, settings["side"])
    method.predict(mosaic[:256, :256])
    before, start = peak_mib(), time.perf_counter()
    found = method.predict(mosaic)
    seconds = time.perf_counter() - start
    found.save(task / "answer.npz")
    (task / "numbers.json").write_text(json.dumps({"seconds": seconds, "mib": peak_mib() - before}))


def mosaic_of(folder: Path, side: int) -> np.ndarray:
    """Photos in rows of 512 pixels, mirrored from one use to the next."""
    files = [file for file in sorted(folder.iterdir()) if file.suffix.lower() in (".jpg", ".jpeg", ".png")]
    photos = [np.asarray(Image.open(file).convert("RGB").resize((512, 512))) for file in files]
    rows = []
    for row in range(-(-side // 512)):
        tiles = [photos[(row + column) % len(photos)] for column in range(-(-side // 512))]
        rows.append(np.concatenate([t[:, :: 1 - 2 * (n % 2)] for n, t in enumerate(tiles)], 1))
    return np.concatenate(rows)[:side, :side]


def agreement(found: PanopticMap, whole: PanopticMap, categories: Categories) -> str:
    """Shares of equal pixels and of equal segments."""
    pixels = (found.semantic(categories) == whole.semantic(categories)).mean()
    pairs, both = np.unique(np.stack([found.ids.ravel(), whole.ids.ravel()]), axis=1, return_counts=True)
    areas, areas_of_whole = np.bincount(found.ids.ravel()), np.bincount(whole.ids.ravel())
    iou = both / (areas[pairs[0]] + areas_of_whole[pairs[1]] - both)
    is_segment = (pairs > 0).all(0)
    equal = int((iou[is_segment] > 0.99).sum())
    return f"{100 * pixels:.2f} % of pixels, {equal} of {len(whole.segments)} segments"


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
