"""What kind of data set a folder is, and its parts: one finder for training, inspection and conversion."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from intarsia._check import fail
from intarsia.formats import (
    ade20k,
    ade20k_full,
    bdd100k,
    cell_arrays,
    cityscapes,
    coco_folder,
    coco_instances,
    davis,
    label_divisor,
    label_folder,
    mask_files,
    semantic_instances,
    step,
    two_channel,
    vistas,
    voc,
)
from intarsia.formats.coco_folder import read_place
from intarsia.formats.coco_places import find_coco
from intarsia.formats.instances_places import find_instances
from intarsia.formats.label_places import label_places
from intarsia.formats.mask_files import find_mask_files
from intarsia.formats.source import SourcePart

__all__ = ["FORMATS", "PartOnDisk", "Split", "find_parts", "format_of", "read_split", "splits_of"]

Split = Literal["train", "val"]

_NAMES = {"train": ("train", "training", "trn"), "val": ("val", "valid", "validation", "dev")}
"""What people call the part to train on and the one to validate on, in small letters."""


FORMATS: dict[str, Callable[[Path], list[SourcePart]]] = {
    "ade20k": ade20k.read_ade20k,
    "ade20k-full": ade20k_full.read_ade20k_full,
    "bdd100k": bdd100k.read_bdd100k,
    "cell-arrays": cell_arrays.read_cell_arrays,
    "cityscapes": cityscapes.read_cityscapes,
    "cityscapes-raw": partial(cityscapes.read_cityscapes, every_label=True),
    "cityscapes-train-ids": partial(cityscapes.read_cityscapes, train_ids=True),
    "coco": coco_folder.read_coco_folder,
    "coco-instances": coco_instances.read_coco_instances,
    "davis": davis.read_davis,
    "kitti-step": step.read_step,
    "label-divisor": label_divisor.read_label_divisor,
    "label-stack": label_folder.read_label_folder,
    "labels": label_folder.read_label_folder,
    "mask-files": mask_files.read_mask_files,
    "semantic-instances": semantic_instances.read_semantic_instances,
    "two-channel": two_channel.read_two_channel,
    "vistas": vistas.read_vistas,
    "voc": voc.read_voc,
}
"""How each format is read."""


def _has(*patterns: str) -> Callable[[Path], bool]:
    """Whether a folder holds a file or folder of each of these patterns."""
    return lambda folder: all(any(True for _ in folder.glob(pattern)) for pattern in patterns)


BITMASKS = ("labels/pan_seg", "labels/ins_seg", "pan_seg", "ins_seg")
_SIGNS: dict[str, Callable[[Path], bool]] = {
    "coco": lambda folder: bool(find_coco(folder)),
    "cityscapes": _has("gtFine/*/*/*_gtFine_instanceIds.png"),
    "ade20k": _has("annotations_instance/*/*.png"),
    "ade20k-full": lambda folder: any(
        any(True for _ in ade20k_full.find_ade20k_full(folder, split)) for split in ade20k.SPLITS
    ),
    "vistas": lambda folder: any(
        _has(f"*/{version}/instances", "config*.json")(folder) for version in vistas.VERSIONS
    ),
    "semantic-instances": lambda folder: (
        _has("semantic", "categories.json")(folder) or _has("*/semantic", "*/categories.json")(folder)
    ),
    "label-divisor": lambda folder: (
        _has("labels", "categories.json")(folder) or _has("*/labels", "*/categories.json")(folder)
    ),
    "kitti-step": _has("panoptic_maps/*/*/*.png"),
    "bdd100k": lambda folder: any(_has(f"{place}/bitmasks/*/*.png")(folder) for place in BITMASKS),
    "voc": _has("SegmentationClass", "SegmentationObject"),
    "davis": lambda folder: any(davis.find_davis(place) for place in (folder, *sorted(folder.glob("*")))),
    "cell-arrays": lambda folder: bool(cell_arrays.find_cell_arrays(folder)),
    "mask-files": lambda folder: any(map(find_mask_files, (folder, *folder.glob("*/")))),
    "labels": lambda folder: bool(label_places(folder)),
    "coco-instances": lambda folder: bool(find_instances(folder)),
}
"""What tells a format from others, the surest first."""


@dataclass(frozen=True, slots=True)
class PartOnDisk:
    """One part of a data set: its name, and how to read it."""

    name: str
    read: Callable[[], SourcePart]

    @property
    def split(self) -> Split | None:
        """Whether this is the part to train on or the one to validate on; neither for other names."""
        plain = re.sub(r"[-_]?\d*$", "", self.name).casefold()
        return next((split for split, names in _NAMES.items() if plain in names), None)  # type: ignore[return-value]


def find_parts(folder: str | Path) -> list[PartOnDisk]:
    """The parts of a data set folder of any kind that `convert` reads; none if it is of no known kind.

    Raises:
        ValueError: The folder does not exist, or is broken.

    Example:
        >>> find_parts("/no/such/folder")
        Traceback (most recent call last):
            ...
        intarsia.errors.InputError: `/no/such/folder` must be a data set folder, got no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        fail(str(folder), "a data set folder", "a file" if folder.exists() else "no such folder")
    format = format_of(folder)
    if format == "coco":
        return [PartOnDisk(place.name, partial(read_place, place)) for place in find_coco(folder)]
    parts = FORMATS[format](folder) if format else []
    return [PartOnDisk(part.name, partial(_itself, part)) for part in parts]


def format_of(folder: str | Path) -> str | None:
    """Which of the `FORMATS` a data set folder has, by the files that only this format has; perhaps none.

    Example:
        >>> format_of("/no/such/folder")
    """
    folder = Path(folder)
    return next((format for format, fits in _SIGNS.items() if fits(folder)), None)


def splits_of(folder: str | Path) -> tuple[Split, ...]:
    """Which of "train" and "val" a data set folder has; empty where it has no parts, or nothing known."""
    parts = [part.split for part in find_parts(folder) if part.name]
    return tuple(split for split in ("train", "val") if split in parts)


def read_split(folder: str | Path, split: str | None) -> SourcePart:
    """The part of a data set folder to train or to validate on.

    A folder without parts, or with one part of another name, is for training.

    Args:
        folder: The data set.
        split: "train" or "val"; `None` where the folder has one part only.

    Raises:
        ValueError: `split` is none of None, "train" and "val", or the folder does not exist, is of no known
            kind, or has no such part.
    """
    if split not in (None, "train", "val"):
        fail("split", 'None, "train" or "val"', repr(split))
    folder = Path(folder)
    parts = find_parts(folder)
    if not parts:
        _fail_unknown(folder)
    whole = [part for part in parts if not part.name] or (parts if len(parts) == 1 else [])
    # without parts asked for there must be one
    if split is None:
        if not whole:
            fail("split", f'"train" or "val" for {folder}, which has several parts', "None")
        return whole[0].read()
    matches = [part for part in parts if part.split == split]
    if len(matches) > 1:
        fail(
            str(folder),
            f"a data set folder with one part for `{split}`",
            " and ".join(p.name for p in matches),
        )
    # a data set without parts is one to train on
    if not matches and split == "train" and whole and whole[0].split is None:
        matches = whole
    if not matches:
        got = ", ".join(part.name for part in parts) if parts[0].name else "one data set without parts"
        fail(str(folder), f"a data set folder with `{split}/`", got)
    return matches[0].read()


def _itself(part: SourcePart) -> SourcePart:
    return part


def _fail_unknown(folder: Path) -> None:
    content = ", ".join(sorted(path.name for path in folder.iterdir())[:6]) or "nothing"
    fail(
        str(folder),
        "a COCO panoptic folder (panoptic.json, panoptic/, images/) or one of photos and label images "
        "(images/, labels/), or have such folders train/ and val/",
        f"a folder with {content}",
        hint="Other formats that `intarsia convert` names are recognised, too.",
    )
