"""One large image, in tiles and in one piece: seconds, peak memory, and whether the answers are the same.

    python benchmarks/large_image.py [--model facades] [--images examples/photos] [--photo 512]
        [--sides 1024 2048] [--tiles 1024 2048] [--whole-to 2048]

A square mosaic of the photos, mirrored where they meet again, is predicted by onnxruntime in a process of its
own for each side and tile: with tiles as the model has them, with tiles of each side given, and in one piece
up to --whole-to. Times are wall and CPU seconds; memory is the peak of the whole process. "same" is the share
of pixels with the same category, and of segments with an equal one (IoU above 0.99), in the answer of one
piece.
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

import numpy as np
from PIL import Image

import intarsia
from intarsia.panoptic import Categories, PanopticMap

IN_ONE_PIECE = 1 << 16
AS_THE_MODEL_SAYS = 0
NAMES = {IN_ONE_PIECE: "none", AS_THE_MODEL_SAYS: "its own"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="facades")
    parser.add_argument("--images", type=Path, default=Path(__file__).parents[1] / "examples" / "photos")
    parser.add_argument("--photo", type=int, default=512, help="side of each photo in the mosaic")
    parser.add_argument("--sides", type=int, nargs="+", default=[1024, 2048])
    parser.add_argument("--tiles", type=int, nargs="+", default=[1024, 2048])
    parser.add_argument("--whole-to", type=int, default=2048)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return predict_one(options)
    print(f"{'image':<14}{'tiles':>8}{'wall s':>9}{'CPU s':>9}{'peak MiB':>10}{'segments':>10}  same")
    categories = intarsia.load(options.model).categories
    for side in options.sides:
        whole_too = [IN_ONE_PIECE] * (side <= options.whole_to)
        tiles = [*whole_too, AS_THE_MODEL_SAYS, *(tile for tile in options.tiles if tile < side)]
        whole: PanopticMap | None = None
        for tile in tiles:
            found, numbers = in_own_process(options, side, tile)
            whole = found if tile == IN_ONE_PIECE else whole
            name = NAMES.get(tile, str(tile))
            same = "" if whole is None or whole is found else agreement(found, whole, categories)
            taken = f"{numbers['wall_s']:>9.1f}{numbers['cpu_s']:>9.1f}{numbers['mib']:>10.0f}"
            print(f"{side} x {side:<7}{name:>8}{taken}{len(found.segments):>10}  {same}", flush=True)


def in_own_process(
    options: argparse.Namespace, side: int, tile_px: int
) -> tuple[PanopticMap, dict[str, float]]:
    """The answer and what it took."""
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder)
        (task / "task.json").write_text(json.dumps({"side": side, "tile_px": tile_px}))
        command = [sys.executable, __file__, "--model", options.model, "--images", str(options.images)]
        subprocess.run([*command, "--photo", str(options.photo), "--child", str(task)], check=True)
        found = PanopticMap.load(task / "answer.npz")
        return found, json.loads((task / "numbers.json").read_text())


def predict_one(options: argparse.Namespace) -> None:
    """What the process of one measurement does."""
    settings = json.loads((options.child / "task.json").read_text())
    model = intarsia.load(options.model, backend="onnxruntime")
    if settings["tile_px"] != AS_THE_MODEL_SAYS:
        assert model.spec.tiling is not None
        tiling = replace(model.spec.tiling, tile_px=settings["tile_px"])
        model.spec = replace(model.spec, tiling=tiling)
    mosaic = mosaic_of(options.images, settings["side"], options.photo)
    wall, cpu = time.perf_counter(), time.process_time()
    found = model.predict(mosaic)
    numbers = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu, "mib": peak_mib()}
    found.save(options.child / "answer.npz")
    (options.child / "numbers.json").write_text(json.dumps(numbers))


def mosaic_of(folder: Path, side: int, photo: int) -> np.ndarray:
    """Photos in rows of squares of so many pixels, mirrored from one use to the next."""
    files = [file for file in sorted(folder.iterdir()) if file.suffix.lower() in (".jpg", ".jpeg", ".png")]
    across = -(-side // photo)
    mosaic = np.empty((across * photo, across * photo, 3), np.uint8)
    for row in range(across):
        for column in range(across):
            with Image.open(files[(row * across + column) % len(files)]) as image:
                square = np.asarray(image.convert("RGB").resize((photo, photo)))
            at = slice(row * photo, (row + 1) * photo), slice(column * photo, (column + 1) * photo)
            mosaic[at] = square[:, :: 1 - 2 * (column % 2)]
    return mosaic[:side, :side]


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
