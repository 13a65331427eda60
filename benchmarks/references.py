"""Are the numbers the official tools'? Converters and metrics side by side, on random data of its own.

Compares with what is installed of panopticapi, boundary_iou, cityscapesscripts, supervision, and prints the
largest difference of each.

    python benchmarks/references.py [--images 40]
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from intarsia.categories import Categories
from intarsia.commands.convert import convert
from intarsia.formats.arrays import from_supervision, to_supervision
from intarsia.formats.cityscapes import map_of_instance_ids
from intarsia.formats.coco import CocoWriter, read_coco, read_map
from intarsia.metrics import CityscapesAP, Request, evaluate_folders
from intarsia.panoptic import PanopticMap, Segment

CITYSCAPES = Categories.named("cityscapes")


def main() -> None:
    """Print one row a comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=40)
    num_images = parser.parse_args().images
    comparisons: list[tuple[str, str, Callable[[Path, int], str]]] = [
        ("panopticapi", "PQ, SQ, RQ of 19 categories", _panoptic_quality),
        ("boundary_iou", "boundary PQ, SQ, RQ", _boundary_quality),
        ("cityscapesscripts", "converter, label ids and train ids", _cityscapes_converter),
        ("cityscapesscripts", "AP and AP50 of 8 categories", _cityscapes_ap),
        ("supervision", "Detections there and back", _supervision),
    ]
    table = Table("with", "what", "largest difference", title=f"{num_images} images", title_justify="left")
    for package, what, compare in comparisons:
        if importlib.util.find_spec(package) is None:
            table.add_row(package, what, "not installed")
            continue
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            result = compare(Path(folder), num_images)
        table.add_row(package, what, result)
    Console(width=100).print(table)


def _truth(seed: int) -> np.ndarray:
    """Cityscapes' instance ids: blocks of stuff, groups, labels that are not evaluated, cars and persons."""
    generator = np.random.default_rng(seed)
    values = [0, 1, 4, 7, 8, 11, 21, 23, 24, 26, *range(24000, 24004), *range(26000, 26004), 33000, 33001]
    return np.kron(generator.choice(values, (6, 9)), np.ones((14, 13), int))


def _found(seed: int) -> PanopticMap:
    """The truth a little moved, in part of other categories, with scores, some of them equal."""
    generator = np.random.default_rng(seed + 10_000)
    ids = np.roll(_truth(seed), generator.integers(-3, 4), axis=generator.integers(0, 2))
    ids = np.where(np.kron(generator.random((6, 9)) < 0.1, np.ones((14, 13), bool)), 0, ids)
    one = map_of_instance_ids(ids)
    categories = [row.id for row in CITYSCAPES]
    return PanopticMap(
        one.ids,
        [
            Segment(
                s.id,
                s.category_id if generator.random() < 0.85 else int(generator.choice(categories)),
                score=round(float(generator.random()), 1),
            )
            for s in one.segments
        ],
    )


def _write(folder: Path, num_images: int) -> tuple[Path, Path]:
    paths = folder / "truth.json", folder / "prediction.json"
    for path, make in zip(paths, (lambda n: map_of_instance_ids(_truth(n)), _found), strict=True):
        with CocoWriter(path, CITYSCAPES) as writer:
            for n in range(num_images):
                writer.add(f"{n}.png", make(n))
    return paths


def _largest(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    """Over groups and categories, in PQ, SQ and RQ."""
    pairs = [(ours[name], theirs[name]) for name in ("All", "Things", "Stuff")]
    pairs += [(ours["per_class"][str(id)], row) for id, row in theirs["per_class"].items()]
    return f"{max(abs(a[key] - b[key]) for a, b in pairs for key in ('pq', 'sq', 'rq')):.1e}"


def _panoptic_quality(folder: Path, num_images: int) -> str:
    from panopticapi.evaluation import pq_compute  # pyright: ignore[reportMissingImports]

    truth, prediction = _write(folder, num_images)
    return _largest(evaluate_folders(truth, prediction).to_json(), pq_compute(str(truth), str(prediction)))


def _boundary_quality(folder: Path, num_images: int) -> str:
    from boundary_iou.coco_panoptic_api.evaluation import (  # pyright: ignore[reportMissingImports]
        pq_compute_single_core,
    )

    truth, prediction = _write(folder, num_images)
    true, found = json.loads(truth.read_text()), json.loads(prediction.read_text())
    categories = {row["id"]: row for row in true["categories"]}
    pairs = list(zip(true["annotations"], found["annotations"], strict=True))
    folders = truth.with_suffix(""), prediction.with_suffix("")
    stat = pq_compute_single_core(0, pairs, *folders, categories, "boundary", 0.02)
    theirs = {}
    for name, kind in (("All", None), ("Things", True), ("Stuff", False)):
        theirs[name], rows = stat.pq_average(categories, isthing=kind)
        theirs.setdefault("per_class", rows)
    report = evaluate_folders(truth, prediction, request=Request(("boundary",)))
    return _largest(report.to_json()["boundary"], theirs)


def _cityscapes_folder(folder: Path, num_images: int) -> Path:
    for n in range(num_images):
        path = folder / "gtFine" / "val" / "bonn" / f"bonn_{n:06d}_000019_gtFine_instanceIds.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(_truth(n).astype(np.uint16)).save(path)
    return folder


def _cityscapes_converter(folder: Path, num_images: int) -> str:
    from cityscapesscripts.preparation.createPanopticImgs import (  # pyright: ignore[reportMissingImports]
        convert2panoptic,
    )

    source = _cityscapes_folder(folder / "in", num_images)
    differences = 0
    for train_ids, format, suffix in ((False, "cityscapes", ""), (True, "cityscapes-train-ids", "_trainId")):
        convert2panoptic(str(source / "gtFine"), str(folder), train_ids, ["val"])
        out = convert(format, str(source), str(folder / format)) / "val"
        theirs, ours = (
            json.loads(path.read_text())
            for path in (folder / f"cityscapes_panoptic_val{suffix}.json", out / "panoptic.json")
        )
        keep = ("id", "category_id", "area", "bbox", "iscrowd")
        for row in ours["annotations"]:
            row["segments_info"] = [{key: one[key] for key in keep} for one in row["segments_info"]]
        differences += ours["annotations"] != theirs["annotations"]
        differences += ours["images"] != theirs["images"]
        rows = [
            {key: one[key] for key in ("id", "name", "isthing")} | {"color": list(one["color"])}
            for one in theirs["categories"]
        ]
        differences += ours["categories"] != rows
        for row in theirs["annotations"]:
            first = np.asarray(Image.open(folder / f"cityscapes_panoptic_val{suffix}" / row["file_name"]))
            second = np.asarray(Image.open(out / "panoptic" / row["file_name"]))
            differences += not np.array_equal(first, second)
    return f"{differences} files differ"


def _cityscapes_ap(folder: Path, num_images: int) -> str:
    source = _cityscapes_folder(folder, num_images)
    os.environ["CITYSCAPES_DATASET"] = str(source)
    from cityscapesscripts.evaluation import (  # pyright: ignore[reportMissingImports]
        evalInstanceLevelSemanticLabeling as official,  # noqa: N813
    )

    precision = CityscapesAP(CITYSCAPES)
    lists = [], []
    for n in range(num_images):
        found = _found(n)
        precision.update(found, map_of_instance_ids(_truth(n), every_label=False))
        path = folder / "results" / f"{n}.txt"
        path.parent.mkdir(exist_ok=True)
        rows = []
        for segment in found.segments:
            Image.fromarray(found.mask(segment.id).astype(np.uint8) * 255).save(
                path.with_name(f"{n}_{segment.id}.png")
            )
            rows.append(f"{n}_{segment.id}.png {segment.category_id} {segment.score}")
        path.write_text("\n".join(rows) + "\n")
        lists[0].append(str(path))
        lists[1].append(
            str(source / "gtFine" / "val" / "bonn" / f"bonn_{n:06d}_000019_gtFine_instanceIds.png")
        )
    np.in1d = np.isin  # type: ignore[attr-defined]  # the official script calls what NumPy no longer has
    official.writeDict2JSON = lambda *_: None  # nor can it write NumPy's numbers
    official.args.quiet = True
    official.args.predictionPath = str(folder)
    official.args.JSONOutput = False
    official.args.distanceAvailable = False
    official.args.gtInstancesFile = str(folder / "instances.json")
    official.setInstanceLabels(official.args)
    theirs = official.evaluateImgLists(*lists, official.args)["averages"]
    ours = precision.compute()
    names = {row.id: row.name for row in CITYSCAPES}
    pairs = [(ours.ap, theirs["allAp"]), (ours.ap50, theirs["allAp50%"])]
    for id, (ap, ap50) in ours.per_category.items():
        row = theirs["classes"][names[id]]
        pairs += [(ap, row["ap"]), (ap50, row["ap50%"])]
    return f"{max(abs(a - b) for a, b in pairs):.1e} (AP {100 * ours.ap:.1f})"


def _supervision(folder: Path, num_images: int) -> str:
    maps = [_found(n).renumbered() for n in range(num_images)]
    back = [from_supervision(to_supervision(one, CITYSCAPES), CITYSCAPES) for one in maps]
    wrong = sum(
        not np.array_equal(one.semantic(CITYSCAPES), other.semantic(CITYSCAPES))
        for one, other in zip(maps, back, strict=True)
    )
    coco = read_coco(_write(folder, num_images)[0])
    wrong += sum(
        from_supervision(to_supervision(one, CITYSCAPES), CITYSCAPES).ids.tolist()
        != one.renumbered().ids.tolist()
        for one in (read_map(record, folder / "truth") for record in coco.records)
    )
    return f"{wrong} of {2 * num_images} maps differ"


if __name__ == "__main__":
    main()
