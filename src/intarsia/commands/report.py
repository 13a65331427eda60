"""`intarsia evaluate --report`: one HTML page that holds everything, to be opened anywhere."""

from __future__ import annotations

import base64
import contextlib
import html
import io
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

import intarsia._native as _native
from intarsia._check import fail
from intarsia._files import KEEP_BYTES, whole
from intarsia.errors import InputError
from intarsia.metrics.annotations import MapAnnotation
from intarsia.metrics.error_breakdown import FATES, Fate, fates
from intarsia.metrics.image_table import ImageRow
from intarsia.metrics.match_histogram import HistogramReport
from intarsia.metrics.matching import Overlap, match
from intarsia.metrics.measuring import compare_files
from intarsia.metrics.pairing import MapPair, MapPairs
from intarsia.metrics.quality_report import GroupQuality, QualityReport
from intarsia.metrics.tally import percent
from intarsia.panoptic import Categories
from intarsia.pictures.reading import read_image

NUM_WORST = 12
SIDE_PX = 480
DRAWN = ("errors", "histogram", "images")
FATE_COLORS = {
    "matched": (96, 160, 110),
    "missed": (214, 69, 65),
    "merged": (155, 89, 182),
    "split": (66, 135, 245),
    "wrong category": (243, 156, 18),
    "spurious": (70, 45, 45),
}


def write_report(
    folder: str | Path,
    report: QualityReport,
    pairs: MapPairs,
    *,
    title: str,
    images: str | Path | None = None,
) -> Path:
    """Write `index.html`: summary, categories, errors, IoU of the matches, and the worst images.

    Args:
        folder: Made if absent.
        report: What the evaluation gave; with "errors", "histogram" and "images" among `also`.
        pairs: What was evaluated: the worst images are read again.
        title: What was evaluated, in words.
        images: Folder of the photos; by default `images` beside the truth's maps, where it is.

    Raises:
        ValueError: The folder cannot be written, or there is no folder `images`.
    """
    folder = Path(folder)
    if images is not None and not Path(images).is_dir():
        fail(str(images), "a folder of images", "no such folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(str(folder), "a folder to write to", error.strerror or str(error))
    # the worst images, with what went wrong in each
    also: Any = report.also
    by_name = {pair.truth.name: pair for pair in pairs.images}
    worst = also["images"].worst(NUM_WORST)
    parts = [
        _summary(report),
        _others(report),
        _errors(also["errors"].counts),
        _categories(report, also["histogram"]),
        _key(),
        *(_image(row, by_name[row.image], pairs.categories, photos=images) for row in worst),
    ]
    # one file without anything from elsewhere
    page = folder / "index.html"
    with whole(page) as partial:
        partial.write_text(_page(title, parts), encoding="utf-8", errors=KEEP_BYTES)
    return page


def title_of(truth: str | Path, prediction: str | Path, *, num_images: int) -> str:
    """What was compared, in words: names of data sets where the files are all called panoptic.json.

    Example:
        >>> title_of("facades/val/panoptic.json", "out/panoptic.json", num_images=20)
        'Panoptic quality of out on the 20 images of facades/val'
    """
    of, on = _short_names(Path(prediction), Path(truth))
    images = "the image" if num_images == 1 else f"the {num_images} images"
    return f"Panoptic quality of {of} on {images} of {on}"


def _short_names(*paths: Path) -> list[str]:
    """The last parts of the paths, without `panoptic.json`; longer where two are alike."""
    full = [path.resolve() for path in paths]
    named = [path.parent if path.name == "panoptic.json" else path.with_suffix("") for path in full]
    bare = [path.parts[1:] for path in named]
    least = [2 if path.name in ("train", "val", "test") else 1 for path in named]
    for more in range(max(map(len, bare))):
        names = ["/".join(parts[-n - more :]) for parts, n in zip(bare, least, strict=True)]
        if len(set(names)) == len(names):
            return names
    return ["/".join(parts) for parts in bare]


def _page(title: str, parts: Iterable[str]) -> str:
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    name = html.escape(title)
    style = (resources.files("intarsia") / "commands" / "report.css").read_text()
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
    return "".join(f"<td>{value}</td>" for value in [*map(percent, values), str(group.n)])


def _others(report: QualityReport) -> str:
    """The other metrics that were asked for, beside those that the page shows as pictures."""
    rows = [
        f"<tr><td>{metric}</td><td>{html.escape(name)}</td><td>{value}</td></tr>"
        for metric, tally_report in report.also.items()
        if metric not in DRAWN
        for name, value in tally_report.summary().items()
    ]
    return f"<h2>Other metrics</h2><table class='others'>{''.join(rows)}</table>" if rows else ""


def _errors(counts: dict[Fate, int]) -> str:
    most = max([*counts.values(), 1])
    rows = [_bar(fate, counts[fate] / most, str(counts[fate]), FATE_COLORS[fate]) for fate in FATES]
    return f"<h2>What became of the segments</h2>{''.join(rows)}"


def _categories(report: QualityReport, histogram: HistogramReport) -> str:
    """A bar and a histogram a category; the histograms of all categories have their own heights."""
    present = sorted((row for row in report.per_category.values() if row.present), key=lambda row: -row.pq)
    rows = [
        _bar(
            row.category.name,
            row.pq,
            f"{100 * row.pq:.1f}",
            row.category.color,
            extra=_histogram(histogram.per_category[row.category.id], row.category.color),
        )
        for row in present
    ]
    whole = f'<div class="whole">{_histogram(histogram.total, (66, 135, 245))}</div>'
    axis = '<div class="axis"><span>0.5</span><span>0.75</span><span>1.0</span></div>'
    return (
        f"<h2>IoU of {int(histogram.total.sum())} matches</h2>{whole}{axis}"
        f"<h2>PQ by category, and the IoU of its matches from 0.5 to 1</h2>{''.join(rows)}"
    )


def _bar(name: str, share: float, text: str, color: tuple[int, int, int], *, extra: str = "") -> str:
    fill = f'<i style="width:{100 * share:.1f}%;background:{_css(color)}"></i>'
    bar = f'<div class="bar">{fill}</div><span>{text}</span>{extra}'
    return f'<div class="row{" with" if extra else ""}"><b>{html.escape(name)}</b>{bar}</div>'


def _histogram(counts: np.ndarray, color: tuple[int, int, int]) -> str:
    most = max(int(counts.max()), 1)
    bars = "".join(
        f'<i style="height:{100 * n / most:.0f}%;background:{_css(color)}" '
        f'title="{n} matches from {0.5 + k / 20:.2f}"></i>'
        for k, n in enumerate(counts.tolist())
    )
    return f'<div class="bins">{bars}</div>'


def _key() -> str:
    spans = [f'<span><i style="background:{_css(FATE_COLORS[fate])}"></i>{fate}</span>' for fate in FATES]
    return f'<h2>The worst images</h2><p class="key">{"".join(spans)}</p>'


def _image(row: ImageRow, pair: MapPair, categories: Categories, *, photos: str | Path | None) -> str:
    maps = compare_files(pair, with_maps=True).maps
    assert maps is not None
    photo = _photo(pair, photos)
    pictures = {
        **({"photo": photo} if photo is not None else {}),
        "truth": _color(maps.truth, pair.truth, categories),
        "prediction": _color(maps.prediction, pair.prediction, categories),
        "errors": _error_map(maps.truth, maps.prediction, pair),
    }
    figures = "".join(
        f'<figure><img alt="{name}" src="{_data_url(picture, colors=None if name == "photo" else 64)}">'
        f"<figcaption>{name}</figcaption></figure>"
        for name, picture in pictures.items()
    )
    name = html.escape(pair.truth.image_file or pair.truth.path.name)
    counts = f"PQ of this image {100 * row.pq:.1f}: {row.tp} found, {row.fn} missed, {row.fp} spurious"
    return f'<h3>{name}</h3><p>{counts}</p><div class="side n{len(pictures)}">{figures}</div>'


def _photo(pair: MapPair, folder: str | Path | None) -> UInt8[np.ndarray, "h w 3"] | None:
    """The picture of the same name; a report without it is still a report."""
    place = pair.truth.path.parent.parent / "images" if folder is None else Path(folder)
    names = [pair.truth.image_file, *(pair.truth.path.stem + suffix for suffix in (".jpg", ".png"))]
    for path in (place / name for name in names if name):
        with contextlib.suppress(InputError):
            return read_image(path)
    return None


def _color(ids: np.ndarray, shown: MapAnnotation, categories: Categories) -> UInt8[np.ndarray, "h w 3"]:
    """Colours of categories, darker at the borders of segments; void is white."""
    palette = np.array([row.color for row in categories] + [(255, 255, 255)], np.uint8)
    return _with_borders(palette[_index(ids, shown)], ids)


def _index(ids: np.ndarray, shown: MapAnnotation) -> np.ndarray:
    row = shown.segments.row_of(ids.ravel().astype(np.int64))
    index = np.append(shown.segments.category_index, [-1, -1])[row]  # -2 and -1 are the last two
    return index.reshape(ids.shape)


def _error_map(true: np.ndarray, predicted: np.ndarray, pair: MapPair) -> UInt8[np.ndarray, "h w 3"]:
    """The fate of the truth segment at each pixel; spurious predictions striped over it."""
    overlap = _overlap(true, predicted, pair)
    of_truth, of_prediction = fates(overlap, match(overlap))
    palette = np.array([*FATE_COLORS.values(), (255, 255, 255)], np.uint8)
    blank = len(FATES)
    fate = np.append(np.where(of_truth < 0, blank, of_truth), [blank, blank])
    picture = palette[fate[overlap.truth.row_of(true.ravel().astype(np.int64))]].reshape(*true.shape, 3)
    wrong = np.append(of_prediction == FATES.index("spurious"), [False, False])
    spurious = wrong[overlap.prediction.row_of(predicted.ravel().astype(np.int64))].reshape(true.shape)
    stripes = np.add.outer(np.arange(true.shape[0]), np.arange(true.shape[1])) // 4 % 2 == 0
    picture[spurious & stripes] = FATE_COLORS["spurious"]
    return _with_borders(picture, true)


def _overlap(true: np.ndarray, predicted: np.ndarray, pair: MapPair) -> Overlap:
    counts = _native.count_id_pairs(true.ravel(), predicted.ravel())
    return Overlap.of_pairs(counts, prediction=pair.prediction.segments, truth=pair.truth.segments)


def _with_borders(picture: np.ndarray, ids: np.ndarray) -> UInt8[np.ndarray, "h w 3"]:
    border = np.zeros(ids.shape, bool)
    border[1:] |= ids[1:] != ids[:-1]
    border[:, 1:] |= ids[:, 1:] != ids[:, :-1]
    return np.where(border[..., None], picture // 3, picture).astype(np.uint8)


def _data_url(picture: UInt8[np.ndarray, "h w 3"], *, colors: int | None) -> str:
    """As a PNG of few colours, or a JPEG if `colors` is None."""
    image, out = Image.fromarray(picture), io.BytesIO()
    image.thumbnail((SIDE_PX, SIDE_PX))
    if colors is None:
        image.save(out, format="JPEG", quality=80)
    else:
        image.quantize(colors).save(out, format="PNG", optimize=True)
    kind = "jpeg" if colors is None else "png"
    return f"data:image/{kind};base64," + base64.b64encode(out.getvalue()).decode()


def _css(color: Sequence[int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in color)
