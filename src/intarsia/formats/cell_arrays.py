"""Cells in arrays of many images: PanNuke's folds, CoNIC (Lizard), and TissueNet."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, Shaped, UInt8

from intarsia._check import fail
from intarsia.formats.color_png import map_of_keys
from intarsia.formats.source import SourceMap, SourcePart
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["find_cell_arrays", "read_cell_arrays"]

PANNUKE = ("neoplastic", "inflammatory", "connective", "dead", "epithelial")
CONIC = ("neutrophil", "epithelial", "lymphocyte", "plasma", "eosinophil", "connective")
TISSUENET = ("cell",)

Keys = Callable[[np.ndarray], Int64[np.ndarray, "h w"]]


def read_cell_arrays(folder: str | Path) -> list[SourcePart]:
    """Arrays of images, each of which is a part: PanNuke's, CoNIC's or TissueNet's.

    These are `images/foldN/images.npy` with `masks/foldN/masks.npy`, `images.npy` with `labels.npy`, and
    `*.npz` of X and y. What is no cell is the stuff category "background", id 0. Of TissueNet the whole cells
    are read.

    Raises:
        ValueError: There are no such arrays, or they do not fit together.
    """
    places = find_cell_arrays(folder)
    if not places:
        expected = "a folder with images.npy beside masks.npy or labels.npy, or .npz files of X and y"
        fail(str(folder), expected, "none of these")
    return [_part(name, images, labels) for name, images, labels in places]


def find_cell_arrays(folder: str | Path) -> list[tuple[str, Path, Path]]:
    """The parts in a folder: name, file of images, file of labels (the same for TissueNet).

    Example:
        >>> find_cell_arrays("no-such-folder")
        []
    """
    folder = Path(folder)
    places = []
    for images in sorted(folder.rglob("images.npy")):
        other = Path(
            *("masks" if part == "images" else part for part in images.parent.relative_to(folder).parts)
        )
        candidates = [
            images.with_name("masks.npy"),
            images.with_name("labels.npy"),
            folder / other / "masks.npy",
        ]
        labels = next((path for path in candidates if path.is_file()), None)
        if labels is not None:
            inside = images.parent.relative_to(folder)
            places.append((inside.as_posix(), images, labels))
    last = [Path(name).name for name, _, _ in places]
    names = last if len(set(last)) == len(last) else [name.replace("/", "_") for name, _, _ in places]
    places = [(name, *files) for name, (_, *files) in zip(names, places, strict=True)]
    return places or [(path.stem, path, path) for path in sorted(folder.glob("*.npz"))]


def _part(name: str, images: Path, labels: Path) -> SourcePart:
    photos, masks = _array(images, "X"), _array(labels, "y")
    names, keys = _kind(labels, masks)
    if photos.ndim != 4 or photos.shape[:3] != masks.shape[:3]:
        fail(str(images), f"of images as {labels.name} has, {masks.shape[:3]}", photos.shape)
    rows = [{"id": n, "name": text, "isthing": int(n > 0)} for n, text in enumerate(("background", *names))]
    categories = Categories.from_coco(rows)
    maps = tuple(
        SourceMap(
            f"{name or images.stem}_{n:05d}",
            f"{name or images.stem}_{n:05d}.png",
            f"{name or images.stem}_{n:05d}.png",
            None,
            partial(_read_map, labels, n, keys, categories),
            pixels=partial(_read_photo, images, n),
        )
        for n in range(len(masks))
    )
    return SourcePart(name, categories, maps)


def _kind(path: Path, masks: Shaped[np.ndarray, "n h w c"]) -> tuple[tuple[str, ...], Keys]:
    """The categories that an array of labels has, and how to number its segments."""
    channels = masks.shape[3] if masks.ndim == 4 else 0
    if path.name == "masks.npy" and channels == len(PANNUKE) + 1:
        return PANNUKE, _pannuke
    if path.name == "labels.npy" and channels == 2:
        return CONIC, _conic
    if path.suffix == ".npz" and channels in (1, 2):
        return TISSUENET, _tissuenet
    expected = "masks of 6 channels (PanNuke), labels of 2 (CoNIC), or y of 1 or 2 (TissueNet)"
    return fail(str(path), expected, f"an array of shape {masks.shape}")


def _pannuke(mask: np.ndarray) -> Int64[np.ndarray, "h w"]:
    """A channel a category with the numbers of its cells; where two overlap, the later category is on top."""
    keys = np.zeros(mask.shape[:2], np.int64)
    for channel in range(len(PANNUKE)):
        numbers = mask[..., channel].astype(np.int64)
        keys = np.where(numbers > 0, numbers * 16 + channel + 1, keys)
    return keys


def _conic(mask: np.ndarray) -> Int64[np.ndarray, "h w"]:
    """The numbers of cells, and their categories."""
    numbers, kinds = mask[..., 0].astype(np.int64), mask[..., 1].astype(np.int64)
    if int(kinds.max(initial=0)) > len(CONIC) or bool(((numbers > 0) & (kinds == 0)).any()):
        fail("labels", f"of a category in [1, {len(CONIC)}] for every cell", int(kinds.max(initial=0)))
    return np.where(numbers > 0, numbers * 16 + kinds, 0)


def _tissuenet(mask: np.ndarray) -> Int64[np.ndarray, "h w"]:
    """The first channel numbers whole cells, the second their nuclei."""
    numbers = mask[..., 0].astype(np.int64)
    return np.where(numbers > 0, numbers * 16 + 1, 0)


def _read_map(path: Path, n: int, keys_of: Keys, categories: Categories) -> PanopticMap:
    keys = keys_of(_array(path, "y")[n])
    return map_of_keys(keys, {key: (key % 16, False) for key in np.unique(keys).tolist()}, categories)


def _read_photo(path: Path, n: int) -> UInt8[np.ndarray, "h w 3"]:
    """A picture of bytes as it is; other channels stretched one by one: nuclei green, membranes blue."""
    values = _array(path, "X")[n]
    if values.shape[2] == 3 and float(values.min()) >= 0 and 1 < float(values.max()) <= 255:
        return np.asarray(values).round().astype(np.uint8)
    channels = [_stretch(values[..., channel]) for channel in range(min(values.shape[2], 3))]
    red = [np.zeros_like(channels[0])] if len(channels) == 2 else []
    return np.stack([*red, *channels] if len(channels) > 1 else channels * 3, axis=-1)


def _stretch(values: np.ndarray) -> UInt8[np.ndarray, "h w"]:
    low, high = np.percentile(values.astype(np.float64), [0.1, 99.9])
    return (255 * (values - low) / max(high - low, 1e-12)).clip(0, 255).round().astype(np.uint8)


def _array(path: Path, key: str) -> Any:
    """An array on disk; of `.npy` only the pages that are asked for come into memory."""
    return _load(path, key, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _load(path: Path, key: str, changed_ns: int) -> Any:
    try:
        if path.suffix == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False)
        with np.load(path, allow_pickle=False) as arrays:
            return arrays[key]
    except (OSError, ValueError, EOFError, KeyError) as error:
        fail(str(path), "a readable array of images", f"{type(error).__name__}: {error}")
