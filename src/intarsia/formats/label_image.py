"""Label images: one whole number a pixel, 0 for background; 8 to 32-bit PNG or TIFF, one page or many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, Int64
from PIL import Image

from intarsia._check import fail
from intarsia.formats.category_map import FILE_NAME, OBJECT, CategoryMap, read_category_map
from intarsia.formats.json_file import naming, write_json
from intarsia.formats.source import SourceMap, SourcePart, Target, copy_image, write_values
from intarsia.panoptic import Categories, PanopticMap, Segment

SUFFIXES = (".png", ".tif", ".tiff")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp")


def read_labels(path: str | Path) -> list[Int64[np.ndarray, "h w"]]:
    """The pages of a label image. An RGBA picture is one of 32 bits, R + 256 G + 65536 B + 2^24 A.

    Raises:
        ValueError: The file cannot be read, or its pixels are no whole numbers from 0.
    """
    return [read_page(path, page) for page in range(max(num_pages(path), 1))]


def num_pages(path: str | Path) -> int:
    """How many pages a label image has; 1 where only reading it will say what is wrong with it."""
    try:
        with Image.open(path) as image:
            return getattr(image, "n_frames", 1)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return 1


def read_page(path: str | Path, page: int) -> Int64[np.ndarray, "h w"]:
    """One page of a label image; the others are not decoded.

    Raises:
        ValueError: As `read_labels`.
    """
    try:
        with Image.open(path) as image:
            image.seek(page)
            mode, values = image.mode, np.asarray(image)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        fail(str(path), "a readable label image", f"{type(error).__name__}: {error}")
    if mode == "RGBA":
        mode, values = "32 bits", _from_four_bytes(values)
    whole = values.ndim == 2 and bool((values == np.floor(values)).all()) and float(values.min()) >= 0
    if mode == "P" or not whole or float(values.max()) >= 1 << 31:
        fail(str(path), "a label image of one whole number from 0 a pixel", f"mode {mode}")
    return values.astype(np.int64)


def _from_four_bytes(page: np.ndarray) -> Int64[np.ndarray, "h w"]:
    return np.ascontiguousarray(page).view("<u4")[..., 0].astype(np.int64)


def map_of_labels(
    labels: Int[np.ndarray, "h w"], category_of_label: Mapping[int, int] | int = OBJECT.id
) -> PanopticMap:
    """The map of a label image: each label but 0 is a segment.

    Args:
        labels: 0 is background, which becomes void.
        category_of_label: One category for all, or that of each label.

    Raises:
        ValueError: A label has no category.

    Example:
        >>> map_of_labels(np.array([[0, 7], [7, 9]])).segments[1]
        Segment(id=9, category_id=1, score=1.0, is_crowd=False)
    """
    shown = [id for id in np.unique(labels).tolist() if id != 0]
    if isinstance(category_of_label, int):
        return PanopticMap(labels, [Segment(id, category_of_label) for id in shown])
    for id in shown:
        if id not in category_of_label:
            fail("category_of_label", "a category for every label", f"none for {id}")
    return PanopticMap(labels, [Segment(id, category_of_label[id]) for id in shown])


def map_of_semantic_and_instances(
    semantic: np.ndarray, instances: np.ndarray, *, void: int = 255, categories: Categories | None = None
) -> PanopticMap:
    """The map of two images: category ids, and instance numbers that are told apart within a category.

    Args:
        semantic: The category id of each pixel, (h, w) whole numbers.
        instances: A number for each pixel; 0 on stuff.
        void: The value of `semantic` that means no category.
        categories: If given, things of number 0 are crowds.

    Example:
        >>> one = map_of_semantic_and_instances(np.array([[3, 3, 6, 255]]), np.array([[1, 2, 0, 0]]))
        >>> one.ids.tolist(), [segment.category_id for segment in one.segments]
        ([[1, 2, 3, 0]], [3, 3, 6])
    """
    if semantic.shape != instances.shape:
        fail("instances", f"of shape {semantic.shape} as `semantic`", instances.shape)
    pairs = np.stack([semantic, instances], axis=-1).reshape(-1, 2)
    found, inverse = np.unique(pairs, axis=0, return_inverse=True)
    shown = found[:, 0] != void
    number = np.where(shown, np.cumsum(shown), 0)
    things = set() if categories is None else {row.id for row in categories.things}
    rows = zip(number[shown].tolist(), found[shown].tolist(), strict=True)
    segments = [Segment(n, k, is_crowd=k in things and part == 0) for n, (k, part) in rows]
    return PanopticMap(number[inverse.ravel()].reshape(semantic.shape), segments)


def read_label_folder(source: str | Path, *, category_map: str | Path | None = None) -> list[SourcePart]:
    """Label images: one file (pages are images), or a folder, perhaps `labels/` with `images/` beside.

    Args:
        source: The file or folder; a folder may have `train/` and `val/` of that shape.
        category_map: What each label is; by default `category_map.json` in the folder, and without one every
            label is an "object".

    Raises:
        ValueError: There is no label image, or the category map is broken.
    """
    source = Path(source)
    places = [
        (name, source / name) for name in ("train", "val", "test") if (source / name / "labels").is_dir()
    ]
    return [_part(name, place, category_map) for name, place in places or [("", source)]]


def write_map(root: Path, part: SourcePart, one: SourceMap, panoptic_map: PanopticMap) -> dict[str, Any]:
    """Write label image and photo of one image; its ids are the labels."""
    folder = root / part.name
    write_values(folder / "labels" / f"{one.name}.png", panoptic_map.ids)
    copy_image(one, folder / "images" / f"{one.name}{Path(one.image_file).suffix or '.png'}")
    return row_of(one, panoptic_map)


def row_of(one: SourceMap, panoptic_map: PanopticMap) -> dict[str, Any]:
    """What a category map says of one image whose labels are its ids."""
    crowds = [segment.id for segment in panoptic_map.segments if segment.is_crowd]
    labels = {str(segment.id): segment.category_id for segment in panoptic_map.segments}
    return {"name": one.name, "labels": labels, "crowds": crowds}


def category_map_of(part: SourcePart, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The category map of all images of a part."""
    return {
        "categories": part.categories.to_coco(),
        "images": {row["name"]: row["labels"] for row in rows},
        "crowds": {row["name"]: row["crowds"] for row in rows if row["crowds"]},
    }


def write_category_map(root: Path, part: SourcePart, rows: Sequence[dict[str, Any]]) -> None:
    """Write `category_map.json`."""
    write_json(root / part.name / FILE_NAME, category_map_of(part, rows))


TARGET = Target(write_map, write_category_map, read_label_folder)


def _part(name: str, source: Path, category_map: str | Path | None) -> SourcePart:
    labels = source / "labels" if (source / "labels").is_dir() else source
    files = (
        [labels] if labels.is_file() else sorted(p for p in labels.glob("*") if p.suffix.lower() in SUFFIXES)
    )
    if not files or not labels.exists():
        fail(str(source), f"a label image or a folder of them ({', '.join(SUFFIXES)})", "none")
    if category_map is None and (source / FILE_NAME).is_file():
        category_map = source / FILE_NAME
    known = None if category_map is None else read_category_map(category_map)
    images = {p.stem: p for p in (source / "images").glob("*") if p.suffix.lower() in IMAGE_SUFFIXES}
    maps = [one for path in files for one in _pages(path, images, known)]
    return SourcePart(name, Categories([OBJECT]) if known is None else known.categories, tuple(maps))


def _pages(path: Path, images: Mapping[str, Path], known: CategoryMap | None) -> Iterator[SourceMap]:
    for page, name in enumerate(_page_names(path, known)):
        shown = images.get(name)
        image_file = shown.name if shown else f"{name}.png"
        yield SourceMap(name, image_file, f"{name}.png", shown, partial(_read_page, path, page, name, known))


def _page_names(path: Path, known: CategoryMap | None) -> Sequence[str]:
    count = num_pages(path)
    if known is not None and path.stem in known.pages:
        names = known.pages[path.stem]
        if len(names) != count:
            fail(str(path), f"of {len(names)} pages as its category map names", count)
        return names
    return [path.stem] if count == 1 else [f"{path.stem}_{page:04d}" for page in range(count)]


def _read_page(path: Path, page: int, name: str, known: CategoryMap | None) -> PanopticMap:
    labels = read_page(path, page)
    if known is None:
        return map_of_labels(labels)
    with naming(path):
        one = map_of_labels(labels, known.of_image(name))
    crowds = known.crowds.get(name, frozenset())
    return PanopticMap(one.ids, (replace(s, is_crowd=s.id in crowds) for s in one.segments))
