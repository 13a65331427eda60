"""Pascal VOC, also as CVAT exports it: `SegmentationClass/` and `SegmentationObject/` of colours."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from intarsia._check import fail
from intarsia._scalars import whole_number
from intarsia.formats.color_png import map_of_keys, read_channels
from intarsia.formats.label_image import BORDER_COLOR
from intarsia.formats.photos import find_photos
from intarsia.formats.source import SourceMap, SourcePart
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["map_of_voc", "read_voc", "voc_categories"]

COLORS_FILE = "labelmap.txt"
PHOTO_SUFFIXES = (".jpg", ".png", ".jpeg")


def read_voc(folder: str | Path) -> list[SourcePart]:
    """The sets of `ImageSets/Segmentation/*.txt`, or all images as one, with photos in `JPEGImages/`.

    The categories are VOC's, or those of CVAT's `labelmap.txt`.

    Raises:
        ValueError: A folder is missing, or a set names no image that is there.
    """
    folder = Path(folder)
    for needed in ("SegmentationClass", "SegmentationObject"):
        if not (folder / needed).is_dir():
            fail(str(folder), "a VOC folder with SegmentationClass/ and SegmentationObject/", f"no {needed}")
    stems = {path.stem for path in (folder / "SegmentationClass").rglob("*.png")}
    sets = {
        path.stem: path.read_text().split()
        for path in sorted((folder / "ImageSets").glob("Segmentation/*.txt"))
    }
    if {"train", "val"} <= sets.keys():
        sets.pop("trainval", None)
    parts = [_part(folder, name, [stem for stem in names if stem in stems]) for name, names in sets.items()]
    parts = [part for part in parts if part.maps] or [_part(folder, "", sorted(stems))]
    if not parts[0].maps:
        fail(str(folder / "SegmentationClass"), "a folder of PNGs", "none")
    return parts


def voc_categories(folder: str | Path | None = None) -> Categories:
    """VOC's 20 things and their background, or what `labelmap.txt` of a folder lists; ids are the indices.

    Example:
        >>> [row.color for row in voc_categories()[:3]]
        [(0, 0, 0), (128, 0, 0), (0, 128, 0)]
    """
    path = Path(folder or "") / COLORS_FILE
    if folder is None or not path.is_file():
        return Categories.named("voc")
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    rows = []
    for n, line in enumerate(lines):
        name, color, *_ = [*line.split(":"), ""]
        parts = [whole_number(part) for part in color.split(",")]
        if len(parts) != 3 or None in parts:
            fail(str(path), "lines of name:red,green,blue::", repr(line))
        rows.append({"id": n, "name": name, "isthing": int(name != "background"), "color": parts})
    return Categories.from_coco(rows)


def map_of_voc(
    classes: UInt8[np.ndarray, "h w 3"], objects: UInt8[np.ndarray, "h w 3"], categories: Categories
) -> PanopticMap:
    """The map of the two pictures: an object is of the class that most of its pixels have.

    The border between objects is void; pixels of a class outside of any object are a crowd.

    Raises:
        ValueError: A colour is no category's, or the pictures differ in size.

    Example:
        >>> red, green, border = (128, 0, 0), (0, 128, 0), BORDER_COLOR
        >>> classes = np.uint8([[(0, 0, 0), red, red, border]])
        >>> panoptic_map = map_of_voc(classes, np.uint8([[(0, 0, 0), red, green, border]]), voc_categories())
        >>> panoptic_map.ids.tolist(), [s.category_id for s in panoptic_map.segments]
        ([[1, 3, 2, 0]], [0, 1, 1])
    """
    if classes.shape != objects.shape:
        fail("objects", f"as large as the classes, {classes.shape[:2]}", objects.shape[:2])
    index_of_color = {_number(np.array(row.color)).item(): index for index, row in enumerate(categories)}
    border, background = _number(np.array(BORDER_COLOR)).item(), 0
    class_keys, object_keys = _number(classes), _number(objects)
    unknown = set(np.unique(class_keys).tolist()) - index_of_color.keys() - {border}
    if unknown:
        color = unknown.pop()
        fail("classes", "made of the categories' colours", (color >> 16, color >> 8 & 255, color & 255))
    # categories as a whole, and then each object over them
    keys = np.full(class_keys.shape, -1, np.int64)
    meaning: dict[int, tuple[int, bool] | None] = {-1: None}
    for color, index in index_of_color.items():
        pixels = (class_keys == color) & np.isin(object_keys, (background, border))
        keys[pixels] = index
        meaning[index] = (categories[index].id, categories[index].is_thing)
    # an object has the class of most of its pixels
    for color in sorted(set(np.unique(object_keys).tolist()) - {background, border}):
        pixels = (object_keys == color) & (class_keys != border)
        counts = np.unique(class_keys[pixels], return_counts=True)
        if pixels.any():
            index = index_of_color[int(counts[0][counts[1].argmax()])]
            keys[pixels] = color << 8 | 1
            meaning[color << 8 | 1] = (categories[index].id, False)
    return map_of_keys(keys, meaning, categories)


def _part(folder: Path, name: str, stems: list[str]) -> SourcePart:
    categories = voc_categories(folder)
    names = [stem + suffix for stem in stems for suffix in PHOTO_SUFFIXES]
    photos = {Path(photo).stem: path for photo, path in find_photos(names, [folder / "JPEGImages"]).items()}
    maps = tuple(
        SourceMap(
            stem,
            photos[stem].name if stem in photos else f"{stem}.jpg",
            f"{stem}.png",
            photos.get(stem),
            partial(_read, folder, stem, categories),
            map_path=folder / "SegmentationClass" / f"{stem}.png",
        )
        for stem in stems
    )
    return SourcePart(name, categories, maps, photo_folder=folder / "JPEGImages")


def _read(folder: Path, stem: str, categories: Categories) -> PanopticMap:
    kinds = ("SegmentationClass", "SegmentationObject")
    classes, objects = (read_channels(folder / kind / f"{stem}.png", "RGB") for kind in kinds)
    return map_of_voc(classes, objects, categories)


def _number(colors: np.ndarray) -> Int[np.ndarray, ...]:
    wide = colors.astype(np.int64)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
