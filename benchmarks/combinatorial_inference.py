"""Where does the time of combinatorial panoptic segmentation go: network, cut or assembly?

    python benchmarks/combinatorial_inference.py [--model FOLDER --images FOLDER] [--count 10] [--repeats 3]

One image at a time on one thread; process CPU milliseconds, least of the repeats, mean over the images. The
first rows are drawn problems of Cityscapes' size: an image of 1024 x 2048, a grid of 256 x 512, 19 classes,
12 offsets; easy, medium and hard by the noise of the costs. They have no network. With --model and --images
there is one more row for those. Assembly is everything else: scores, segments to pixels, least areas.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import torch

from intarsia.cut.synthetic import synthetic_problem
from intarsia.decoding.cut import CutConfig, CutView, cut_segments, map_of_segments
from intarsia.methods import CombinatorialPanoptic
from intarsia.methods.images import as_tensor
from intarsia.methods.load import load
from intarsia.panoptic import Categories, Category

Parts = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="")
    parser.add_argument("--images", type=Path)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'image':<28}{'segments':>9}{'network ms':>12}{'cut ms':>9}{'assembly ms':>13}")
    for name, noise in (("easy", 0.0), ("medium", 1.0), ("hard", 2.0)):
        show(f"1024x2048, {name}", [least(lambda noise=noise: drawn(noise), options.repeats)])
    if options.model and options.images:
        method = cast(CombinatorialPanoptic, load(options.model))
        files = sorted(options.images.iterdir())[: options.count]
        rows = [least(lambda file=file: predicted(method, file), options.repeats) for file in files]
        show(f"{len(files)} of {options.images.name}", rows)


def drawn(noise: float) -> Parts:
    """Cut and assembly of a problem of Cityscapes' size."""
    problem, _ = synthetic_problem(256, 512, noise=noise)
    config = CutConfig(min_thing_px=200, min_stuff_px=2048)

    def view() -> CutView:
        return CutView(problem, -problem.node_costs, (1024, 2048), 4)

    rows = [Category(n, str(n), bool(flag), (n, n, n)) for n, flag in enumerate(problem.splittable, 1)]
    return timed(view, Categories(rows), config)


def predicted(method: CombinatorialPanoptic, file: Path) -> Parts:
    """All three parts for a photo."""
    image = as_tensor(file)
    started = time.process_time()
    with torch.inference_mode():
        output = method(image[None])
    network = time.process_time() - started
    size = (image.shape[1], image.shape[2])

    def view() -> CutView:
        return method.map_decoder.cut_view(method.views(output, [size])[0], method.categories)

    parts = timed(view, method.categories, method.config.cut)
    return parts | {"network": network}


def timed(view: Callable[[], CutView], categories: Categories, config: CutConfig) -> Parts:
    """Seconds of the cut and of everything around it."""
    times = [time.process_time()]
    seen = view()
    times.append(time.process_time())
    segments = cut_segments(seen.problem, config, stride=seen.stride)
    times.append(time.process_time())
    result = map_of_segments(segments, seen, categories, config=config)
    times.append(time.process_time())
    before, cut, after = np.diff(times)
    return {"network": 0.0, "cut": cut, "assembly": before + after, "segments": len(result.segments)}


def least(run: Callable[[], Parts], repeats: int) -> Parts:
    """The least of each part."""
    runs = [run() for _ in range(repeats)]
    return {name: min(one[name] for one in runs) for name in runs[0]}


def show(name: str, rows: list[Parts]) -> None:
    mean = {part: float(np.mean([row[part] for row in rows])) for part in rows[0]}
    times = [1000 * mean[part] for part in ("network", "cut", "assembly")]
    print(f"{name:<28}{mean['segments']:>9.0f}{times[0]:>12.1f}{times[1]:>9.1f}{times[2]:>13.1f}")


if __name__ == "__main__":
    main()
