"""Label images: one whole number a pixel, 0 for background; 8 to 32-bit PNG or TIFF, one page or many."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Int, Int64
from PIL import Image, ImageSequence

from intarsia._check import fail
from intarsia.formats.source import SourceMap, SourcePart
from intarsia.panoptic import Categories, Category, PanopticMap, Segment

SUFFIXES = (".png", ".tif", ".tiff")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp")
OBJECT = Category(1, "object", True, (235, 90, 90))


def read_labels(path: str | Path) -> list[Int64[np.ndarray, "h w"]]:
    """The pages of a label image.

    Raises:
        ValueError: The file cannot be read, or its pixels are no whole numbers from 0.
    """
    try:
        with Image.open(path) as image:
            pages = [(page.mode, np.asarray(page)) for page in ImageSequence.Iterator(image)]
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        fail(str(path), "a readable label image", f"{type(error).__name__}: {error}")
    for mode, page in pages:
        whole = page.ndim == 2 and bool((page == np.floor(page)).all()) and float(page.min()) >= 0
        if mode == "P" or not whole:
            fail(str(path), "a label image of one whole number from 0 a pixel", f"mode {mode}")
    return [page.astype(np.int64) for _, page in pages]


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
    semantic: np.ndarray, instances: np.ndarray, *, void: int = 255
) -> PanopticMap:
    """The map of two images: category ids, and instance numbers that are told apart within a category.

    Args:
        semantic: The category id of each pixel, (h, w) whole numbers.
        instances: A number for each pixel; 0 on stuff.
        void: The value of `semantic` that means no category.

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
    segments = [Segment(int(n), int(k)) for n, k in zip(number[shown], found[shown, 0], strict=True)]
    return PanopticMap(number[inverse.ravel()].reshape(semantic.shape), segments)


def read_label_folder(source: str | Path) -> list[SourcePart]:
    """Label images of one category "object": one file (pages are images), or a folder with `images/` beside.

    Raises:
        ValueError: There is no label image.
    """
    source = Path(source)
    labels = source / "labels" if (source / "labels").is_dir() else source
    files = (
        [labels] if labels.is_file() else sorted(p for p in labels.glob("*") if p.suffix.lower() in SUFFIXES)
    )
    if not files or not labels.exists():
        fail(str(source), f"a label image or a folder of them ({', '.join(SUFFIXES)})", "none")
    images = {p.stem: p for p in (source / "images").glob("*") if p.suffix.lower() in IMAGE_SUFFIXES}
    maps = []
    for path in files:
        num_pages = _num_pages(path)
        for page in range(num_pages):
            name = path.stem if num_pages == 1 else f"{path.stem}_{page:04d}"
            image = images.get(path.stem) if num_pages == 1 else None
            image_file = image.name if image else f"{name}.png"
            maps.append(SourceMap(name, image_file, f"{name}.png", image, partial(_read_page, path, page)))
    return [SourcePart("", Categories([OBJECT]), tuple(maps))]


def _read_page(path: Path, page: int) -> PanopticMap:
    return map_of_labels(read_labels(path)[page])


def _num_pages(path: Path) -> int:
    try:
        with Image.open(path) as image:
            return getattr(image, "n_frames", 1)
    except (OSError, SyntaxError, ValueError):
        return 1  # reading it will say what is wrong
