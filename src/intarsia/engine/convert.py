"""`intarsia convert`: data sets of other formats to COCO panoptic on disk. Starts without torch."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import tyro

from intarsia._check import InputError, PartialFailure, fail, nearest
from intarsia.formats.cityscapes import read_cityscapes
from intarsia.formats.coco import read_coco, segments_to_coco
from intarsia.formats.label_image import read_label_folder
from intarsia.formats.png import write_ids
from intarsia.formats.source import SourceMap, SourcePart
from intarsia.formats.vistas import read_vistas

FORMATS: dict[str, Callable[[Path], list[SourcePart]]] = {
    "cityscapes": read_cityscapes,
    "cityscapes-train-ids": lambda folder: read_cityscapes(folder, train_ids=True),
    "labels": read_label_folder,
    "vistas": read_vistas,
}


def convert(
    format: Annotated[str, tyro.conf.Positional],
    source: Annotated[str, tyro.conf.Positional],
    out: Annotated[str, tyro.conf.Positional],
    *,
    workers: int = 2,
) -> Path:
    """Convert a data set to COCO panoptic: `panoptic.json`, `panoptic/` and `images/` for each part.

    Runs again where it was stopped: finished images are kept. Images are copied where the source has them.

    Args:
        format: cityscapes, cityscapes-train-ids, vistas, or labels (label images of one category).
        source: The data set's folder; for labels also one file.
        out: Folder to write, made if absent. A data set of several parts gets `train/`, `val/` ... in it.
        workers: How many images to convert at once.

    Returns:
        The folder written.

    Raises:
        ValueError: The format is unknown, or the source does not look like it.
        PartialFailure: Some images could not be read; the others are converted.
    """
    if format not in FORMATS:
        fail("format", "a known format", repr(format), hint=nearest(format, FORMATS))
    if not Path(source).exists():
        fail(str(source), "a data set", "no such file or folder")
    parts = FORMATS[format](Path(source))
    broken = [sentence for part in parts for sentence in _convert_part(part, Path(out) / part.name, workers)]
    total = sum(len(part.maps) for part in parts)
    if broken and len(broken) == total:
        raise InputError(broken[0])
    if broken:
        raise PartialFailure(broken, total=total, result=Path(out))
    return Path(out)


def _convert_part(part: SourcePart, out: Path, workers: int) -> list[str]:
    """Convert one part and return a sentence for each image that could not be."""
    from rich.progress import track

    (out / "panoptic").mkdir(parents=True, exist_ok=True)
    journal = out / "panoptic.json.unfinished"
    done = _read_journal(journal, out)
    left = [one for one in part.maps if one.image_id not in done]
    broken = []
    with journal.open("a") as lines, ThreadPoolExecutor(workers) as pool:
        converted = pool.map(lambda one: _convert_one(one, out), left)
        for one, row in track(
            zip(left, converted, strict=True), total=len(left), description=part.name or "maps"
        ):
            if isinstance(row, str):
                broken.append(row)
                continue
            done[one.image_id] = row
            print(json.dumps(row), file=lines, flush=True)
    _finish(part, out, [done[one.image_id] for one in part.maps if one.image_id in done])
    journal.unlink()
    return broken


def _convert_one(one: SourceMap, out: Path) -> dict[str, Any] | str:
    try:
        panoptic_map = one.read()
        if int(panoptic_map.ids.max()) >= 1 << 24:
            panoptic_map = panoptic_map.renumbered()
        write_ids(out / "panoptic" / one.map_file, panoptic_map.ids)
        if one.image_path is not None:
            (out / "images").mkdir(exist_ok=True)
            shutil.copyfile(one.image_path, out / "images" / one.image_file)
    except InputError as error:
        return str(error)
    except OSError as error:
        return f"`{error.filename}` must be readable and the output writable, got {error.strerror}."
    height, width = panoptic_map.size
    image = {"id": one.image_id, "file_name": one.image_file, "height": height, "width": width}
    segments = segments_to_coco(panoptic_map)
    return {"image": image, "annotation": {"file_name": one.map_file, "segments_info": segments}}


def _read_journal(journal: Path, out: Path) -> dict[str, dict[str, Any]]:
    """What an earlier run finished; its last line may be cut off."""
    done = {}
    for line in journal.read_text().splitlines() if journal.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if (out / "panoptic" / row["annotation"]["file_name"]).exists():
            done[row["image"]["id"]] = row
    return done


def _finish(part: SourcePart, out: Path, rows: list[dict[str, Any]]) -> None:
    content = {
        "images": [row["image"] for row in rows],
        "annotations": [{"image_id": row["image"]["id"], **row["annotation"]} for row in rows],
        "categories": part.categories.to_coco(),
    }
    partial = out / "panoptic.json.partial"
    partial.write_text(json.dumps(content))
    read_coco(partial)  # what is written must be what is read
    partial.replace(out / "panoptic.json")
