"""Drawn pictures in the folders that COCO and Cityscapes come in."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PIL import Image

from intarsia.data.street import STREET_CATEGORIES, street_scene
from intarsia.formats.coco import CocoWriter


def write_official(
    folder: Path, kind: Literal["cityscapes", "coco"], *, train: int = 2, val: int = 1
) -> Path:
    """`train` and `val` street scenes where the official data set has its own; returns the folder."""
    first = 0
    for split, count in (("train", train), ("val", val)):
        _write_split(folder, kind, split, range(first, first + count))
        first += count
    return folder


def _write_split(folder: Path, kind: str, split: str, numbers: range) -> None:
    if kind == "cityscapes":
        json_path = folder / "gtFine" / f"cityscapes_panoptic_{split}.json"
        images, name = folder / "leftImg8bit" / split / "aachen", "aachen_{:06d}_000019_leftImg8bit.png"
    else:
        json_path = folder / "annotations" / f"panoptic_{split}2017.json"
        images, name = folder / f"{split}2017", "{:012d}.jpg"
    json_path.parent.mkdir(parents=True, exist_ok=True)
    images.mkdir(parents=True)
    with CocoWriter(json_path, STREET_CATEGORIES) as writer:
        for number in numbers:
            image, truth = street_scene(number)
            Image.fromarray(image).save(images / name.format(number))
            writer.add(name.format(number), truth)
