"""`intarsia evaluate`: exact panoptic quality of predictions on disk. Starts without torch."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Any

from intarsia._check import PartialFailure, fail
from intarsia.engine.report import write_report
from intarsia.metrics.folders import evaluate_folders
from intarsia.metrics.quality_report import QualityReport


def evaluate(
    truth: str | Path,
    prediction: str | Path,
    *,
    truth_dir: str | Path | None = None,
    prediction_dir: str | Path | None = None,
    workers: int = 1,
    json: str | Path | None = None,
    report: str | Path | None = None,
) -> QualityReport:
    """Evaluate predictions of any system against the truth, both in COCO panoptic format; print a table.

    Args:
        truth: JSON of the truth; its categories and images are the ones evaluated.
        prediction: JSON of the predictions.
        truth_dir: Folder of the truth's PNGs; by default the JSON's name without `.json`.
        prediction_dir: Folder of the predictions' PNGs; likewise.
        workers: How many images to read at once.
        json: Also write the numbers to this file, in fractions.
        report: Also write an HTML page with the worst images to this folder.

    Raises:
        ValueError: As `intarsia.metrics.evaluate_folders`, or `json` cannot be written.
        PartialFailure: Some PNGs could not be read; all else is done, and `result` is the report.
    """
    out = None if json is None else _writable(Path(json))
    broken: PartialFailure | None = None
    try:
        quality = evaluate_folders(
            truth, prediction, truth_dir=truth_dir, prediction_dir=prediction_dir, workers=workers
        )
    except PartialFailure as failure:
        broken, quality = failure, failure.result
    if out is not None:
        _write(out, quality, broken)
    if report is not None:
        folders = {"truth_dir": truth_dir, "prediction_dir": prediction_dir}
        write_report(report, quality, truth, prediction, workers=workers, **folders)
    _print(quality)
    if broken is not None:
        raise broken
    return quality


def _writable(path: Path) -> Path:
    if path.is_dir() or not path.parent.is_dir():
        fail(str(path), "a file in an existing folder", "a folder" if path.is_dir() else f"no {path.parent}")
    return path


def _write(path: Path, report: QualityReport, broken: PartialFailure | None) -> None:
    content: dict[str, Any] = report.to_json()
    if broken is not None:
        content["failed"] = list(broken.sentences)
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(json_text.dumps(content, indent=2) + "\n")
        partial.replace(path)
    except OSError as error:
        fail(str(path), "a writable file", error.strerror or str(error))


def _print(report: QualityReport) -> None:
    from rich.console import Console

    console = Console()
    console.print(report)
    for remark in report.remarks:
        console.print(remark, markup=False, highlight=False)
