"""Where a data set folder keeps its JSON, its maps and its images: one function for each known layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from intarsia._check import fail
from intarsia.formats.coco import MapRecord

Split = Literal["train", "val"]


@dataclass(frozen=True, slots=True)
class Layout:
    """The three places of one split. With `by_city`, images lie in folders named as their names begin."""

    json_path: Path
    map_folder: Path
    image_folder: Path
    by_city: bool = False

    def image_path(self, record: MapRecord) -> Path:
        """The image file of a record."""
        city = record.image_file.partition("_")[0] if self.by_city else ""
        return self.image_folder / city / record.image_file


def find_layout(folder: str | Path, split: str | None) -> Layout:
    """Recognise how a data set folder is laid out.

    It is one COCO panoptic folder (`panoptic.json`, `panoptic/`, `images/`; then `split` is None or "train"),
    or has `train/` and `val/` of that shape, or has the official layout of COCO or Cityscapes.

    Raises:
        ValueError: `split` is none of None, "train" and "val", or the folder does not exist, has no known
            layout, or lacks its images or maps.

    Example:
        >>> find_layout("/no/such/folder", "train")
        Traceback (most recent call last):
            ...
        intarsia.errors.InputError: `/no/such/folder` must be a data set folder, got no such folder.
    """
    folder = Path(folder)
    if split not in (None, "train", "val"):
        fail("split", 'None, "train" or "val"', repr(split))
    if not folder.is_dir():
        fail(str(folder), "a data set folder", "a file" if folder.exists() else "no such folder")
    if split is None and not (folder / "panoptic.json").exists() and splits_of(folder):
        fail("split", f'"train" or "val" for {folder}, which has several parts', "None")
    layout = _recognised(folder, split)
    if layout is None:
        return _fail_unknown(folder, split)
    for place, what in ((layout.map_folder, "maps"), (layout.image_folder, "images")):
        if not place.is_dir() or not any(place.iterdir()):
            fail(
                str(place),
                f"a folder with the {what}",
                "an empty one" if place.is_dir() else "no such folder",
            )
    return layout


def splits_of(folder: str | Path) -> tuple[Split, ...]:
    """The parts that a data set folder has; empty where it is one COCO panoptic folder, or nothing known."""
    known: tuple[Split, ...] = ("train", "val")
    if plain_folder(Path(folder), None):
        return ()
    return tuple(split for split in known if _recognised(Path(folder), split))


def plain_folder(folder: Path, split: str | None) -> Layout | None:
    """`panoptic.json`, `panoptic/`, `images/`."""
    if split == "val" or not (folder / "panoptic.json").is_file():
        return None
    return Layout(folder / "panoptic.json", folder / "panoptic", folder / "images")


def split_folders(folder: Path, split: str | None) -> Layout | None:
    """`train/` and `val/`, each with `panoptic.json`, `panoptic/`, `images/`."""
    return None if split is None else plain_folder(folder / split, None)


def official_coco(folder: Path, split: str | None) -> Layout | None:
    """`annotations/panoptic_train2017.json`, its maps beside it, `train2017/`; likewise `val2017`."""
    json_path = folder / "annotations" / f"panoptic_{split}2017.json"
    return (
        Layout(json_path, json_path.with_suffix(""), folder / f"{split}2017") if json_path.is_file() else None
    )


def official_cityscapes(folder: Path, split: str | None) -> Layout | None:
    """`gtFine/cityscapes_panoptic_train.json` of its scripts, maps beside it, `leftImg8bit/train/<city>/`."""
    json_path = folder / "gtFine" / f"cityscapes_panoptic_{split}.json"
    images = folder / "leftImg8bit" / str(split)
    return Layout(json_path, json_path.with_suffix(""), images, by_city=True) if json_path.is_file() else None


LAYOUTS = (plain_folder, split_folders, official_coco, official_cityscapes)


def _recognised(folder: Path, split: str | None) -> Layout | None:
    return next((layout for find in LAYOUTS if (layout := find(folder, split))), None)


def _fail_unknown(folder: Path, split: str | None) -> Layout:
    found = ", ".join(sorted(path.name for path in folder.iterdir())[:6]) or "nothing"
    if split is not None and (folder / "panoptic.json").exists():
        fail(str(folder), f"a data set folder with `{split}/`", "one COCO panoptic folder without parts")
    fail(
        str(folder),
        "a COCO panoptic folder (panoptic.json, panoptic/, images/) or have such folders train/ and val/",
        f"a folder with {found}",
        hint="`intarsia convert` brings other formats into this shape.",
    )
