"""`intarsia convert`: data sets from one format to another. Starts without torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import tyro

from intarsia._check import fail, nearest, sentence
from intarsia._threads import in_order
from intarsia.commands.journal import Journal
from intarsia.errors import InputError, PartialFailure
from intarsia.formats import (
    ade20k,
    cityscapes,
    coco_folder,
    coco_instances,
    label_divisor,
    label_folder,
    label_stack,
    semantic_instances,
    vistas,
)
from intarsia.formats.fingerprint import fingerprint
from intarsia.formats.source import SourceMap, SourcePart, Target

FORMATS: dict[str, Callable[[Path], list[SourcePart]]] = {
    "ade20k": ade20k.read_ade20k,
    "cityscapes": cityscapes.read_cityscapes,
    "cityscapes-raw": lambda folder: cityscapes.read_cityscapes(folder, every_label=True),
    "cityscapes-train-ids": lambda folder: cityscapes.read_cityscapes(folder, train_ids=True),
    "coco": coco_folder.read_coco_folder,
    "coco-instances": coco_instances.read_coco_instances,
    "label-divisor": label_divisor.read_label_divisor,
    "label-stack": label_folder.read_label_folder,
    "labels": label_folder.read_label_folder,
    "semantic-instances": semantic_instances.read_semantic_instances,
    "vistas": vistas.read_vistas,
}
LABELS = ("labels", "label-stack")
TARGETS: dict[str, Target] = {
    "ade20k": ade20k.TARGET,
    "cityscapes": cityscapes.TARGET,
    "coco": coco_folder.TARGET,
    "coco-instances": coco_instances.TARGET,
    "label-divisor": label_divisor.TARGET,
    "label-stack": label_stack.TARGET,
    "labels": label_folder.TARGET,
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
    background: str = label_folder.BACKGROUND.name,
    objects: label_folder.Objects | None = None,
    workers: int = 2,
) -> Path:
    """Convert a data set to COCO panoptic (`panoptic.json`, `panoptic/`, `images/` for each part), or back.

    Stopped, it goes on where it was: finished images are kept. Photos are copied where the source has them.
    At the end all that was written is read again, and must say of each pixel what the source said.

    Args:
        format: What the source is: cityscapes (or cityscapes-train-ids, cityscapes-raw), vistas, ade20k,
            labels (label-stack is the same), label-divisor, semantic-instances, coco-instances, coco.
        source: The data set's folder; for labels also one file, for coco also a JSON.
        out: Folder to write, made if absent. A data set of several parts gets `train/`, `val/` ... in it.
        to: What to write: coco, cityscapes, vistas, vistas-v2, ade20k, labels (a PNG each), label-stack (one
            TIFF of many pages), label-divisor, semantic-instances, coco-instances.
        category_map: For labels: a JSON that says what each label is.
        background: For labels: the name of the stuff category that label 0 is; "void" makes it void.
        objects: For labels: whether each label is an object, or each connected piece of one (masks of 0 and
            1). By default each label is, and what looks like a mask is refused.
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
    options = {"category_map": category_map, "objects": objects, "background": background}
    named = [name for name, value in options.items() if value not in (None, label_folder.BACKGROUND.name)]
    if named and format not in LABELS:
        fail(named[0], "used with the format `labels`", repr(format))
    if workers < 1:
        fail("workers", "at least 1", workers)
    if not Path(source).exists():
        fail(str(source), "a data set", "no such file or folder")
    if format in LABELS:
        parts = label_folder.read_label_folder(
            source, category_map=category_map, background=background, objects=objects
        )
    else:
        parts = FORMATS[format](Path(source))
    conversion = [format, str(Path(source).resolve()), to, *map(str, options.values())]
    try:
        rows = [_convert_part(part, Path(out), TARGETS[to], conversion, workers=workers) for part in parts]
    except OSError as error:
        fail(str(error.filename or out), "writable", error.strerror or str(error))
    broken, total = list(chain.from_iterable(rows)), sum(len(part.maps) for part in parts)
    if broken and len(broken) == total:
        raise InputError(broken[0])
    if broken:
        raise PartialFailure(broken, total=total, result=Path(out))
    return Path(out)


def _convert_part(
    part: SourcePart, out: Path, target: Target, conversion: list[str], *, workers: int
) -> list[str]:
    """Convert one part and return a sentence for each image that could not be."""
    _check_names(part, target)
    out.mkdir(parents=True, exist_ok=True)
    name = part.name or "all"
    journal = Journal(out / f"{name}.unfinished", conversion)
    left = [one for one in part.maps if str(one.image_id) not in journal.done]
    broken: list[str] = []
    with journal:
        convert_one = partial(_convert_one, out, part, target=target)
        for one, done in in_order(convert_one, left, workers=workers, description=name):
            if isinstance(done, str):
                broken.append(done)
            else:
                journal.add(str(one.image_id), done)
    written = [one for one in part.maps if str(one.image_id) in journal.done]
    target.finish(out, part, [journal.done[str(one.image_id)]["row"] for one in written])
    broken += _read_again(part, written, out, target, journal, workers=workers)
    journal.remove()
    return broken


def _convert_one(out: Path, part: SourcePart, one: SourceMap, *, target: Target) -> dict[str, Any] | str:
    try:
        panoptic_map = one.read()
        row = target.write(out, part, one, panoptic_map)
        return {"row": row, "fingerprint": fingerprint(panoptic_map, part.categories)}
    except InputError as error:
        return str(error) if str(one.name) in str(error) else f"{one.name}: {error}"
    except OSError as error:
        return (
            f"`{error.filename or one.name}` must be readable and the output writable, got {error.strerror}."
        )


def _read_again(
    part: SourcePart,
    written: Sequence[SourceMap],
    out: Path,
    target: Target,
    journal: Journal,
    *,
    workers: int,
) -> list[str]:
    """Read what is on disk now, and return a sentence for each image that is not what it was."""
    parts = target.read(out) if written else []
    parts = [back for back in parts if back.name == part.name] or parts  # some formats name every part
    found = {one.name: (back.categories, one) for back in parts for one in back.maps}

    def check(one: SourceMap) -> str:
        expected = f"in {out} as it was in the source"
        if one.name not in found:
            return sentence(one.name, expected, "no map of this name")
        categories, back = found[one.name]
        try:
            same = fingerprint(back.read(), categories) == journal.done[str(one.image_id)]["fingerprint"]
        except InputError as error:
            return sentence(one.name, expected, str(error).rstrip("."))
        return "" if same else sentence(one.name, expected, "other segments")

    checked = in_order(check, written, workers=workers, description="reading again")
    return [problem for _, problem in checked if problem]


def _check_names(part: SourcePart, target: Target) -> None:
    """Refuse names that lead out of the folder, and two images that would be written to one file."""
    for one in part.maps:
        for name in (one.name, one.image_file, one.map_file):
            if "\0" in name or Path(name).is_absolute() or ".." in Path(name).parts:
                fail("file_name", "a name inside the data set's folder", repr(name))
    count = Counter(one.map_file if target.keeps_file_names else one.name for one in part.maps)
    twice = [name for name, number in count.items() if number > 1]
    if twice:
        fail("source", "a data set whose images have names of their own", f"two named {twice[0]!r}")
