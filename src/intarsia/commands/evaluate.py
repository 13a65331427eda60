"""`intarsia evaluate`: exact panoptic quality of predictions on disk. Starts without torch."""

from __future__ import annotations

import json as json_text
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from intarsia._check import fail
from intarsia._files import whole
from intarsia.categories import Categories
from intarsia.commands.cluster import Cluster, ClusterAddress
from intarsia.commands.report import title_of, write_report
from intarsia.errors import InputError, PartialFailure
from intarsia.formats.as_coco import CocoFiles, as_coco
from intarsia.metrics.folders import Each, evaluate_folders, read_pairs
from intarsia.metrics.measures import Request
from intarsia.metrics.pair_sums import PairSum
from intarsia.metrics.pairing import MapPairs
from intarsia.metrics.quality_report import QualityReport

Measure = Literal[
    "iou", "boundary", "mask-ap", "box-ap", "cityscapes-ap", "errors", "histogram", "leaf", "images", "scores"
]


def evaluate(
    truth: str | Path,
    prediction: str | Path,
    *,
    truth_dir: str | Path | None = None,
    prediction_dir: str | Path | None = None,
    also: tuple[Measure, ...] = (),
    min_stuff_px: int = 0,
    boundary_ratio: float = 0.02,
    workers: int | None = None,
    cluster: ClusterAddress = None,
    json: str | Path | None = None,
    per_image: str | Path | None = None,
    report: str | Path | None = None,
    images: str | Path | None = None,
) -> QualityReport:
    """Evaluate predictions of any system against the truth; print a table.

    Both are COCO panoptic JSONs, or folders: of COCO panoptic, of label images, or of what else is converted.
    Label images know objects and background: against a truth of one thing category these are that and the
    truth's stuff. Other folders meet the truth by the names of categories, JSONs by their ids.

    Args:
        truth: JSON or folder of the truth; its categories and images are the ones evaluated.
        prediction: JSON or folder of the predictions.
        truth_dir: Folder of the truth's PNGs; by default the JSON's name without `.json`.
        prediction_dir: Folder of the predictions' PNGs; likewise.
        also: Other metrics to measure in the same pass.
        min_stuff_px: Predicted stuff segments of fewer pixels become void first (COCO: 4096); 0 leaves maps
            as they are.
        boundary_ratio: Of boundary PQ: distance in diagonals (COCO: 0.02, Cityscapes: 0.005).
        workers: How many images to read at once, by default 1; on a cluster how many processes do, by
            default one each core.
        cluster: Work on a Ray cluster, whose machines all see the folders: HOST:PORT, or "local" for one on
            this machine. Alone: the cluster that this machine is part of, or else one on this machine. Other
            formats than COCO panoptic are converted first, on this machine: "local" alone takes them.
        json: Also write the numbers to this file, in fractions.
        per_image: Also write a row for each image to this file, `.csv` or `.json`.
        report: Also write an HTML page with the worst images to this folder.
        images: Folder of the photos for the report; by default `images`, where it is beside the PNGs.

    Raises:
        ValueError: As `intarsia.metrics.evaluate_folders`, or an output cannot be written.
        PartialFailure: Some PNGs could not be read; all else is done, and `result` is the report.
    """
    # what cannot be written is refused before anything is read
    outputs = [_writable(Path(path)) for path in (json, per_image) if path is not None]
    needed = {"images": per_image or report, "errors": report, "histogram": report}
    wanted = dict.fromkeys([*also, *(name for name, needs in needed.items() if needs)])
    request = Request(tuple(wanted), boundary_ratio=boundary_ratio, min_stuff_px=min_stuff_px)
    broken: PartialFailure | None = None
    # other formats stand as COCO panoptic for as long as they are read
    with ExitStack() as stack:
        coco_of = partial(
            as_coco,
            workers=workers or 1,
            read_elsewhere=cluster not in (None, "local"),
        )
        true = stack.enter_context(coco_of(truth, folder=truth_dir))
        truth_categories = _categories(true.json_path)
        predicted = stack.enter_context(coco_of(prediction, folder=prediction_dir, truth=truth_categories))
        try:
            each = None if cluster is None else partial(_on_cluster, Cluster(cluster, workers))
            quality = _quality_of(true, predicted, request, workers=workers or 1, each=each)
        except PartialFailure as failure:
            broken, quality = failure, failure.result
        # what only the report needs is not returned
        everything, quality = quality, replace(quality, also={name: quality.also[name] for name in also})
        if report is not None:
            pairs = _pairs_of(true, predicted)
            title = title_of(truth, prediction, num_images=len(pairs.images))
            write_report(report, everything, pairs, images=images, title=title)
    # numbers of what could be read are written even if some images are broken
    if json is not None:
        _write(outputs[0], _json_of(quality, broken))
    if per_image is not None:
        _write(outputs[-1], _rows_of(everything, outputs[-1]))
    _print(quality)
    if broken is not None:
        raise broken
    return quality


def _quality_of(
    true: CocoFiles, predicted: CocoFiles, request: Request, *, workers: int, each: Each | None
) -> QualityReport:
    """The report, or what is wrong with the files as the user has them."""
    try:
        return evaluate_folders(
            true.json_path,
            predicted.json_path,
            truth_dir=true.folder,
            prediction_dir=predicted.folder,
            problems={**true.problems, **predicted.problems},
            workers=workers,
            request=request,
            each=each,
        )
    except InputError as error:
        raise InputError(true.with_sources(predicted.with_sources(str(error)))) from None


def _pairs_of(true: CocoFiles, predicted: CocoFiles) -> MapPairs:
    return read_pairs(
        true.json_path,
        predicted.json_path,
        truth_dir=true.folder,
        prediction_dir=predicted.folder,
        problems={**true.problems, **predicted.problems},
    )


def _categories(truth_json: Path) -> Categories | None:
    """The truth's categories; what is wrong with them is said where its maps are read."""
    try:
        return Categories.from_coco(truth_json)
    except InputError:
        return None


def _on_cluster(
    cluster: Cluster, function: Callable[[MapPairs], PairSum], groups: Sequence[MapPairs]
) -> Iterator[PairSum]:
    """Measure each group of pairs on a cluster; workers are sent the rows that they need."""
    elsewhere = [group.absolute() for group in groups]
    done = cluster.in_order(
        function, elsewhere, description="evaluating", size=lambda group: len(group.images)
    )
    return (result for _, result in done)


def _writable(path: Path) -> Path:
    if path.is_dir() or not path.parent.is_dir():
        fail(str(path), "a file in an existing folder", "a folder" if path.is_dir() else f"no {path.parent}")
    return path


def _json_of(report: QualityReport, broken: PartialFailure | None) -> str:
    content: dict[str, Any] = report.to_json()
    if broken is not None:
        content["failed"] = list(broken.sentences)
    return json_text.dumps(content, indent=2) + "\n"


def _rows_of(report: QualityReport, path: Path) -> str:
    rows: Any = report.also["images"]
    return rows.to_csv() if path.suffix == ".csv" else json_text.dumps(rows.to_json(), indent=1) + "\n"


def _write(path: Path, content: str) -> None:
    try:
        with whole(path) as partial:
            partial.write_text(content)
    except OSError as error:
        fail(str(path), "a writable file", error.strerror or str(error))


def _print(report: QualityReport) -> None:
    from rich.console import Console

    console = Console()
    console.print(report)
    for remark in report.remarks:
        console.print(remark, markup=False, highlight=False)
