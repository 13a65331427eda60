"""`intarsia evaluate --report`: one HTML page that holds everything, to be opened anywhere."""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from intarsia._check import fail
from intarsia.formats.png import read_ids
from intarsia.metrics.annotations import MapAnnotation
from intarsia.metrics.error_breakdown import FATES, ErrorBreakdown, fates
from intarsia.metrics.folders import MapPair, read_pairs
from intarsia.metrics.matching import Matching, Overlap, match
from intarsia.metrics.quality_report import GroupQuality, QualityReport
from intarsia.panoptic import Categories

NUM_WORST = 12
NUM_BINS = 10
SIDE_PX = 480
FATE_COLORS = {
    "matched": (96, 160, 110),
    "missed": (214, 69, 65),
    "merged": (155, 89, 182),
    "split": (66, 135, 245),
    "wrong category": (243, 156, 18),
    "spurious": (70, 45, 45),
}


@dataclass(frozen=True, slots=True)
class _Judged:
    """One image: its own PQ over all its segments, and what the drawing needs."""

    quality: float
    pair: MapPair
    num_wrong: int


def write_report(
    folder: str | Path,
    report: QualityReport,
    truth: str | Path,
    prediction: str | Path,
    *,
    truth_dir: str | Path | None = None,
    prediction_dir: str | Path | None = None,
    workers: int = 1,
) -> Path:
    """Write `index.html`: summary, categories, errors, IoU of the matches, and the worst images.

    Args:
        folder: Made if absent.
        report: What the evaluation gave.
        truth: JSON of the truth.
        prediction: JSON of the predictions.
        truth_dir: Folder of PNGs, as for `evaluate_folders`.
        prediction_dir: Likewise.
        workers: How many images to read at once.

    Raises:
        ValueError: The folder cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(str(folder), "a folder to write to", error.strerror or str(error))
    pairs = read_pairs(truth, prediction, truth_dir=truth_dir, prediction_dir=prediction_dir)
    errors, ious, judged = ErrorBreakdown(pairs.categories), [], []
    for pair, overlap in pairs.overlaps(workers=workers):
        if isinstance(overlap, Overlap):
            matching = match(overlap)
            errors.add(overlap)
            ious.append(matching.iou)
            num_wrong = len(matching.missed) + len(matching.spurious)
            judged.append(_Judged(_image_quality(matching), pair, num_wrong))
    worst = sorted(judged, key=lambda one: (one.quality, -one.num_wrong))[:NUM_WORST]
    parts = [
        _summary(report),
        _errors(errors),
        _categories(report),
        _histogram(np.concatenate(ious) if ious else np.zeros(0)),
        _key(),
        *(_image(one, pairs.categories) for one in worst if one.num_wrong),
    ]
    title = f"Panoptic quality: {Path(prediction).name} against {Path(truth).name}"
    page = folder / "index.html"
    partial = folder / "index.html.partial"
    partial.write_text(_page(title, parts), encoding="utf-8")
    partial.replace(page)
    return page


def _image_quality(matching: Matching) -> float:
    """PQ of one image with all segments in one pool; 1 where there is nothing to find."""
    wrong = len(matching.missed) + len(matching.spurious)
    counted = len(matching.iou) + wrong / 2
    return float(matching.iou.sum()) / counted if counted else 1.0


def _page(title: str, parts: Iterable[str]) -> str:
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    name = html.escape(title)
    style = (resources.files("intarsia") / "engine" / "report.css").read_text()
    return (
        f'<!doctype html><html lang="en"><head>{head}<title>{name}</title><style>{style}</style></head>'
        f"<body><h1>{name}</h1>{''.join(parts)}</body></html>\n"
    )


def _summary(report: QualityReport) -> str:
    rows = (("All", report.all), ("Things", report.things), ("Stuff", report.stuff))
    body = "".join(f"<tr><td>{name}</td>{_cells(group)}</tr>" for name, group in rows)
    remarks = "".join(f"<p>{html.escape(remark)}</p>" for remark in report.remarks)
    head = "".join(f"<th>{name}</th>" for name in ("", "PQ", "SQ", "RQ", "categories"))
    return f"<table><tr>{head}</tr>{body}</table>{remarks}"


def _cells(group: GroupQuality) -> str:
    values = (group.pq, group.sq, group.rq)
    shown = ["–" if math.isnan(value) else f"{100 * value:.1f}" for value in values]
    return "".join(f"<td>{value}</td>" for value in [*shown, str(group.n)])


def _errors(errors: ErrorBreakdown) -> str:
    counts = errors.compute()
    most = max([*counts.values(), 1])
    rows = [_bar(fate, counts[fate] / most, str(counts[fate]), FATE_COLORS[fate]) for fate in FATES]
    return f"<h2>What became of the segments</h2>{''.join(rows)}"


def _categories(report: QualityReport) -> str:
    present = sorted((row for row in report.per_category.values() if row.present), key=lambda row: -row.pq)
    rows = [_bar(r.category.name, r.pq, f"{100 * r.pq:.1f}", r.category.color) for r in present]
    return f"<h2>PQ by category</h2>{''.join(rows)}"


def _bar(name: str, share: float, text: str, color: tuple[int, int, int]) -> str:
    fill = f'<i style="width:{100 * share:.1f}%;background:{_css(color)}"></i>'
    return (
        f'<div class="row"><b>{html.escape(name)}</b><div class="bar">{fill}</div><span>{text}</span></div>'
    )


def _histogram(iou: np.ndarray) -> str:
    counts = np.histogram(iou, bins=NUM_BINS, range=(0.5, 1.0))[0]
    most = max(int(counts.max()), 1)
    bars = "".join(f'<div style="height:{100 * n / most:.0f}%" title="{n}"></div>' for n in counts)
    axis = '<div class="axis"><span>0.5</span><span>0.75</span><span>1.0</span></div>'
    return f'<h2>IoU of {len(iou)} matches</h2><div class="bins">{bars}</div>{axis}'


def _key() -> str:
    spans = [f'<span><i style="background:{_css(FATE_COLORS[fate])}"></i>{fate}</span>' for fate in FATES]
    return f'<h2>The worst images</h2><p class="key">{"".join(spans)}</p>'


def _image(one: _Judged, categories: Categories) -> str:
    true, found = read_ids(one.pair.truth.path), read_ids(one.pair.prediction.path)
    pictures = {
        "truth": _colored(true, one.pair.truth, categories),
        "prediction": _colored(found, one.pair.prediction, categories),
        "errors": _error_map(true, found, one.pair),
    }
    figures = "".join(
        f'<figure><img alt="{name}" src="{_embedded(picture)}"><figcaption>{name}</figcaption></figure>'
        for name, picture in pictures.items()
    )
    name = html.escape(one.pair.truth.path.name)
    return f'<h3>{name}: {100 * one.quality:.1f}</h3><div class="three">{figures}</div>'


def _colored(ids: np.ndarray, shown: MapAnnotation, categories: Categories) -> UInt8[np.ndarray, "h w 3"]:
    """Colours of categories, darker at the borders of segments; void is white."""
    palette = np.array([row.color for row in categories] + [(255, 255, 255)], np.uint8)
    return _with_borders(palette[_index(ids, shown)], ids)


def _index(ids: np.ndarray, shown: MapAnnotation) -> np.ndarray:
    row = shown.segments.row_of(ids.ravel().astype(np.int64))
    index = np.append(shown.segments.category_index, [-1, -1])[row]  # -2 and -1 are the last two
    return index.reshape(ids.shape)


def _error_map(true: np.ndarray, found: np.ndarray, pair: MapPair) -> UInt8[np.ndarray, "h w 3"]:
    """The fate of the truth segment at each pixel; spurious predictions striped over it."""
    overlap = _overlap(true, found, pair)
    of_truth, of_prediction = fates(overlap, match(overlap))
    palette = np.array([*FATE_COLORS.values(), (255, 255, 255)], np.uint8)
    blank = len(FATES)
    fate = np.append(np.where(of_truth < 0, blank, of_truth), [blank, blank])
    picture = palette[fate[overlap.truth.row_of(true.ravel().astype(np.int64))]].reshape(*true.shape, 3)
    wrong = np.append(of_prediction == FATES.index("spurious"), [False, False])
    spurious = wrong[overlap.prediction.row_of(found.ravel().astype(np.int64))].reshape(true.shape)
    stripes = np.add.outer(np.arange(true.shape[0]), np.arange(true.shape[1])) // 4 % 2 == 0
    picture[spurious & stripes] = FATE_COLORS["spurious"]
    return _with_borders(picture, true)


def _overlap(true: np.ndarray, found: np.ndarray, pair: MapPair) -> Overlap:
    from intarsia import _native

    counts = _native.count_id_pairs(true.ravel(), found.ravel())
    return Overlap.of_pairs(counts, prediction=pair.prediction.segments, truth=pair.truth.segments)


def _with_borders(picture: np.ndarray, ids: np.ndarray) -> UInt8[np.ndarray, "h w 3"]:
    border = np.zeros(ids.shape, bool)
    border[1:] |= ids[1:] != ids[:-1]
    border[:, 1:] |= ids[:, 1:] != ids[:, :-1]
    return np.where(border[..., None], picture // 3, picture).astype(np.uint8)


def _embedded(picture: UInt8[np.ndarray, "h w 3"]) -> str:
    image = Image.fromarray(picture)
    image.thumbnail((SIDE_PX, SIDE_PX))
    out = io.BytesIO()
    image.quantize(64).save(out, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def _css(color: Sequence[int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in color)
