"""`intarsia convert`: data sets from one format to another. Starts without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import tyro

from intarsia._check import fail, nearest
from intarsia._threads import in_order
from intarsia.commands.cluster import Cluster, ClusterAddress
from intarsia.commands.conversion import Each, Outcome, check_names, convert_part, refuse_losses
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
from intarsia.formats.layout import FORMATS
from intarsia.formats.source import SourceMap, SourcePart, Target

GROUP = 16
"""Images that a worker of a cluster is given at once."""
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
    channel: tuple[int, ...] = (),
    page: int | None = None,
    strict: bool = False,
    workers: int | None = None,
    cluster: ClusterAddress = None,
) -> Path:
    """Convert a data set to COCO panoptic (`panoptic.json`, `panoptic/`, `images/` for each part), or back.

    Stopped, it goes on where it was: finished images are kept. Photos are copied where the source has them.
    At the end all that was written is read again, and must say of each pixel what the source said; then it is
    counted what came along and what was lost.

    Args:
        format: What the source is: cityscapes (or cityscapes-train-ids, cityscapes-raw), vistas, ade20k,
            labels (label-stack is the same), label-divisor, semantic-instances, coco-instances, coco,
            kitti-step, bdd100k, voc, davis (or YouTube-VOS), ade20k-full (all categories of 2017 or 2021),
            two-channel (panopticapi), mask-files (a file for each object), cell-arrays (PanNuke, CoNIC,
            TissueNet).
        source: The data set's folder; for labels also one file, for coco and coco-instances also a JSON.
        out: Folder to write, made if absent. A data set of several parts gets `train/`, `val/` ... in it.
        to: What to write: coco, cityscapes, vistas, vistas-v2, ade20k, labels (a PNG each), label-stack (one
            TIFF of many pages), label-divisor, semantic-instances, coco-instances.
        category_map: For labels: a JSON that says what each label is.
        background: For labels and coco-instances: the name of the stuff category that label 0 is, and what no
            instance covers; "void" makes it void.
        objects: For labels: whether each label is an object, or each connected piece of one (masks of 0 and
            1). By default each label is, and what looks like a mask is refused.
        channel: Which channels of the photos' files come along, one as gray or up to three as red, green and
            blue; of files whose channels are not the colours of a picture. The photos become PNGs.
        page: Which page of the photos' files comes along, where those are stacks with one map each. The
            photos become PNGs.
        strict: Write nothing if anything would be lost.
        workers: How many images to convert at once, by default 2; on a cluster how many processes do, by
            default one each core.
        cluster: Work on a Ray cluster, whose machines all see the folders: HOST:PORT, or "local" for one on
            this machine. Alone: the cluster that this machine is part of, or else one on this machine.

    Returns:
        The folder written.

    Raises:
        ValueError: A format is unknown, the source does not look like it, or with `strict` not all of it can
            be converted.
        PartialFailure: Some images could not be read or written, or photos or annotations were lost; what is
            not named is converted.
    """
    for name, value, known in (("format", format, FORMATS), ("to", to, TARGETS)):
        if value not in known:
            fail(name, "a known format", repr(value), hint=nearest(value, known))
    each = _each(cluster, workers)
    if cluster is not None:  # whose machines work in other folders
        source, out = str(Path(source).absolute()), str(Path(out).absolute())
    labels = {"category_map": category_map, "background": background, "objects": objects}
    parts = _parts_of(format, Path(source), labels)
    if channel or page is not None:
        parts = [_with_view(part, channel=channel, page=page) for part in parts]
    # what the target cannot hold is refused before anything is written
    for part in parts:
        check_names(part, TARGETS[to])
    if strict:
        refuse_losses(parts, each=each)
    conversion = [format, str(Path(source).resolve()), to, *map(str, (*labels.values(), channel, page))]
    # each part into files; what was done before stays
    try:
        outcomes = [
            convert_part(part, Path(out), target=TARGETS[to], conversion=conversion, each=each)
            for part in parts
        ]
    except OSError as error:
        fail(str(error.filename or out), "writable", error.strerror or str(error))
    _report(outcomes, source, Path(out))
    return Path(out)


def _each(cluster: str | None, workers: int | None) -> Each:
    if cluster is not None:
        return partial(Cluster(cluster, workers).in_order, group=GROUP)
    if workers is not None and workers < 1:
        fail("workers", "at least 1", workers)
    return partial(in_order, workers=workers or 2)


def _parts_of(format: str, source: Path, labels: dict[str, Any]) -> list[SourcePart]:
    """Read what the source lists; the options of label images are refused elsewhere."""
    if not source.exists():
        fail(str(source), "a data set", "no such file or folder")
    if format in LABELS:
        return label_folder.read_label_folder(source, **labels)
    if format == "coco-instances" and {labels["category_map"], labels["objects"]} == {None}:
        return coco_instances.read_coco_instances(source, background=labels["background"])
    used = [name for name, value in labels.items() if value not in (None, label_folder.BACKGROUND.name)]
    if used:
        fail(used[0], "used with the format `labels`", repr(format))
    return FORMATS[format](source)


def _with_view(part: SourcePart, *, channel: tuple[int, ...], page: int | None) -> SourcePart:
    """The part with what was chosen of its photos, each of which will be a PNG."""

    def choose(source: SourceMap) -> SourceMap:
        if not source.has_photo:
            return source
        png = PurePosixPath(source.image_file).with_suffix(".png")
        return replace(source.with_view(channel=channel, page=page), image_file=str(png))

    return replace(part, maps=tuple(map(choose, part.maps)))


def _report(outcomes: Sequence[Outcome], source: str, out: Path) -> None:
    """Print what came along, and say what did not."""
    broken = [problem for outcome in outcomes for problem in outcome.broken]
    losses = [problem for outcome in outcomes for problem in outcome.count.losses()]
    total = sum(len(outcome.count.part.maps) for outcome in outcomes)
    if broken and len(broken) == total:
        more = f" So it is with all {total} images." if total > 1 else ""
        raise InputError(broken[0] + more)
    for outcome in outcomes:
        for line in outcome.count.lines():
            print(line)
    lessons = {outcome.lesson for outcome in outcomes}
    if "" not in lessons:
        print(f"Nothing can be learned from it: {lessons.pop()}.")
    if broken or losses:
        summary = "" if not losses else f"Not all of {source} came along; what did is in {out}"
        raise PartialFailure(broken + losses, total=total, result=out, summary=summary)
