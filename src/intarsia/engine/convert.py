"""`intarsia convert`: data sets from one format to another. Starts without torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import tyro

from intarsia._check import InputError, PartialFailure, fail, nearest
from intarsia.formats import (
    ade20k,
    cityscapes,
    coco_folder,
    coco_instances,
    label_image,
    semantic_instances,
    vistas,
)
from intarsia.formats.source import SourceMap, SourcePart, Target

FORMATS: dict[str, Callable[[Path], list[SourcePart]]] = {
    "ade20k": ade20k.read_ade20k,
    "cityscapes": cityscapes.read_cityscapes,
    "cityscapes-raw": lambda folder: cityscapes.read_cityscapes(folder, every_label=True),
    "cityscapes-train-ids": lambda folder: cityscapes.read_cityscapes(folder, train_ids=True),
    "coco": coco_folder.read_coco_folder,
    "coco-instances": coco_instances.read_coco_instances,
    "labels": label_image.read_label_folder,
    "semantic-instances": semantic_instances.read_semantic_instances,
    "vistas": vistas.read_vistas,
}
TARGETS: dict[str, Target] = {
    "ade20k": ade20k.TARGET,
    "cityscapes": cityscapes.TARGET,
    "coco": coco_folder.TARGET,
    "coco-instances": coco_instances.TARGET,
    "labels": label_image.TARGET,
    "semantic-instances": semantic_instances.TARGET,
    "vistas": vistas.TARGETS["v1.2"],
    "vistas-v2": vistas.TARGETS["v2.0"],
}


def convert(
    format: Annotated[str, tyro.conf.Positional],
    source: Annotated[str, tyro.conf.Positional],
    out: Annotated[str, tyro.conf.Positional],
    *,
    to: str = "coco",
    category_map: str | None = None,
    workers: int = 2,
) -> Path:
    """Convert a data set to COCO panoptic (`panoptic.json`, `panoptic/`, `images/` for each part), or back.

    Runs again where it was stopped: finished images are kept. Images are copied where the source has them.
    Every map is checked before it is written; a COCO panoptic JSON is read again.

    Args:
        format: What the source is: cityscapes (or cityscapes-train-ids, cityscapes-raw), vistas, ade20k,
            labels, semantic-instances, coco-instances, coco.
        source: The data set's folder; for labels also one file, for coco also a JSON.
        out: Folder to write, made if absent. A data set of several parts gets `train/`, `val/` ... in it.
        to: What to write: coco, cityscapes, vistas, vistas-v2, ade20k, labels, semantic-instances,
            coco-instances.
        category_map: For labels: a JSON that says what each label is.
        workers: How many images to convert at once.

    Returns:
        The folder written.

    Raises:
        ValueError: A format is unknown, or the source does not look like it.
        PartialFailure: Some images could not be read or written; the others are converted.
    """
    for name, value, known in (("format", format, FORMATS), ("to", to, TARGETS)):
        if value not in known:
            fail(name, "a known format", repr(value), hint=nearest(value, known))
    if category_map is not None and format != "labels":
        fail("category_map", "used with the format `labels`", repr(format))
    if not Path(source).exists():
        fail(str(source), "a data set", "no such file or folder")
    if category_map is None:
        parts = FORMATS[format](Path(source))
    else:
        parts = label_image.read_label_folder(source, category_map=category_map)
    broken = [row for part in parts for row in _convert_part(part, Path(out), TARGETS[to], workers=workers)]
    total = sum(len(part.maps) for part in parts)
    if broken and len(broken) == total:
        raise InputError(broken[0])
    if broken:
        raise PartialFailure(broken, total=total, result=Path(out))
    return Path(out)


def _convert_part(part: SourcePart, out: Path, target: Target, *, workers: int) -> list[str]:
    """Convert one part and return a sentence for each image that could not be."""
    from rich.progress import track

    out.mkdir(parents=True, exist_ok=True)
    journal = out / f"{part.name or 'all'}.unfinished"
    done = _read_journal(journal)
    left = [one for one in part.maps if str(one.image_id) not in done]
    broken = []
    with journal.open("a") as lines, ThreadPoolExecutor(workers) as pool:
        converted = pool.map(lambda one: _convert_one(out, part, one, target), left)
        for one, row in track(
            zip(left, converted, strict=True), total=len(left), description=part.name or "maps"
        ):
            if isinstance(row, str):
                broken.append(row)
                continue
            done[str(one.image_id)] = row
            print(json.dumps([str(one.image_id), row]), file=lines, flush=True)
    target.finish(out, part, [done[str(one.image_id)] for one in part.maps if str(one.image_id) in done])
    journal.unlink()
    return broken


def _convert_one(out: Path, part: SourcePart, one: SourceMap, target: Target) -> dict[str, Any] | str:
    try:
        return target.write(out, part, one, one.read())
    except InputError as error:
        return str(error) if str(one.name) in str(error) else f"{one.name}: {error}"
    except OSError as error:
        return (
            f"`{error.filename or one.name}` must be readable and the output writable, got {error.strerror}."
        )


def _read_journal(journal: Path) -> dict[str, dict[str, Any]]:
    """What an earlier run finished; its last line may be cut off."""
    done = {}
    for line in journal.read_text().splitlines() if journal.exists() else ():
        try:
            image_id, row = json.loads(line)
        except ValueError:
            continue
        done[image_id] = row
    return done
